//! The loader: workspaces as text and the exact diagnostics. `UPDATE_EXPECT=1` writes what is said now into the files.
//!
//! A file holds cases. A case is `=== NAME`, then files (`--- PATH` and their text), then `--- diagnostics` with the expected text.
//! `--- trace` shows the way of each line `SOURCE TOPIC PAYLOAD` of the file `messages`.
//! In file texts `␉` is a tab, `␍` a carriage return at the end of a line, and `␀XX` the byte XX.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use pollux::catalog::binding::Source;
use pollux::catalog::{self, Catalog};
use pollux::cli::trace;
use pollux::source::{Sources, render_json, render_text};

struct Case {
    name: String,
    files: Vec<(String, String)>,
    /// `diagnostics`, `json`, `catalog` or `trace`: what is shown.
    shown: String,
    expected: String,
}

#[test]
fn cases_say_what_they_expect() {
    let mut wrong = Vec::new();
    for path in case_files() {
        let text = fs::read_to_string(&path).expect("a file of cases");
        let mut now = String::new();
        for case in parse(&text, &path) {
            let actual = outcome(&case);
            if actual != case.expected {
                wrong.push(format!("{} in {}\n--- expected\n{}--- actual\n{actual}", case.name, path.display(), case.expected));
            }
            write_case(&mut now, &case, &actual);
        }
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            fs::write(&path, now).expect("the file can be written");
            wrong.clear();
        }
    }
    assert!(wrong.is_empty(), "{} cases differ; UPDATE_EXPECT=1 accepts them\n\n{}", wrong.len(), wrong.join("\n\n"));
}

#[test]
fn problems_are_bounded_by_the_file_not_by_its_aliases() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let uses = vec![format!("*a{}", level - 1); 10].join(", ");
        writeln!(bomb, "a{level}: &a{level} [{uses}]").expect("a string");
    }
    let text = diagnostics_of(&[("twins/bomb.yaml", bomb.as_bytes())]);
    assert!(text.starts_with("error[E107]"), "{text}");
}

#[test]
fn deep_nesting_ends_with_a_message() {
    for (open, close) in [("[", "]"), ("{a: ", "}")] {
        let deep = format!("twins: {}x{}", open.repeat(100), close.repeat(100));
        let text = diagnostics_of(&[("twins/deep.yaml", deep.as_bytes())]);
        assert!(text.starts_with("error[E106]"), "{text}");
    }
    let block: String = (0..2000).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect();
    let text = diagnostics_of(&[("twins/deep.yaml", block.as_bytes())]);
    assert!(text.starts_with("error[E106]"), "{text}");
}

#[test]
fn a_file_may_be_as_large_as_its_bound_and_no_larger() {
    let line = "# a comment that fills the file\n";
    let mut text = line.repeat(pollux::source::FILE_BYTES_MAX / line.len());
    assert_eq!(diagnostics_of(&[("twins/large.yaml", text.as_bytes())]), "");
    text.push_str(line);
    text.push_str(line);
    assert!(diagnostics_of(&[("twins/large.yaml", text.as_bytes())]).starts_with("error[E103]"));
}

fn diagnostics_of(files: &[(&str, &[u8])]) -> String {
    let mut sources = Sources::new();
    for (path, bytes) in files {
        sources.add(*path, bytes);
    }
    let (_, diagnostics) = catalog::load(&sources);
    render_text(&sources, &diagnostics, false)
}

fn case_files() -> Vec<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/catalog");
    let mut paths: Vec<PathBuf> = fs::read_dir(dir).expect("the folder of cases").map(|entry| entry.expect("an entry").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "txt"));
    paths.sort();
    paths
}

fn parse(text: &str, path: &Path) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("=== ") {
            cases.push(Case { name: name.to_owned(), files: Vec::new(), shown: String::new(), expected: String::new() });
            continue;
        }
        let case = cases.last_mut().unwrap_or_else(|| panic!("{} begins with === NAME", path.display()));
        match line.strip_prefix("--- ") {
            Some(shown @ ("diagnostics" | "json" | "catalog" | "trace")) => case.shown = shown.to_owned(),
            Some(file) => case.files.push((file.to_owned(), String::new())),
            None if !case.shown.is_empty() => case.expected.push_str(&format!("{line}\n")),
            None => case.files.last_mut().expect("--- PATH comes first").1.push_str(&format!("{line}\n")),
        }
    }
    // One empty line before the next case belongs to neither.
    for case in &mut cases {
        let end = case.expected.trim_end_matches('\n').len();
        case.expected.truncate(end);
        if end > 0 {
            case.expected.push('\n');
        }
    }
    cases
}

