//! House rules that the compiler does not know: which module may use which, which outside crate is named where, and what no file may hold.
//!
//! Arrows point up the table, never back. What joins two edges lives in `runtime`. A finding names the file, the edge and what to do.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Each module with what it may use. `reading` and `source` may be used by all but themselves and each other, as written.
const EDGES: &[(&str, &[&str])] = &[
    // pure: no tokio, no actors, no clock
    ("reading", &[]),
    ("source", &["reading"]),
    ("expr", &[]),
    ("alarm", &[]),
    ("window", &[]),
    ("rollup", &["window"]),
    ("rule", &["alarm"]),
    ("iotevents", &["rule", "alarm"]),
    ("catalog", &["expr", "rule", "alarm", "window", "rollup", "iotevents"]),
    ("import", &["catalog"]),
    ("codec", &["catalog"]),
    ("twin", &["catalog", "rule", "alarm", "expr", "window", "rollup", "iotevents"]),
    ("summary", &["twin", "catalog", "rollup", "expr", "window"]),
    ("backtest", &["summary", "rollup", "expr", "twin", "codec", "catalog", "rule", "alarm"]),
    ("scene", &["catalog", "expr"]),
    // edges: each owns one outside technology, none imports another
    ("journal", &["twin", "catalog", "rule", "alarm"]),
    ("store", &["twin", "catalog"]),
    ("history", &["twin", "catalog"]),
    ("model", &["catalog"]),
    ("ingress", &["codec", "catalog"]),
    ("view", &["twin", "catalog"]),
    ("feed", &["twin", "catalog", "rule", "alarm"]),
    ("webhook", &[]),
    // shell
    ("observe", &[]),
    (
        "runtime",
        &[
            "summary", "twin", "codec", "rule", "alarm", "scene", "catalog", "expr", "journal", "store", "history", "model", "ingress",
            "view", "feed", "webhook", "observe",
        ],
    ),
    (
        "api",
        &[
            "view", "feed", "store", "history", "ingress", "runtime", "catalog", "backtest", "scene", "twin", "rule", "alarm", "expr",
            "observe",
        ],
    ),
    ("http", &["api", "runtime", "ingress", "view", "catalog", "twin", "observe"]),
    ("demo", &["ingress"]),
    (
        "config",
        &["journal", "store", "history", "model", "ingress", "view", "feed", "webhook", "runtime", "api", "http", "observe", "catalog"],
    ),
];
const FOR_ALL: &[&str] = &["reading", "source"];
/// They join everything.
const UNBOUND: &[&str] = &["app", "cli", "main", "lib"];
const PURE: &[&str] = &[
    "reading",
    "source",
    "expr",
    "alarm",
    "window",
    "rollup",
    "rule",
    "iotevents",
    "catalog",
    "import",
    "codec",
    "twin",
    "summary",
    "backtest",
    "scene",
];

/// Outside crates and the only modules that may name them (invariant 9).
const OWNERS: &[(&str, &[&str])] = &[
    ("surrealdb", &["store"]),
    ("ort", &["model"]),
    ("tract_onnx", &["model"]),
    ("rumqttc", &["ingress"]),
    ("mqtt_protocol_core", &["ingress"]),
    ("async_graphql", &["api"]),
    ("apollo_compiler", &["api"]),
    ("datafusion", &["history"]),
    ("parquet", &["history"]),
    ("object_store", &["history"]),
    ("ractor", &["runtime"]),
    ("axum", &["http", "app"]),
    // Other modules use it as the client of our own doors.
    ("reqwest", &["webhook", "cli", "http"]),
    ("tower_http", &["http"]),
    ("tungstenite", &["http"]),
    ("rust_embed", &["http"]),
    ("clap", &["cli", "main"]),
    ("cel", &["expr"]),
    ("saphyr_parser", &["source"]),
    ("annotate_snippets", &["source"]),
    ("toml_edit", &["config"]),
    ("tracing_subscriber", &["observe"]),
    ("hdrhistogram", &["cli"]),
    ("anyhow", &["app", "cli", "main"]),
];

