//! What the parser says of a text that it does not take, in our words and at our places.

use super::problem::Problem;

/// How the parser begins to tell of a character that is no token.
const STRAY: &str = "token recognition error";

/// Whether it is about a character that is none of the language: what follows is only its echo.
pub(super) fn is_stray(said: &str) -> bool {
    said.contains(STRAY)
}

/// An error of the parser in our words, at the bytes it is about.
pub(super) fn refused(source: &str, said: &str, place: (isize, isize)) -> Problem {
    let at = position(source, place);
    let said = said.strip_prefix("Syntax error: ").unwrap_or(said);
    let token = token_at(source, at);
    let found = if token.is_empty() { "the end".to_owned() } else { format!("`{token}`") };
    let expected = expected(said);
    let span = at..at + token.len();
    let problem = |what: String| Problem::new("E701", span.clone(), format!("the expression does not parse: {what}"));
    if let Some(name) = said.strip_prefix("reserved identifier: ") {
        return problem(format!("`{name}` is a reserved word")).hint(format!("write this.{name}"));
    }
    if said.contains("invalid double literal") {
        return problem("a number this large is no double".to_owned());
    }
    if said.contains("invalid string literal") {
        return problem("an escape in this text stands for no character".to_owned());
    }
    if said.contains("invalid int literal") {
        return problem("a whole number has at most 63 bits".to_owned());
    }
    match (token, source.get(at + 1..at + 2)) {
        ("=", next) if next != Some("=") => problem("expected `==`, found `=`".to_owned()).hint("== compares"),
        ("&", _) => problem("expected `&&`, found `&`".to_owned()),
        ("|", _) => problem("expected `||`, found `|`".to_owned()),
        ("and" | "AND", _) => problem(format!("expected an operator, found {found}")).hint("write &&"),
        ("or" | "OR", _) => problem(format!("expected an operator, found {found}")).hint("write ||"),
        ("not" | "NOT", _) => problem(format!("expected an operator, found {found}")).hint("write !"),
        _ if said.starts_with(STRAY) => problem(format!("{found} means nothing here")),
        _ => problem(format!("expected {expected}, found {found}")),
    }
}

/// Line and column, both from one, as the parser counts them: columns in characters.
fn position(source: &str, (line, column): (isize, isize)) -> usize {
    let before = usize::try_from(line - 1).unwrap_or(0);
    let start: usize = source.split_inclusive('\n').take(before).map(str::len).sum();
    let rest = source.get(start..).unwrap_or_default();
    let characters = usize::try_from(column - 1).unwrap_or(0);
    start + rest.char_indices().nth(characters).map_or(rest.len(), |(offset, _)| offset)
}

/// A word, a number, or one character.
fn token_at(source: &str, at: usize) -> &str {
    let rest = source.get(at..).unwrap_or_default();
    let word = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
    let length = if word > 0 { word } else { rest.chars().next().map_or(0, char::len_utf8) };
    &rest[..length]
}

/// What would have fitted, shortly: the parser lists up to twenty tokens.
fn expected(said: &str) -> &'static str {
    let wanted = said.split_once("expecting ").map_or("", |(_, wanted)| wanted);
    let has = |token: &str| wanted.contains(token);
    if has("IDENTIFIER") && has("NUM_INT") {
        "a value"
    } else if has("IDENTIFIER") {
        "a name"
    } else if has("'&&'") || has("'+'") || has("'=='") {
        "an operator or the end"
    } else if has("')'") {
        "`)`"
    } else if has("']'") {
        "`]`"
    } else if has("'}'") {
        "`}`"
    } else if has("':'") {
        "`:`"
    } else if said.starts_with("missing ')'") {
        "`)`"
    } else if said.starts_with("missing") || said.starts_with("no viable") {
        "something else"
    } else {
        "the end"
    }
}