fn write_case(out: &mut String, case: &Case, actual: &str) {
    writeln!(out, "=== {}", case.name).expect("a string");
    for (path, text) in &case.files {
        write!(out, "--- {path}\n{text}").expect("a string");
    }
    write!(out, "--- {}\n{actual}\n", case.shown).expect("a string");
}

fn outcome(case: &Case) -> String {
    let mut sources = Sources::new();
    for (path, text) in &case.files {
        sources.add(path.as_str(), &unescape(text));
    }
    let (catalog, diagnostics) = catalog::load(&sources);
    let mut text = match case.shown.as_str() {
        "json" => render_json(&sources, &diagnostics),
        "catalog" => render_text(&sources, &diagnostics, false) + &show(&catalog),
        "trace" => render_text(&sources, &diagnostics, false) + &traces(&catalog, case),
        _ => render_text(&sources, &diagnostics, false),
    };
    text.truncate(text.trim_end_matches('\n').len());
    if !text.is_empty() {
        text.push('\n');
    }
    text.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

fn traces(catalog: &Catalog, case: &Case) -> String {
    let (_, messages) = case.files.iter().find(|(path, _)| path == "messages").expect("a file of messages");
    let trace = |line: &str| {
        let parts: Vec<&str> = line.splitn(3, ' ').collect();
        let [source, topic, payload] = parts.as_slice() else { panic!("{line}: SOURCE TOPIC PAYLOAD") };
        let source = match *source {
            "mqtt" => Source::Embedded,
            "http" => Source::Http,
            broker => Source::Broker(broker.into()),
        };
        let trace = trace::trace(catalog, &source, topic, payload.as_bytes());
        assert_eq!(trace.readings > 0, trace.text.lines().any(|line| line.starts_with("reading ")), "{line}");
        format!("> {line}\n{}\n", trace.text)
    };
    messages.lines().map(trace).collect()
}

fn unescape(text: &str) -> Vec<u8> {
    let plain = text.replace('␉', "\t").replace('␍', "\r");
    let mut parts = plain.split('␀');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        bytes.push(u8::from_str_radix(&part[..2], 16).expect("two hexadecimal digits"));
        bytes.extend_from_slice(&part.as_bytes()[2..]);
    }
    bytes
}

/// What was understood, one line per thing.
fn show(catalog: &Catalog) -> String {
    let mut out = String::new();
    for layout in &catalog.types {
        writeln!(
            out,
            "type {} {}.{} {:?} extends {:?}",
            layout.name, layout.version.major, layout.version.minor, layout.kind, layout.ancestors
        )
        .expect("a string");
        for slot in &layout.slots {
            let unit = slot.unit.as_ref().map_or("", |unit| unit.symbol());
            let limits = (slot.constraints.min, slot.constraints.max);
            let rules = match (&slot.property, &slot.telemetry) {
                (Some(rules), _) => format!("default {:?}", rules.default),
                (None, Some(rules)) => format!("every {:?} stale {:?} lateness {:?}", rules.every, rules.stale, rules.lateness),
                (None, None) => String::new(),
            };
            writeln!(out, "  {:?} {} {unit} {limits:?} {rules}", slot.section, slot.path).expect("a string");
        }
        for rule in &layout.relations {
            writeln!(out, "  relation {} {:?} {}..{:?}", rule.name, rule.to, rule.min, rule.max).expect("a string");
        }
    }
    for relation in &catalog.relations {
        writeln!(out, "relation {} inverse {:?} hierarchy {}", relation.name, relation.inverse, relation.hierarchy).expect("a string");
    }
    for twin in &catalog.twins {
        writeln!(out, "twin {} {} {:?}", twin.id, twin.layout.name, twin.name).expect("a string");
        for (slot, value) in &twin.properties {
            writeln!(out, "  {} = {value:?}", twin.layout.slot(*slot).path).expect("a string");
        }
        for edge in &twin.edges {
            let from = edge.valid_from.map(|time| format!(" from {time}")).unwrap_or_default();
            let to = edge.valid_to.map(|time| format!(" to {time}")).unwrap_or_default();
            writeln!(out, "  {} -> {} {}{from}{to}", edge.name, edge.to, serde_json::Value::Object(edge.properties.clone()))
                .expect("a string");
        }
    }
    for binding in &catalog.bindings {
        writeln!(out, "binding {} {:?} {} rules {}", binding.id, binding.source, binding.topic.text, binding.map.len()).expect("a string");
    }
    out
}
