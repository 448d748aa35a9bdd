//! Tests of text: equality, prefixes, parts and patterns, with the case of letters or without.

use std::borrow::Cow;

use regex::Regex;

/// All that is said must hold. Texts are folded already if the case is to be ignored.
#[derive(Debug, Clone, Default)]
pub struct TextTest {
    pub eq: Option<String>,
    pub ne: Option<String>,
    pub one_of: Option<Vec<String>>,
    pub none_of: Option<Vec<String>>,
    pub starts_with: Option<String>,
    pub contains: Option<String>,
    pub like: Option<Regex>,
    pub ignore_case: bool,
}

impl TextTest {
    pub fn asks_nothing(&self) -> bool {
        self.eq.is_none()
            && self.ne.is_none()
            && self.one_of.is_none()
            && self.none_of.is_none()
            && self.starts_with.is_none()
            && self.contains.is_none()
            && self.like.is_none()
    }

    pub fn holds(&self, text: &str) -> bool {
        let text = if self.ignore_case { Cow::Owned(fold(text)) } else { Cow::Borrowed(text) };
        let text = &*text;
        let is_among = |list: &Vec<String>| list.iter().any(|other| other == text);
        self.eq.as_ref().is_none_or(|wanted| wanted == text)
            && self.ne.as_ref().is_none_or(|unwanted| unwanted != text)
            && self.one_of.as_ref().is_none_or(is_among)
            && !self.none_of.as_ref().is_some_and(is_among)
            && self.starts_with.as_ref().is_none_or(|start| text.starts_with(start.as_str()))
            && self.contains.as_ref().is_none_or(|part| text.contains(part.as_str()))
            && self.like.as_ref().is_none_or(|pattern| pattern.is_match(text))
    }

    /// Whether the beginning of a text alone can rule it out.
    pub fn asks_of_beginnings(&self) -> bool {
        !self.ignore_case && (self.eq.is_some() || self.one_of.is_some() || self.starts_with.is_some())
    }

    /// Whether a text that begins so, in its first eight bytes, may pass. Only where [`TextTest::asks_of_beginnings`].
    pub fn may_begin(&self, prefix: u64) -> bool {
        let same = |wanted: &String| crate::view::prefix(wanted) == prefix;
        let starts = |start: &String| {
            let known = start.len().min(8);
            known == 0 || (crate::view::prefix(start) ^ prefix) >> (64 - 8 * known) == 0
        };
        self.eq.as_ref().is_none_or(same)
            && self.one_of.as_ref().is_none_or(|wanted| wanted.iter().any(same))
            && self.starts_with.as_ref().is_none_or(starts)
    }
}

/// Without case, for comparing: `Straße` and `STRASSE` are one.
pub(super) fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    text.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect()
}

/// `*` is any text, `?` any one character. `None` if the pattern is too large.
pub(super) fn like(pattern: &str) -> Option<Regex> {
    const PATTERN_BYTES_MAX: usize = 1 << 20;
    let mut text = String::with_capacity(pattern.len() + 8);
    text.push_str("(?s)^");
    let mut letters = [0; 4];
    for letter in pattern.chars() {
        match letter {
            '*' => text.push_str(".*"),
            '?' => text.push('.'),
            other => text.push_str(&regex::escape(other.encode_utf8(&mut letters))),
        }
    }
    text.push('$');
    regex::RegexBuilder::new(&text).size_limit(PATTERN_BYTES_MAX).build().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beginnings_never_rule_out_what_passes() {
        let texts = ["", "a", "mixer-1", "mixer-10", "mixer-1\u{0}", "Mixer", "ünder", "mixer-100000"];
        for wanted in texts {
            let tests = [
                TextTest { eq: Some(wanted.to_owned()), ..TextTest::default() },
                TextTest { starts_with: Some(wanted.to_owned()), ..TextTest::default() },
                TextTest { one_of: Some(vec![wanted.to_owned()]), ..TextTest::default() },
            ];
            for test in &tests {
                for text in texts.iter().filter(|text| test.holds(text)) {
                    assert!(test.may_begin(crate::view::prefix(text)), "{test:?} on {text:?}");
                }
            }
        }
    }

    #[test]
    fn case_is_folded_and_patterns_are_whole() {
        assert_eq!(fold("STRASSE"), fold("straße"));
        assert!(like("mix*?1").expect("small").is_match("mixer-1"));
        assert!(!like("mix").expect("small").is_match("mixer"));
        assert!(like("a.b").expect("small").is_match("a.b") && !like("a.b").expect("small").is_match("axb"));
    }
}