/// Words that stand in no finished file, with what to do. In halves, so that this file may pass.
const LEFTOVERS: &[(&str, &str)] = &[
    (concat!("todo", "!("), "finish it"),
    (concat!("unimplemented", "!("), "finish it"),
    (concat!("dbg", "!("), "remove it"),
    (concat!("FIX", "ME"), "mend it"),
    (concat!("#[ign", "ore"), "make the test pass or delete it"),
    (concat!("#[al", "low("), "use #[expect(…, reason = \"…\")]"),
];

struct File {
    /// From the repository root, with `/`.
    path: String,
    text: String,
}

#[test]
fn house_rules() {
    let sources = read(&["src", "tests", "benches"]);
    assert!(sources.iter().any(|file| file.path == "src/lib.rs"), "run this in the repository");
    let mut findings = BTreeSet::new();
    for file in &sources {
        if let Some(module) = module_of(&file.path) {
            check_edges(file, module, &mut findings);
            check_owners(file, module, &mut findings);
            check_clock(file, module, &mut findings);
        }
        check_text(file, &mut findings);
    }
    check_folders(&sources, &mut findings);
    list_longest(&sources);
    let list: Vec<String> = findings.into_iter().collect();
    assert!(list.is_empty(), "{} findings:\n{}", list.len(), list.join("\n"));
}

/// `src/twin/step.rs` → `twin`, `src/app.rs` → `app`.
fn module_of(path: &str) -> Option<&str> {
    let inside = path.strip_prefix("src/")?;
    Some(inside.split_once('/').map_or_else(|| inside.trim_end_matches(".rs"), |(folder, _)| folder))
}

fn check_edges(file: &File, module: &str, findings: &mut BTreeSet<String>) {
    if UNBOUND.contains(&module) {
        return;
    }
    let Some((_, allowed)) = EDGES.iter().find(|(name, _)| *name == module) else {
        findings.insert(format!("{}: the module `{module}` is not in the table of tests/it/tidy.rs: give it a row there", file.path));
        return;
    };
    // A list may go over many lines; one line for each module shows the edges to readers, too.
    for (number, _) in code_lines(&file.text).filter(|(_, code)| code.contains("crate::{")) {
        findings.insert(format!("{}:{number}: write one `use crate::…` for each module", file.path));
    }
    let is_core = FOR_ALL.contains(&module);
    for (line, used) in code_lines(&file.text).flat_map(|(number, code)| crate_uses(code).into_iter().map(move |used| (number, used))) {
        let is_fine = used == module || allowed.contains(&used) || (!is_core && FOR_ALL.contains(&used)) || is_macro(used);
        if !is_fine {
            findings.insert(format!(
                "{}:{line}: {module} -> {used} is not an edge of the table: {module} may use {}. Pass in what it needs, or move what joins the two to `runtime`",
                file.path,
                if allowed.is_empty() { "no other module".to_owned() } else { allowed.join(", ") }
            ));
        }
    }
}

/// The names behind `crate::`.
fn crate_uses(code: &str) -> Vec<&str> {
    code.split("crate::").skip(1).filter_map(first_word).collect()
}

fn first_word(text: &str) -> Option<&str> {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
    Some(&text[..end]).filter(|word| word.starts_with(|c: char| c.is_ascii_lowercase()))
}

/// A macro by its path in the crate root is no module.
fn is_macro(word: &str) -> bool {
    !EDGES.iter().any(|(name, _)| *name == word) && !UNBOUND.contains(&word)
}

fn check_owners(file: &File, module: &str, findings: &mut BTreeSet<String>) {
    for (number, code) in code_lines(&file.text) {
        for (outside, owners) in OWNERS {
            if names_crate(code, outside) && !owners.contains(&module) {
                let owners = owners.join(", ");
                findings.insert(format!("{}:{number}: `{outside}` is named in {owners} only: ask that module instead", file.path));
            }
        }
        if PURE.contains(&module) {
            for outside in ["tokio", "parking_lot", "tracing"] {
                if names_crate(code, outside) {
                    findings.insert(format!(
                        "{}:{number}: `{module}` is pure, but names `{outside}`: take what it needs as an argument",
                        file.path
                    ));
                }
            }
        }
    }
}

