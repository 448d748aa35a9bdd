//! How a template is written: text with names of topic levels in braces. `codec::topic` fills it in.

use super::{InvalidText, Template, TemplatePart, TopicPattern, is_level_name};

impl Template {
    /// `{line}-{tag}`, whose names are levels of the pattern.
    pub fn parse(text: &str, pattern: &TopicPattern) -> Result<Template, InvalidText> {
        let fail = |byte: usize, message: String| InvalidText::at(text, byte, message);
        let mut parts = Vec::new();
        let mut start = 0;
        while start < text.len() {
            let rest = &text[start..];
            let plain = rest.find(['{', '}']).unwrap_or(rest.len());
            if plain > 0 {
                parts.push(TemplatePart::Text(rest[..plain].into()));
            }
            start += plain;
            let Some(braced) = text[start..].strip_prefix('{') else {
                if start < text.len() {
                    return Err(fail(start, "`}` without `{`".to_owned()));
                }
                break;
            };
            let end = braced.find('}').ok_or_else(|| fail(start, "`{` without `}`".to_owned()))?;
            parts.push(TemplatePart::Level(level(&braced[..end], pattern).map_err(|message| fail(start + 1, message))?));
            start += end + 2;
        }
        if parts.is_empty() { Err(fail(0, "expected text or `{name}`".to_owned())) } else { Ok(Template(parts.into())) }
    }
}

fn level(name: &str, pattern: &TopicPattern) -> Result<Box<str>, String> {
    if !is_level_name(name) {
        return Err("expected the name of a topic level in braces".to_owned());
    }
    if !pattern.names().any(|known| known == name) {
        let known: Vec<&str> = pattern.names().collect();
        let known = if known.is_empty() { "it names none".to_owned() } else { format!("it names {}", known.join(", ")) };
        return Err(format!("the topic names no level `{name}`; {known}"));
    }
    Ok(name.into())
}
