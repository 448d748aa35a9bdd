//! A look at the bytes of a document before any parser sees them: parsers recurse, and what nests too deep would exhaust a thread's stack.
//!
//! It knows just enough of the grammar to tell brackets and tokens from strings and comments. It never counts less than a parser would.

use crate::api::error::ApiError;
use crate::api::limits::Limits;

/// Refuses what is too long, nests too deep or has too many tokens.
pub(super) fn scan(text: &str, limits: &Limits) -> Result<(), ApiError> {
    if text.len() > limits.document_bytes_max {
        let message = format!("the document has {} bytes; the limit is {}", text.len(), limits.document_bytes_max);
        return Err(ApiError::limit("document_bytes_max", limits.document_bytes_max as u64, message)
            .hint("split it, or pass what is long as a variable"));
    }
    let bytes = text.as_bytes();
    let (mut tokens, mut depth, mut at) = (0usize, 0usize, 0usize);
    while let Some(&byte) = bytes.get(at) {
        let start = at;
        at = match byte {
            b' ' | b'\t' | b'\r' | b'\n' | b',' => {
                at += 1;
                continue;
            }
            b'#' => {
                at = end_of_comment(bytes, at);
                continue;
            }
            // The byte order mark.
            0xEF if bytes[at..].starts_with(&[0xEF, 0xBB, 0xBF]) => {
                at += 3;
                continue;
            }
            b'"' => end_of_string(bytes, at),
            b'.' if bytes[at..].starts_with(b"...") => at + 3,
            b'0'..=b'9' | b'-' => end_of_number(bytes, at),
            b'_' | b'a'..=b'z' | b'A'..=b'Z' => end_of_name(bytes, at),
            b'{' | b'[' | b'(' => {
                depth += 1;
                at + 1
            }
            b'}' | b']' | b')' => {
                depth = depth.saturating_sub(1);
                at + 1
            }
            _ => at + 1,
        };
        tokens += 1;
        if depth > limits.nesting_max {
            let message = format!("braces, brackets and parentheses nest deeper than {} levels", limits.nesting_max);
            let error = ApiError::limit("nesting_max", limits.nesting_max as u64, message).hint("pass deep inputs as variables");
            return Err(locate(error, text, start));
        }
        if tokens > limits.tokens_max {
            let message = format!("the document has more than {} tokens", limits.tokens_max);
            let error = ApiError::limit("tokens_max", limits.tokens_max as u64, message).hint("pass long lists as variables");
            return Err(locate(error, text, start));
        }
    }
    Ok(())
}

fn end_of_comment(bytes: &[u8], start: usize) -> usize {
    bytes[start..].iter().position(|byte| matches!(byte, b'\n' | b'\r')).map_or(bytes.len(), |length| start + length)
}

/// A string ends with its line even when the quote is missing: what follows is then looked at as usual, and the parser complains.
fn end_of_string(bytes: &[u8], start: usize) -> usize {
    let rest = &bytes[start..];
    if rest.starts_with(b"\"\"\"") {
        return end_of_block(bytes, start + 3);
    }
    let mut at = start + 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\n' | b'\r' => return at,
            // A line that ends in `\` does not take the next line along.
            b'\\' if bytes.get(at + 1).is_some_and(|next| !matches!(next, b'\n' | b'\r')) => at += 2,
            _ => at += 1,
        }
    }
    bytes.len()
}

fn end_of_block(bytes: &[u8], start: usize) -> usize {
    let mut at = start;
    while at < bytes.len() {
        let rest = &bytes[at..];
        if rest.starts_with(b"\\\"\"\"") {
            at += 4;
        } else if rest.starts_with(b"\"\"\"") {
            return at + 3;
        } else {
            at += 1;
        }
    }
    bytes.len()
}

fn end_of_number(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(byte) = bytes.get(at) {
        let goes_on = match byte {
            b'0'..=b'9' | b'e' | b'E' => true,
            b'.' => bytes.get(at + 1).is_some_and(u8::is_ascii_digit),
            b'+' | b'-' => matches!(bytes[at - 1], b'e' | b'E'),
            _ => false,
        };
        if !goes_on {
            return at;
        }
        at += 1;
    }
    bytes.len()
}

fn end_of_name(bytes: &[u8], start: usize) -> usize {
    let length = bytes[start..].iter().position(|byte| !(byte.is_ascii_alphanumeric() || *byte == b'_'));
    length.map_or(bytes.len(), |length| start + length)
}

fn locate(error: ApiError, text: &str, offset: usize) -> ApiError {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    error.at(1 + before.matches('\n').count(), 1 + before[line_start..].chars().count())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setting(text: &str) -> Option<&'static str> {
        scan(text, &Limits::default()).err().and_then(|error| error.limit).map(|(setting, _)| setting)
    }

    #[test]
    fn what_nests_too_deep_is_refused_where_it_does() {
        assert_eq!(setting(&"{a".repeat(64)), None);
        assert_eq!(setting(&"{a".repeat(65)), Some("nesting_max"));
        assert_eq!(setting(&format!("{{a(b:{}", "[".repeat(30_000))), Some("nesting_max"));
        let long = Limits { document_bytes_max: 1 << 20, ..Limits::default() };
        let error = scan(&"{a".repeat(100_000), &long).expect_err("refused");
        assert_eq!((error.locations[0].line, error.locations[0].column), (1, 129));
        let error = scan(&"{ä\n".repeat(66), &long).expect_err("refused");
        assert_eq!((error.locations[0].line, error.locations[0].column), (65, 1));
    }

    #[test]
    fn brackets_in_strings_and_comments_do_not_count() {
        let brackets = "[".repeat(100);
        assert_eq!(setting(&format!("{{ a(b: \"{brackets}\\\"{brackets}\") }}")), None);
        assert_eq!(setting(&format!("{{ a(b: \"\"\"{brackets} \" \\\"\"\" \n {brackets}\"\"\") }}")), None);
        assert_eq!(setting(&format!("# {brackets}\n{{ a }}")), None);
        // No string hides what a parser would see.
        assert_eq!(setting(&format!("\"\\\n{brackets}")), Some("nesting_max"));
        assert_eq!(setting(&format!("\"\n{brackets}")), Some("nesting_max"));
        assert_eq!(setting(&format!("# \r{brackets}")), Some("nesting_max"));
        assert_eq!(setting(&format!("\"\"{brackets}\"")), Some("nesting_max"));
    }

    #[test]
    fn tokens_and_bytes_have_a_bound() {
        assert_eq!(setting(&"a ".repeat(15_000)), None);
        assert_eq!(setting(&"a ".repeat(15_001)), Some("tokens_max"));
        assert_eq!(setting(&"-1.5e+3 ".repeat(8_000)), None);
        assert_eq!(setting(&"!".repeat(15_001)), Some("tokens_max"));
        assert_eq!(setting(&",".repeat(64 << 10)), None);
        assert_eq!(setting(&" ".repeat((64 << 10) + 1)), Some("document_bytes_max"));
    }
}
