//! What `pollux import iot-events FILE…` writes: a workspace in which the files run unedited.
//!
//! The models lie under `detectors/` as they came. Each becomes a rule of a type whose telemetry are the inputs, whole payloads of type json; a
//! binding per input leads `iotevents/inputs/<Input>` to the twin that the key names, which is made when its first message comes.
//!
//! A message goes to one twin here. Models that share an input, or that have the same key, are therefore rules of one type, and the value of the key
//! is the id of the twin: what AWS calls three detectors with the key `pump-7` is one twin `pump-7` with three detectors.

mod bindings;
mod group;
mod schema;
#[cfg(test)]
mod tests;
mod yaml;

use std::collections::{BTreeMap, BTreeSet};

use smol_str::SmolStr;

use crate::alarm::Severity;
use crate::reading::TwinId;

use super::detector::{Detector, alarm_action_input, compile, compile_alarm};
use super::file::{AlarmModel, DetectorModel, Document, Input, Sample, TopicRule, read};
use super::finding::{Finding, Findings, Kind, Level};
use super::lint::{Beside, lint, lint_alarm};

/// Of one import.
pub const FILES_MAX: usize = 256;

/// As AWS allows them.
const MODELS_PER_INPUT: usize = 10;

/// A file as it was found: its name, and its text.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    pub name: &'a str,
    pub text: &'a str,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Imported {
    /// Paths in the workspace with their texts, sorted. None if there is an error among the findings: it is all or nothing.
    pub files: Vec<(String, String)>,
    pub findings: Vec<Finding>,
}

/// One model with all that is known of it.
#[derive(Debug)]
struct Model<'a> {
    source: Source<'a>,
    /// Where its file lies in the workspace.
    path: String,
    detector: Detector,
    description: Option<SmolStr>,
    key: Option<SmolStr>,
    /// Of an alarm model: the input of what operators do.
    action_input: Option<SmolStr>,
}

#[derive(Debug, Default)]
struct Read<'a> {
    detectors: Vec<(Source<'a>, DetectorModel)>,
    alarms: Vec<(Source<'a>, AlarmModel)>,
    inputs: Vec<(Option<Source<'a>>, Input)>,
    samples: Vec<Sample>,
    rules: Vec<(Source<'a>, TopicRule)>,
}

pub fn import(sources: &[Source<'_>]) -> Imported {
    import_beside(sources, &BTreeSet::new())
}

/// The same where types cannot have these names.
pub fn import_beside(sources: &[Source<'_>], taken: &BTreeSet<String>) -> Imported {
    let mut findings = Vec::new();
    if sources.len() > FILES_MAX {
        let mut own = Findings::new("");
        own.error(Kind::File, "", format!("{} files; at most {FILES_MAX} are imported at once", sources.len()));
        return Imported { files: Vec::new(), findings: own.into_list() };
    }
    // In the order of their names, so that the order in which they are given changes nothing.
    let mut sources = sources.to_vec();
    sources.sort_by(|one, other| (one.name, one.text).cmp(&(other.name, other.text)));
    let read = read_all(&sources, &mut findings);
    let models = compile_all(&read, &mut findings);
    if models.is_empty() && !has_errors(&findings) {
        let mut own = Findings::new("");
        own.error(Kind::File, "", "there is neither a detector model nor an alarm model among the files");
        findings.extend(own.into_list());
    }
    check_keys(&read, &models, &mut findings);
    check_counts(&models, &mut findings);
    check_feeds(&read, &models, &mut findings);
    let groups = group::groups(&models, taken, &mut findings);
    let mut files = BTreeMap::new();
    for model in &models {
        files.insert(model.path.clone(), model.source.text.to_owned());
    }
    for (source, _) in &read.inputs {
        if let Some(source) = source {
            files.insert(format!("detectors/inputs/{}", base_name(source.name)), source.text.to_owned());
        }
    }
    let inputs: Vec<&Input> = read.inputs.iter().map(|(_, input)| input).collect();
    for group in &groups {
        files.insert(format!("schemas/{}.yaml", group.type_name), schema::schema(group, &inputs));
    }
    let bindings = bindings::bindings(&groups, &read.rules, &mut findings);
    files.insert("twins/iotevents.yaml".to_owned(), bindings);
    if has_errors(&findings) {
        files.clear();
    }
    Imported { files: files.into_iter().collect(), findings }
}

fn has_errors(findings: &[Finding]) -> bool {
    findings.iter().any(|finding| finding.level == Level::Error)
}

fn read_all<'a>(sources: &[Source<'a>], findings: &mut Vec<Finding>) -> Read<'a> {
    let mut all = Read::default();
    for source in sources {
        let (document, found) = read(source.name, source.text);
        findings.extend(found);
        match document {
            Some(Document::DetectorModel(model)) => all.detectors.push((*source, model)),
            Some(Document::AlarmModel(model)) => all.alarms.push((*source, model)),
            Some(Document::Input(input)) => all.inputs.push((Some(*source), input)),
            Some(Document::TopicRule(rule)) => all.rules.push((*source, rule)),
            Some(Document::Samples { samples, inputs }) => {
                all.samples.extend(samples);
                all.inputs.extend(inputs.into_iter().map(|input| (None, input)));
            }
            None => {}
        }
    }
    // What an input says of itself counts for more than what a simulator says of it.
    all.inputs.sort_by_key(|(source, _)| source.is_none());
    let mut seen = BTreeSet::new();
    all.inputs.retain(|(_, input)| seen.insert(input.name.clone()));
    all
}

fn compile_all<'a>(read: &Read<'a>, findings: &mut Vec<Finding>) -> Vec<Model<'a>> {
    let inputs: Vec<Input> = read.inputs.iter().map(|(_, input)| input.clone()).collect();
    let beside = Beside { inputs: &inputs, samples: &read.samples };
    let (mut models, mut names, mut paths) = (Vec::new(), BTreeMap::new(), BTreeSet::new());
    let mut once = |name: &SmolStr, source: Source<'a>, findings: &mut Vec<Finding>| {
        if let Some(first) = names.insert(name.clone(), source.name) {
            let mut own = Findings::new(source.name);
            own.error(Kind::Import, "", format!("there are two models `{name}`; the other is in {first}"));
            findings.extend(own.into_list());
        }
    };
    for (source, model) in &read.detectors {
        once(&model.name, *source, findings);
        let (detector, problems) = compile(source.name, model);
        findings.extend(lint(source.name, model, &beside).into_iter().map(|finding| as_it_ran(finding, &problems)));
        let Some(detector) = detector else { continue };
        let path = path_of(*source, &mut paths);
        let (description, key) = (model.description.clone(), model.key.clone());
        models.push(Model { source: *source, path, detector, description, key, action_input: None });
    }
    for (source, model) in &read.alarms {
        once(&model.name, *source, findings);
        let (detector, problems) = compile_alarm(source.name, model, Severity::default());
        findings.extend(lint_alarm(source.name, model, &beside).into_iter().map(|finding| as_it_ran(finding, &problems)));
        let Some(detector) = detector else { continue };
        let path = path_of(*source, &mut paths);
        let (description, key) = (model.description.clone(), model.key.clone());
        let action_input = Some(alarm_action_input(&model.name));
        models.push(Model { source: *source, path, detector, description, key, action_input });
    }
    models.sort_by(|one, other| one.detector.name.cmp(&other.detector.name));
    models
}

