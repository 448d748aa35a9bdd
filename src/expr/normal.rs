//! The one way to write an expression: spaces, brackets, quotes, comments and the spelling of numbers make no difference to it.
//!
//! Names stay names, so it does not change when a type gains a member. Versions of rules are hashes of it.

use xxhash_rust::xxh3::xxh3_128;

use super::syntax::{Form, Syntax};

/// A hash of the meaning; equal for texts that mean the same by their form.
pub(super) fn meaning(root: &Syntax) -> u128 {
    xxh3_128(normal_form(root).as_bytes())
}

/// Prefix form with every bracket written: `(> temperature params.hi)`.
pub(super) fn normal_form(root: &Syntax) -> String {
    let mut text = String::new();
    write(root, &mut text);
    text
}

fn write(syntax: &Syntax, text: &mut String) {
    if let Some(path) = syntax.path() {
        return text.push_str(&path.join("."));
    }
    match &syntax.form {
        Form::Null => text.push_str("null"),
        Form::Bool(truth) => text.push_str(if *truth { "true" } else { "false" }),
        Form::Int(number) => text.push_str(&number.to_string()),
        Form::Double(number) => text.push_str(&format!("{number:?}")),
        Form::Text(written) => text.push_str(&format!("{written:?}")),
        Form::Name(name) => text.push_str(name),
        Form::Select { target, field, .. } => {
            write(target, text);
            text.push('.');
            text.push_str(field);
        }
        Form::Index(target, index) => operation("[]", [&**target, &**index], text),
        Form::Call(call) => {
            let head = if call.target.is_some() { format!(".{}", call.function) } else { call.function.to_string() };
            operation(&head, call.target.iter().chain(&call.arguments), text);
        }
        Form::Not(only) => operation("!", [&**only], text),
        Form::Negate(only) => operation("neg", [&**only], text),
        Form::And(terms) => operation("&&", terms, text),
        Form::Or(terms) => operation("||", terms, text),
        Form::Binary { operator, left, right } => operation(operator.symbol(), [&**left, &**right], text),
        Form::If(three) => operation("?", three.iter(), text),
        Form::List(items) => operation("list", items, text),
        Form::Map(entries) => operation("map", entries.iter().flat_map(|(key, value)| [key, value]), text),
    }
}

fn operation<'a>(head: &str, parts: impl IntoIterator<Item = &'a Syntax>, text: &mut String) {
    text.push('(');
    text.push_str(head);
    for part in parts {
        text.push(' ');
        write(part, text);
    }
    text.push(')');
}