/// `name::` as a whole word that begins a path.
fn names_crate(code: &str, name: &str) -> bool {
    code.match_indices(name).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        let begins_a_path = before.is_none_or(|c| !c.is_ascii_alphanumeric() && !matches!(c, '_' | ':' | '.'));
        begins_a_path && code[at + name.len()..].starts_with("::")
    })
}

fn check_clock(file: &File, module: &str, findings: &mut BTreeSet<String>) {
    // The load generator is a client of Pollux, not a part of it.
    let is_the_clock = file.path == "src/runtime/clock.rs" || file.path.starts_with("src/cli/bench/");
    for (number, code) in code_lines(&file.text) {
        if code.contains("SystemTime::now") && !is_the_clock {
            findings.insert(format!(
                "{}:{number}: only runtime/clock.rs asks for the time: take a `Timestamp` or a `Now` as an argument",
                file.path
            ));
        }
        if PURE.contains(&module) && code.contains("Instant::now") {
            findings.insert(format!("{}:{number}: `{module}` is pure: take the time as an argument", file.path));
        }
    }
}

fn check_text(file: &File, findings: &mut BTreeSet<String>) {
    if !file.text.starts_with("//!") {
        findings.insert(format!("{}: begin it with `//!` and say why it exists", file.path));
    }
    for (number, line) in (1..).zip(file.text.lines()) {
        for (word, remedy) in LEFTOVERS {
            if line.contains(word) {
                findings.insert(format!("{}:{number}: `{word}`: {remedy}", file.path));
            }
        }
    }
}

/// `twin/mod.rs`, not `twin.rs` beside `twin/`.
fn check_folders(sources: &[File], findings: &mut BTreeSet<String>) {
    let paths: BTreeSet<&str> = sources.iter().map(|file| file.path.as_str()).collect();
    for folder in paths.iter().filter_map(|path| path.rsplit_once('/')).map(|(folder, _)| folder).collect::<BTreeSet<_>>() {
        let is_root = matches!(folder, "src" | "tests" | "tests/it" | "tests/surreal_server/src" | "benches");
        if !is_root && !paths.contains(format!("{folder}/mod.rs").as_str()) {
            findings.insert(format!("{folder}/: a folder has a mod.rs that says what it is"));
        }
        if paths.contains(format!("{folder}.rs").as_str()) {
            findings.insert(format!("{folder}.rs: move it to {folder}/mod.rs, so that the folder moves in one piece"));
        }
    }
}

/// No rule: someone should ask whether each still holds one idea.
fn list_longest(sources: &[File]) {
    let mut by_length: Vec<(usize, &str)> = sources.iter().map(|file| (file.text.lines().count(), file.path.as_str())).collect();
    by_length.sort_unstable_by(|a, b| b.cmp(a));
    for (lines, path) in by_length.iter().take(5) {
        println!("{lines:5} lines: {path}");
    }
}

/// Lines with their numbers, without comments.
fn code_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    (1..)
        .zip(text.lines())
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
        .map(|(number, line)| (number, line.split(" // ").next().unwrap_or(line)))
}

fn read(folders: &[&str]) -> Vec<File> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut waiting: Vec<PathBuf> = folders.iter().map(|folder| root.join(folder)).filter(|folder| folder.is_dir()).collect();
    let mut files = Vec::new();
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of the repository") {
            let path = entry.expect("an entry of it").path();
            if path.is_dir() {
                waiting.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).expect("a source file");
                let inside = path.strip_prefix(root).expect("it lies below the root");
                files.push(File { path: inside.to_string_lossy().replace('\\', "/"), text });
            }
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}
