//! The schema as text: types by name, members as declared. Equal schemas give equal bytes.

use std::fmt::Write;

use serde_json::Value as Json;

use super::definition::{ArgDef, FieldDef, Fields, Kind, TypeDef, Types};

pub(super) fn print(types: &Types) -> String {
    let mut text = String::new();
    for ty in types.values() {
        if !text.is_empty() {
            text.push('\n');
        }
        describe(&mut text, &ty.doc, "");
        print_type(&mut text, ty);
    }
    text
}

fn print_type(text: &mut String, ty: &TypeDef) {
    let name = &ty.name;
    match &ty.kind {
        Kind::Scalar(_) => line(text, format_args!("scalar {name}")),
        Kind::Enum(values) => {
            line(text, format_args!("enum {name} {{"));
            for value in values {
                describe(text, &value.doc, "  ");
                line(text, format_args!("  {}{}", value.name, deprecation(value.deprecated.as_deref())));
            }
            line(text, format_args!("}}"));
        }
        Kind::Input { fields, one_of } => {
            line(text, format_args!("input {name}{} {{", if *one_of { " @oneOf" } else { "" }));
            for field in fields {
                describe(text, &field.doc, "  ");
                line(text, format_args!("  {}", arg(field)));
            }
            line(text, format_args!("}}"));
        }
        // That it takes over fields of another interface is not said: interfaces implement none.
        Kind::Interface(fields) => {
            line(text, format_args!("interface {name} {{"));
            print_fields(text, fields);
        }
        Kind::Object(fields) if fields.takes_over.is_empty() => {
            line(text, format_args!("type {name} {{"));
            print_fields(text, fields);
        }
        Kind::Object(fields) => {
            line(text, format_args!("type {name} implements {} {{", fields.takes_over.join(" & ")));
            print_fields(text, fields);
        }
        Kind::Streams(streams) => {
            line(text, format_args!("type {name} {{"));
            for stream in streams {
                print_field(text, &stream.field);
            }
            line(text, format_args!("}}"));
        }
    }
}

fn print_fields(text: &mut String, fields: &Fields) {
    for field in &fields.list {
        print_field(text, field);
    }
    line(text, format_args!("}}"));
}

fn print_field(text: &mut String, field: &FieldDef) {
    describe(text, &field.doc, "  ");
    let end = format!(": {}{}", field.ty, deprecation(field.deprecated.as_deref()));
    if field.args.is_empty() {
        line(text, format_args!("  {}{end}", field.name));
    } else if field.args.iter().all(|arg| arg.doc.is_empty()) {
        let args = field.args.iter().map(arg).collect::<Vec<_>>().join(", ");
        line(text, format_args!("  {}({args}){end}", field.name));
    } else {
        line(text, format_args!("  {}(", field.name));
        for argument in &field.args {
            describe(text, &argument.doc, "    ");
            line(text, format_args!("    {}", arg(argument)));
        }
        line(text, format_args!("  ){end}"));
    }
}

fn arg(arg: &ArgDef) -> String {
    let default = arg.default.as_ref().map_or_else(String::new, |default| format!(" = {default}"));
    format!("{}: {}{default}{}", arg.name, arg.ty, deprecation(arg.deprecated.as_deref()))
}

fn deprecation(reason: Option<&str>) -> String {
    // A string of JSON is one of GraphQL.
    reason.map_or_else(String::new, |reason| format!(" @deprecated(reason: {})", Json::from(reason)))
}

fn describe(text: &mut String, doc: &str, indent: &str) {
    if doc.is_empty() {
        return;
    }
    let doc = doc.replace("\"\"\"", "\\\"\"\"");
    let fits_a_line = !doc.contains('\n') && !doc.ends_with(['"', '\\']);
    if fits_a_line {
        return line(text, format_args!("{indent}\"\"\"{doc}\"\"\""));
    }
    line(text, format_args!("{indent}\"\"\""));
    for row in doc.lines() {
        line(text, format_args!("{}{row}", if row.is_empty() { "" } else { indent }));
    }
    line(text, format_args!("{indent}\"\"\""));
}

fn line(text: &mut String, row: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    if writeln!(text, "{row}").is_err() {
        text.push('\n');
    }
}
