//! Models whose messages go to the same twins.

use std::collections::{BTreeMap, BTreeSet};

use smol_str::SmolStr;

use super::super::finding::{Finding, Findings, Kind};
use super::Model;

const RULE_ID_CHARS_MAX: usize = 64;

/// The rules of one type.
#[derive(Debug)]
pub(super) struct Group<'m, 'a> {
    pub(super) type_name: String,
    /// Detector models first, by name.
    pub(super) models: Vec<&'m Model<'a>>,
    /// The path of the key; without one there is a single twin.
    pub(super) key: Option<SmolStr>,
}

impl Group<'_, '_> {
    /// What comes in from outside, without what operators do.
    pub(super) fn inputs(&self) -> BTreeSet<&SmolStr> {
        let is_action = |input: &SmolStr| self.models.iter().any(|model| model.action_input.as_ref() == Some(input));
        self.models.iter().flat_map(|model| model.detector.inputs.iter()).filter(|input| !is_action(input)).collect()
    }

    /// The one twin of a type without a key.
    pub(super) fn single_twin(&self) -> &str {
        &self.type_name
    }
}

/// Sorted by the models that name them; no type has a name that is taken. Models that share an input and not the key cannot be brought together: that is an error.
pub(super) fn groups<'m, 'a>(models: &'m [Model<'a>], taken: &BTreeSet<String>, findings: &mut Vec<Finding>) -> Vec<Group<'m, 'a>> {
    let mut groups: Vec<Vec<&'m Model<'a>>> = Vec::new();
    for model in models {
        let (mut joined, mut others) = (vec![model], Vec::new());
        for group in groups {
            if group.iter().any(|own| belong_together(own, model)) {
                joined.splice(0..0, group);
            } else {
                others.push(group);
            }
        }
        others.push(joined);
        groups = others;
    }
    for group in &mut groups {
        // The type is named after a detector model, if there is one.
        group.sort_by_key(|model| (model.action_input.is_some(), model.detector.name.clone()));
    }
    groups.sort_by(|one, other| name_of(one).cmp(name_of(other)));
    for group in &groups {
        check(group, findings);
    }
    let mut taken = taken.clone();
    groups.into_iter().map(|models| made(models, &mut taken)).collect()
}

fn name_of<'g>(group: &'g [&Model<'_>]) -> &'g str {
    group.first().map_or("", |model| model.detector.name.as_str())
}

fn made<'m, 'a>(models: Vec<&'m Model<'a>>, taken: &mut BTreeSet<String>) -> Group<'m, 'a> {
    let base = type_name(name_of(&models));
    let numbered = (2..).map(|n| format!("{base}{n}"));
    let type_name = std::iter::once(base.clone()).chain(numbered).find(|name| !taken.contains(name)).unwrap_or_default();
    taken.insert(type_name.clone());
    let key = models.first().and_then(|model| model.key.clone());
    Group { type_name, models, key }
}

fn belong_together(one: &Model<'_>, other: &Model<'_>) -> bool {
    let same_key = one.key.is_some() && one.detector.key == other.detector.key;
    same_key || one.detector.inputs.iter().any(|input| other.detector.inputs.contains(input))
}

fn check(group: &[&Model<'_>], findings: &mut Vec<Finding>) {
    let mut keys: BTreeMap<Option<&SmolStr>, &Model<'_>> = BTreeMap::new();
    for model in group {
        keys.entry(model.key.as_ref()).or_insert(model);
    }
    let mut said = keys.into_iter().map(|(key, model)| match key {
        Some(key) => format!("{} has the key `{key}`", model.detector.name),
        None => format!("{} has none", model.detector.name),
    });
    let (Some(first), Some(second)) = (said.next(), said.next()) else { return };
    let mut own = Findings::new(group.first().map_or("", |model| model.source.name));
    let message = format!(
        "models share inputs and not their key ({first}, {second}): a message goes to one twin here. Import them into workspaces of their own, or \
         give them one key"
    );
    own.error(Kind::Import, "", message);
    findings.extend(own.into_list());
}

/// `motorDetectorModel` → `MotorDetectorModel`, `crane-7 alarm` → `Crane7Alarm`.
pub(super) fn type_name(name: &str) -> String {
    let mut made = String::new();
    for word in name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()) {
        let mut letters = word.chars();
        made.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        made.push_str(letters.as_str());
    }
    made.truncate(100);
    if made.starts_with(|c: char| c.is_ascii_uppercase()) { made } else { format!("Detector{made}") }
}

/// The id of the rule: the name, in letters that an id may have. Names that become one are told apart by a number.
pub(super) fn rule_id(name: &str, taken: &mut BTreeSet<String>) -> String {
    let plain = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' });
    let begins = name.starts_with(|c: char| c.is_ascii_alphabetic());
    let base: String = if begins { "" } else { "detector_" }.chars().chain(plain).take(RULE_ID_CHARS_MAX - 4).collect();
    let numbered = (2..).map(|n| format!("{base}_{n}"));
    let id = std::iter::once(base.clone()).chain(numbered).find(|id| !taken.contains(id)).unwrap_or_default();
    taken.insert(id.clone());
    id
}
