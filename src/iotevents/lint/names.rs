//! Attributes: what is read against what is declared, and both against what really arrives. Names that look alike are said, never mended (G3).

use std::collections::{BTreeMap, BTreeSet};

use crate::iotevents::expression::{Reference, Step, Term, follow, parse_path};
use crate::iotevents::file::{Input, samples};
use crate::iotevents::finding::{Findings, Kind};

use super::Beside;

/// Equal for names that people take for one: case, O and 0, l, I and 1.
fn folded(name: &str) -> String {
    let fold = |c: char| match c.to_ascii_lowercase() {
        'o' => '0',
        'l' | 'i' => '1',
        other => other,
    };
    name.chars().map(fold).collect()
}

/// Another name that looks like this one.
pub(super) fn look_alike<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let own = folded(name);
    names.into_iter().find(|other| *other != name && folded(other) == own)
}

fn shown(path: &[Step]) -> String {
    let mut text = String::new();
    for step in path {
        match step {
            Step::Name(name) if text.is_empty() => text.push_str(name),
            Step::Name(name) => text.push_str(&format!(".{name}")),
            Step::Index(index) => text.push_str(&format!("[{index}]")),
        }
    }
    text
}

fn alike(one: &[Step], other: &[Step]) -> bool {
    one != other && folded(&shown(one)) == folded(&shown(other))
}

/// What reads attributes, and by which key.
#[derive(Debug)]
pub(super) struct Reader<'m> {
    pub(super) terms: Vec<(&'m Term, &'m str)>,
    pub(super) key: Option<&'m str>,
    pub(super) key_place: &'m str,
    /// Where to say what is about none of its terms.
    pub(super) place: &'m str,
}

pub(super) fn check(reader: &Reader<'_>, beside: &Beside<'_>, findings: &mut Findings) {
    let read = read_paths(reader);
    let key = reader.key.and_then(|key| parse_path(key).ok()).map(|key| key.to_vec());
    for input in beside.inputs.iter().filter(|input| read.contains_key(input.name.as_str())) {
        let paths = read.get(input.name.as_str()).cloned().unwrap_or_default();
        check_declared(input, &paths, findings);
        if let Some(key) = &key {
            check_key(key, reader.key_place, input, findings);
        }
        check_samples(input, &paths, (key.as_deref(), reader.place), beside, findings);
    }
}

/// The paths that are read of each input, with the place where each is read first.
type Paths = BTreeMap<Vec<Step>, String>;

fn read_paths(reader: &Reader<'_>) -> BTreeMap<String, Paths> {
    let mut read: BTreeMap<String, Paths> = BTreeMap::new();
    for (term, place) in &reader.terms {
        for reference in term.references() {
            match reference {
                Reference::Input { input, path } => {
                    let paths = read.entry(input.to_string()).or_default();
                    if !path.is_empty() {
                        paths.entry(path.to_vec()).or_insert_with(|| (*place).to_owned());
                    }
                }
                Reference::CurrentInput(input) => drop(read.entry(input.to_string()).or_default()),
                Reference::Variable(_) | Reference::Timeout(_) | Reference::TriggerType { .. } => {}
            }
        }
    }
    read
}

/// D17.
fn check_declared(input: &Input, paths: &Paths, findings: &mut Findings) {
    for (path, place) in paths.iter().filter(|(path, _)| !input.declares(path)) {
        let near = input.attributes.iter().find(|attribute| alike(&attribute.path, path));
        match near {
            Some(near) => {
                let message = format!("`{}` of {} is read, and `{}` is declared: they look alike", shown(path), input.name, near.text);
                findings.warning(Kind::LookAlikeName, place, message);
            }
            None => {
                let message = format!(
                    "`{}` is read and {} does not declare it: on AWS it would be undefined, here it is read",
                    shown(path),
                    input.name
                );
                findings.warning(Kind::UndeclaredAttribute, place, message);
            }
        }
    }
}

fn check_key(key: &[Step], place: &str, input: &Input, findings: &mut Findings) {
    if input.attributes.iter().any(|attribute| *attribute.path == *key) {
        return;
    }
    let near = input.attributes.iter().find(|attribute| alike(&attribute.path, key));
    let near = near.map(|near| format!("; `{}` is, which looks alike", near.text)).unwrap_or_default();
    let message = format!("the key `{}` is not among the attributes that {} declares{near}", shown(key), input.name);
    findings.warning(Kind::UndeclaredAttribute, place, message);
}

/// What arrives under another name stays undefined, and the conditions that read it are silent.
fn check_samples(input: &Input, paths: &Paths, (key, elsewhere): (Option<&[Step]>, &str), beside: &Beside<'_>, findings: &mut Findings) {
    let declared = input.attributes.iter().map(|attribute| attribute.path.to_vec());
    let wanted: BTreeSet<Vec<Step>> = declared.chain(paths.keys().cloned()).chain(key.map(<[Step]>::to_vec)).collect();
    let mut said = BTreeSet::new();
    let seen = samples(beside.samples, input, beside.inputs);
    for sample in &seen {
        let sent = sample.paths();
        for path in wanted.iter().filter(|path| follow(&sample.payload, path).is_none()) {
            let Some(near) = sent.iter().find(|sent| alike(sent, path)) else { continue };
            if !said.insert(path.clone()) {
                continue;
            }
            let (name, near, from) = (shown(path), shown(near), &sample.place);
            let (place, effect) = match paths.get(path) {
                Some(place) => (place.as_str(), "what reads it stays silent"),
                None => (elsewhere, "nothing reads it"),
            };
            let message = format!("{} has `{name}`, and messages ({from}) say `{near}`: {effect}", input.name);
            findings.warning(Kind::LookAlikeName, place, message);
        }
    }
    let arrives = |path: &[Step]| seen.iter().any(|sample| follow(&sample.payload, path).is_some());
    for (path, place) in paths.iter().filter(|(path, _)| !seen.is_empty() && !said.contains(*path) && !arrives(path)) {
        let message =
            format!("`{}` of {} is read, and is in none of the messages that are given ({})", shown(path), input.name, seen.len());
        findings.warning(Kind::NeverArrives, place, message);
    }
}