/// What was exported ran there, whatever an analysis says of it, and an export holds no inputs: only what cannot run here is an error.
fn as_it_ran(finding: Finding, problems: &[Finding]) -> Finding {
    let runs = finding.level == Level::Error && !problems.contains(&finding);
    Finding { level: if runs { Level::Warning } else { finding.level }, ..finding }
}

/// Two files of one name from different folders are told apart by a number.
fn path_of(source: Source<'_>, taken: &mut BTreeSet<String>) -> String {
    let base = base_name(source.name);
    let (stem, ending) = base.rsplit_once('.').unwrap_or((&base, "json"));
    let numbered = (2..).map(|n| format!("detectors/{stem}-{n}.{ending}"));
    let path = std::iter::once(format!("detectors/{base}")).chain(numbered).find(|path| !taken.contains(path)).unwrap_or_default();
    taken.insert(path.clone());
    path
}

/// Without folders, in letters that every file system takes.
fn base_name(name: &str) -> String {
    let base = name.rsplit(['/', '\\']).next().unwrap_or(name);
    let plain: String = base.chars().map(|c| if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-') { c } else { '-' }).collect();
    let plain = plain.trim_start_matches('.');
    if plain.is_empty() { "model.json".to_owned() } else { plain.to_owned() }
}

/// A limit of AWS that only several files together can pass.
fn check_counts(models: &[Model<'_>], findings: &mut Vec<Finding>) {
    let mut counts: BTreeMap<&SmolStr, usize> = BTreeMap::new();
    models.iter().flat_map(|model| &model.detector.inputs).for_each(|input| *counts.entry(input).or_default() += 1);
    let mut own = Findings::new("");
    for (input, count) in counts.into_iter().filter(|(_, count)| *count > MODELS_PER_INPUT) {
        own.warning(Kind::ServiceLimits, "", format!("{count} models read {input}; AWS allows {MODELS_PER_INPUT}"));
    }
    findings.extend(own.into_list());
}

/// Inputs that somebody declares and nobody reads, and the other way round: where files show what arrives, inputs that nothing feeds.
fn check_feeds(read: &Read<'_>, models: &[Model<'_>], findings: &mut Vec<Finding>) {
    let is_read = |input: &SmolStr| models.iter().any(|model| model.detector.inputs.contains(input));
    let mut own = Findings::new("");
    for (_, input) in read.inputs.iter().filter(|(_, input)| !is_read(&input.name)) {
        own.info(Kind::NeverArrives, "", format!("the input {} is declared, and no model here reads it", input.name));
    }
    if !read.rules.is_empty() {
        let fed: BTreeSet<&SmolStr> = read.rules.iter().flat_map(|(_, rule)| &rule.feeds).map(|feed| &feed.input).collect();
        let told: BTreeSet<&SmolStr> = models.iter().filter_map(|model| model.action_input.as_ref()).collect();
        for input in models.iter().flat_map(|model| &model.detector.inputs).filter(|input| !fed.contains(input) && !told.contains(input)) {
            let topic = format!("{}/{input}", super::detector::INPUT_TOPICS);
            own.info(Kind::NeverArrives, "", format!("no topic rule here feeds {input}: publish on {topic}"));
        }
    }
    findings.extend(own.into_list());
}

/// Values of the key that were seen and cannot be the id of a twin (G4).
fn check_keys(read: &Read<'_>, models: &[Model<'_>], findings: &mut Vec<Finding>) {
    let mut own = Findings::new("");
    for model in models {
        for sample in read.samples.iter().filter(|sample| sample.input.as_ref().is_some_and(|input| model.detector.inputs.contains(input)))
        {
            let Some(value) = model.detector.key_value(&sample.payload).filter(|value| !TwinId::is_valid(value)) else { continue };
            let message = format!(
                "the key of {} is `{value}` in {}, which is no id of a twin: such messages are rejected",
                model.detector.name, sample.place
            );
            own.warning(Kind::Import, "", message);
        }
    }
    findings.extend(own.into_list());
}
