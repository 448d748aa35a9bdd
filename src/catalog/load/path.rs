//! Paths into a payload: the names, indices and `[*]` of RFC 9535.

use crate::catalog::binding::{JsonPath, PathStep};

const STEPS_MAX: usize = 32;

/// `Err` says what is wrong, for people.
pub fn parse_json_path(text: &str) -> Result<JsonPath, String> {
    let mut rest = text.strip_prefix('$').ok_or("a path begins with `$`")?;
    let mut steps = Vec::new();
    while !rest.is_empty() {
        let (step, after) = match rest.strip_prefix('.') {
            Some(dotted) => dotted_step(dotted)?,
            None => bracket_step(rest)?,
        };
        steps.push(step);
        rest = after;
        if steps.len() > STEPS_MAX {
            return Err(format!("a path has at most {STEPS_MAX} steps"));
        }
    }
    Ok(JsonPath { text: text.into(), steps: steps.into() })
}

fn dotted_step(text: &str) -> Result<(PathStep, &str), String> {
    if let Some(after) = text.strip_prefix('*') {
        return Ok((PathStep::All, after));
    }
    if text.starts_with('.') {
        return Err("`..` (at any depth) is not possible here".to_owned());
    }
    let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(text.len());
    let (name, after) = text.split_at(end);
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
        return Err("after `.` comes a name of letters, digits and `_`; any other name is written ['like this']".to_owned());
    }
    if !(after.is_empty() || after.starts_with(['.', '['])) {
        let shown: String = after.chars().take(1).collect();
        return Err(format!("`{shown}` cannot stand in a plain name; write ['{name}{shown}…']"));
    }
    Ok((PathStep::Name(name.into()), after))
}

fn bracket_step(text: &str) -> Result<(PathStep, &str), String> {
    let inner = text.strip_prefix('[').ok_or_else(|| format!("`.` or `[` is expected before `{}`", text.chars().take(20).collect::<String>()))?;
    if let Some(quote) = inner.chars().next().filter(|c| matches!(c, '\'' | '"')) {
        return quoted_step(&inner[1..], quote);
    }
    let (content, after) = inner.split_once(']').ok_or("a `[` is not closed")?;
    let step = match content.trim() {
        "*" => PathStep::All,
        index => PathStep::Index(parse_index(index).ok_or_else(|| {
            format!("`[{index}]`: a whole number, `*` or a quoted name is expected; slices and filters are not possible here")
        })?),
    };
    Ok((step, after))
}

/// As in RFC 9535: no leading zero, no `-0`, exact in JSON.
fn parse_index(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) && (digits == "0" || !digits.starts_with('0')) && text != "-0";
    text.parse::<i64>().ok().filter(|index| is_plain && index.unsigned_abs() < 1 << 53)
}

fn quoted_step(text: &str, quote: char) -> Result<(PathStep, &str), String> {
    let mut name = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        if c == quote {
            let after = text[at + 1..].strip_prefix(']').ok_or("after a quoted name comes `]`")?;
            return Ok((PathStep::Name(name.into()), after));
        }
        if c != '\\' {
            name.push(c);
            continue;
        }
        match chars.next() {
            Some((_, c @ ('\\' | '/' | '\'' | '"'))) => name.push(c),
            Some((_, 'n')) => name.push('\n'),
            Some((_, 't')) => name.push('\t'),
            Some((_, 'r')) => name.push('\r'),
            _ => return Err("an escape in a quoted name must be one of \\\\ \\/ \\' \\\" \\n \\t \\r".to_owned()),
        }
    }
    Err("a quoted name is not closed".to_owned())
}
