//! How the words of a type become names of the API: first letters, plurals, the spelling of units, patterns of names.

/// `HTTPPump` → `httpPump`, `AHU` → `ahu`, `CO2Sensor` → `co2Sensor`: a run of capitals at the beginning goes down as one.
pub(super) fn root_field(type_name: &str) -> String {
    let bytes = type_name.as_bytes();
    let run = bytes.iter().take_while(|byte| byte.is_ascii_uppercase()).count();
    let next_word_begins = run > 1 && bytes.get(run).is_some_and(u8::is_ascii_lowercase);
    let lowered = if next_word_begins { run - 1 } else { run };
    format!("{}{}", type_name[..lowered].to_ascii_lowercase(), &type_name[lowered..])
}

pub(super) fn plural(word: &str) -> String {
    let lower = word.to_ascii_lowercase();
    let hisses = ["s", "x", "z", "ch", "sh"].iter().any(|end| lower.ends_with(end));
    let before_y = lower.strip_suffix('y').and_then(|stem| stem.chars().next_back());
    match before_y {
        Some(letter) if !matches!(letter, 'a' | 'e' | 'i' | 'o' | 'u') => format!("{}ies", &word[..word.len() - 1]),
        Some(_) | None if hisses => format!("{word}es"),
        Some(_) | None => format!("{word}s"),
    }
}

/// `mode` → `Mode`; all else stays as it was written.
pub(super) fn capitalised(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| first.to_ascii_uppercase().to_string() + letters.as_str())
}

/// `degreeCelsius` → `DEGREE_CELSIUS`
pub(super) fn constant(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 4);
    for (place, letter) in name.char_indices() {
        if letter.is_ascii_uppercase() && place > 0 {
            out.push('_');
        }
        out.push(if letter.is_ascii_alphanumeric() { letter.to_ascii_uppercase() } else { '_' });
    }
    out
}

/// A unit as the enums of units write it.
pub fn unit_constant(unit: &crate::reading::unit::Unit) -> String {
    constant(unit.name())
}

/// Whether a pattern with `*` (any text) and `?` (any one character) describes all of a text.
pub(super) fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut at, mut seen) = (0, 0);
    // Where the last `*` stands and how much of the text it has taken so far.
    let mut star: Option<(usize, usize)> = None;
    while seen < text.len() {
        match (pattern.get(at), star) {
            (Some('*'), _) => {
                star = Some((at, seen));
                at += 1;
            }
            (Some(letter), _) if *letter == '?' || *letter == text[seen] => {
                at += 1;
                seen += 1;
            }
            (_, Some((star_at, taken))) => {
                star = Some((star_at, taken + 1));
                at = star_at + 1;
                seen = taken + 1;
            }
            (_, None) => return false,
        }
    }
    pattern[at..].iter().all(|letter| *letter == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_rules() {
        let roots = [
            ("Mixer", "mixer"),
            ("HTTPPump", "httpPump"),
            ("AHU", "ahu"),
            ("CO2Sensor", "co2Sensor"),
            ("X", "x"),
            ("AirFilter", "airFilter"),
        ];
        for (type_name, root) in roots {
            assert_eq!(root_field(type_name), root);
        }
        let plurals = [
            ("mixer", "mixers"),
            ("box", "boxes"),
            ("bus", "buses"),
            ("battery", "batteries"),
            ("relay", "relays"),
            ("switch", "switches"),
            ("y", "ys"),
        ];
        for (one, many) in plurals {
            assert_eq!(plural(one), many);
        }
        assert_eq!(constant("kilovoltAmpereHour"), "KILOVOLT_AMPERE_HOUR");
        assert_eq!(capitalised("mode"), "Mode");
    }

    #[test]
    fn patterns_match_whole_texts() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("*Pump", "FeedPump", true),
            ("*Pump", "PumpHouse", false),
            ("P?mp", "Pump", true),
            ("P?mp", "Pmp", false),
            ("*a*b*", "xxaybzz", true),
            ("*a*b*", "xxbyazz", false),
            ("Pump", "Pumps", false),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} on {text}");
        }
    }
}
