//! What a step expects: of rules and their alarms, of detectors, of members, and of what rules have done.

use serde_json::{Value as Json, json};
use smol_str::SmolStr;

use crate::alarm::{Condition, Severity, Suppression};
use crate::catalog::Layout;
use crate::catalog::detector::DetectorSpec;
use crate::catalog::example::{Expectation, Expected};
use crate::reading::{SlotNo, parse_duration};
use crate::source::keys::{EXPECT, EXPECTED_ACTION};
use crate::source::{Diagnostic, Entry, Fields, Node, Span, codes, did_you_mean, expect_list, expect_mapping, expect_text};

use super::Reader;

const CONDITIONS: [(&str, Condition); 5] = [
    ("NORMAL", Condition::Normal),
    ("PENDING", Condition::Pending),
    ("ACTIVE", Condition::Active),
    ("RECOVERING", Condition::Recovering),
    ("NO_DATA", Condition::NoData),
];
const SEVERITIES: [(&str, Severity); 5] = [
    ("INFO", Severity::Info),
    ("WARNING", Severity::Warning),
    ("MINOR", Severity::Minor),
    ("MAJOR", Severity::Major),
    ("CRITICAL", Severity::Critical),
];
const SUPPRESSIONS: [(&str, Suppression); 4] = [
    ("NONE", Suppression::None),
    ("SHELVED", Suppression::Shelved),
    ("BY_DESIGN", Suppression::ByDesign),
    ("OUT_OF_SERVICE", Suppression::OutOfService),
];
/// What others are asked for.
const ACTIONS: [&str; 4] = ["publish", "webhook", "command", "raise"];
/// Keys of [`EXPECT`] that say something of an alarm, or of the detector that raises it.
const OF_ALARM: [&str; 10] =
    ["severity", "level", "acknowledged", "raised", "raisedAt", "clearedAt", "suppression", "state", "variables", "timers"];

impl<'a> Reader<'a> {
    /// Rules with their conditions, what is said of the alarm, and members with their values.
    pub(super) fn expect(&mut self, node: &Node) -> Vec<Expectation> {
        let mut names: Vec<String> = self.layout.logic.rules.iter().map(|spec| spec.rule.id.to_string()).collect();
        names.extend(self.names());
        let more: Vec<&str> = names.iter().map(String::as_str).collect();
        let Some(fields) = Fields::read_with(&EXPECT, node, "`expect`", &more, self.problems) else { return Vec::new() };
        let named: Vec<usize> = fields.entries().filter_map(|entry| self.rule(&entry.key.text)).collect();
        let mut all = Vec::new();
        for entry in fields.entries() {
            let name = &*entry.key.text;
            let member = self.layout.slot_by_path(name);
            // Where a member has the name of something of alarms, it is the alarm's if one rule is named beside it.
            let meant = self.meant(&named).filter(|_| member.is_none() || !named.is_empty()).filter(|_| OF_ALARM.contains(&name));
            match (self.rule(name), meant, member) {
                (Some(rule), _, _) => all.extend(self.of_rule(rule, &entry.value)),
                (None, Some(rule), _) => all.extend(self.of_alarm(rule, &fields, entry)),
                (None, None, Some(slot)) => all.extend(self.of_member(slot, entry)),
                (None, None, None) if name == "events" => all.extend(self.events(entry)),
                (None, None, None) if name == "actions" => all.extend(self.actions(entry)),
                (None, None, None) if OF_ALARM.contains(&name) => {
                    let message = format!("it is not clear of which alarm `{name}` is meant");
                    let diagnostic = Diagnostic::new(&codes::TEST_STEP, entry.key.span, message);
                    self.problems
                        .push(diagnostic.help("name one rule in this `expect`, or write it below the rule: overheat: {severity: MAJOR}"));
                }
                // Reported with the keys, or an object, of which leaves are expected.
                (None, None, None) => self.not_a_leaf(entry),
            }
        }
        all
    }

    /// A member in parts is expected part by part; `condition` stands below its rule, and what is done is not told by rule.
    fn not_a_leaf(&mut self, entry: &Entry) {
        let name = &*entry.key.text;
        let help = match name {
            "condition" => "write overheat: ACTIVE",
            "events" | "actions" => "write it beside the rules: it is what all of them have done",
            _ if self.layout.member(name).is_some() => "name its parts, as in vibration.x",
            _ => return,
        };
        let message = format!("`{name}` cannot be expected as it is");
        self.problems.push(Diagnostic::new(&codes::TEST_STEP, entry.key.span, message).help(help));
    }

    pub(super) fn rule(&self, id: &str) -> Option<usize> {
        self.layout.logic.rule(id).map(|(place, _)| place)
    }

    /// The one that is named, or the only one there is.
    fn meant(&self, named: &[usize]) -> Option<usize> {
        match (named, self.layout.logic.rules.len()) {
            ([rule], _) => Some(*rule),
            ([], 1) => Some(0),
            (_, _) => None,
        }
    }

    /// `overheat: ACTIVE`, or `overheat: {condition: ACTIVE, severity: MAJOR}`.
    fn of_rule(&mut self, rule: usize, node: &Node) -> Vec<Expectation> {
        if node.as_mapping().is_none() {
            return self.condition(rule, node).into_iter().collect();
        }
        let id = &self.layout.logic.rules[rule].rule.id;
        let Some(fields) = Fields::read(&EXPECT, node, format!("what is expected of `{id}`"), self.problems) else { return Vec::new() };
        let mut all = Vec::new();
        for entry in fields.entries() {
            match &*entry.key.text {
                "condition" => all.extend(self.condition(rule, &entry.value)),
                "events" | "actions" => self.not_a_leaf(entry),
                _ => all.extend(self.of_alarm(rule, &fields, entry)),
            }
        }
        all
    }

    fn condition(&mut self, rule: usize, node: &Node) -> Option<Expectation> {
        let text = node.as_text().unwrap_or_default();
        let Some((_, condition)) = CONDITIONS.iter().find(|(word, _)| *word == text) else {
            let id = &self.layout.logic.rules[rule].rule.id;
            let words = CONDITIONS.map(|(word, _)| word);
            let diagnostic = Diagnostic::new(&codes::UNKNOWN_WORD, node.span, format!("rule `{id}` cannot be {}", node.describe()));
            let near = crate::source::did_you_mean(text, words);
            self.problems.push(diagnostic.suggest(near).help(format!("possible: {}", words.join(", "))));
            return None;
        };
        Some(Expectation { span: node.span, what: Expected::Condition { rule, condition: *condition } })
    }

    fn of_alarm(&mut self, rule: usize, fields: &Fields<'_>, entry: &Entry) -> Vec<Expectation> {
        let at_entry = |what: Expected| Expectation { span: entry.value.span, what };
        match &*entry.key.text {
            "state" => self.state(rule, &entry.value).map(|state| at_entry(Expected::State { rule, state })).into_iter().collect(),
            "variables" => self.of_detector(rule, entry, |detector| &detector.names.variables, Reader::variable),
            "timers" => self.of_detector(rule, entry, |detector| &detector.names.timers, Reader::timer),
            _ => self.of_occurrence(rule, fields, entry).map(at_entry).into_iter().collect(),
        }
    }

    fn of_occurrence(&mut self, rule: usize, fields: &Fields<'_>, entry: &Entry) -> Option<Expected> {
        let key = &*entry.key.text;
        let problems = &mut *self.problems;
        Some(match key {
            "severity" => Expected::Severity { rule, severity: fields.word(key, &SEVERITIES, problems)? },
            "level" => Expected::Level { rule, level: fields.whole(key, u64::from(u8::MAX), problems)? },
            "acknowledged" => Expected::Acknowledged { rule, acknowledged: fields.bool(key, problems)? },
            "raised" => Expected::Raised { rule, times: fields.whole(key, u64::from(u32::MAX), problems)? },
            "raisedAt" => Expected::RaisedAt { rule, at: fields.duration(key, problems)? },
            "clearedAt" if entry.value.is_null() => Expected::ClearedAt { rule, at: None },
            "clearedAt" => Expected::ClearedAt { rule, at: Some(fields.duration(key, problems)?) },
            "suppression" => Expected::Suppression { rule, suppression: fields.word(key, &SUPPRESSIONS, problems)? },
            _ => return None,
        })
    }

    /// The state that a detector shall be in.
    fn state(&mut self, rule: usize, node: &Node) -> Option<SmolStr> {
        let text = expect_text(node, "`state`", self.problems)?;
        let detector = self.detector(rule, "states", node.span)?;
        self.known("state", text, &detector.names.states, rule, node.span)
    }

    /// Variables or timers of a detector by name.
    fn of_detector(
        &mut self,
        rule: usize,
        entry: &Entry,
        names: impl Fn(&DetectorSpec) -> &[SmolStr],
        read: impl Fn(&mut Self, usize, SmolStr, &Node) -> Option<Expected>,
    ) -> Vec<Expectation> {
        let key = &*entry.key.text;
        let (Some(detector), Some(mapping)) =
            (self.detector(rule, key, entry.key.span), expect_mapping(&entry.value, &format!("`{key}`"), self.problems))
        else {
            return Vec::new();
        };
        let what = key.trim_end_matches('s');
        let one = |entry: &Entry| {
            let name = self.known(what, &entry.key.text, names(detector), rule, entry.key.span)?;
            Some(Expectation { span: entry.value.span, what: read(self, rule, name, &entry.value)? })
        };
        mapping.entries.iter().filter_map(one).collect()
    }

    fn detector(&mut self, rule: usize, what: &str, span: Span) -> Option<&'a DetectorSpec> {
        let layout: &'a Layout = self.layout;
        let spec = &layout.logic.rules[rule];
        if spec.detector.is_none() {
            let message = format!("rule `{}` is no detector, so it has no {what}", spec.rule.id);
            self.problems.push(Diagnostic::new(&codes::TEST_STEP, span, message));
        }
        spec.detector.as_ref()
    }

    fn known(&mut self, what: &str, name: &str, names: &[SmolStr], rule: usize, span: Span) -> Option<SmolStr> {
        let found = names.iter().find(|known| *known == name).cloned();
        if found.is_none() {
            let id = &self.layout.logic.rules[rule].rule.id;
            let known = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
            let message = format!("`{name}` is no {what} of `{id}`; {what}s are {known}");
            let diagnostic = Diagnostic::new(&codes::TEST_STEP, span, message);
            self.problems.push(diagnostic.suggest(did_you_mean(name, names.iter().map(SmolStr::as_str))));
        }
        found
    }

    fn variable(&mut self, rule: usize, name: SmolStr, node: &Node) -> Option<Expected> {
        let value = (!node.is_null()).then(|| node.to_json());
        Some(Expected::Variable { rule, name, value })
    }

    fn timer(&mut self, rule: usize, name: SmolStr, node: &Node) -> Option<Expected> {
        if node.is_null() {
            return Some(Expected::Timer { rule, name, at: None });
        }
        let at = node.as_scalar().and_then(|scalar| parse_duration(&scalar.text));
        if at.is_none() {
            let message = format!("timer `{name}` runs out at a time since the beginning, not at {}", node.describe());
            self.problems.push(Diagnostic::new(&codes::BAD_DURATION, node.span, message).help("write 90s or 5m; null if it does not run"));
        }
        at.map(|at| Expected::Timer { rule, name, at: Some(at) })
    }

    fn of_member(&mut self, slot: SlotNo, entry: &Entry) -> Option<Expectation> {
        let value = match entry.value.is_null() {
            true => None,
            false => Some(self.leaf(self.layout.slot(slot), &entry.value, &entry.key.text)?),
        };
        Some(Expectation { span: entry.value.span, what: Expected::Member { slot, value } })
    }

    /// `[overheated, {emit: overheated, data: {at: 99}}]`
    fn events(&mut self, entry: &Entry) -> Option<Expectation> {
        let items = expect_list(&entry.value, "`events`", self.problems)?;
        let mut all = Vec::with_capacity(items.len());
        for item in items {
            let said = match item.as_text() {
                Some(name) => json!({ "emit": name }),
                None => self.deed(item, &["emit"], "an event that is expected")?,
            };
            let name = said.get("emit").and_then(Json::as_str).unwrap_or_default();
            if !self.is_event(name, item) {
                return None;
            }
            all.push(said);
        }
        Some(Expectation { span: entry.value.span, what: Expected::Events(all) })
    }

    /// `[{webhook: maintenance}, {publish: plant/alerts/m1, payload: {t: 99}}]`
    fn actions(&mut self, entry: &Entry) -> Option<Expectation> {
        let items = expect_list(&entry.value, "`actions`", self.problems)?;
        let all: Option<Vec<Json>> = items.iter().map(|item| self.deed(item, &ACTIONS, "an action that is expected")).collect();
        Some(Expectation { span: entry.value.span, what: Expected::Actions(all?) })
    }

    fn deed(&mut self, node: &Node, kinds: &[&str], what: &str) -> Option<Json> {
        let fields = Fields::read(&EXPECTED_ACTION, node, what, self.problems)?;
        if fields.entries().filter(|entry| kinds.contains(&&*entry.key.text)).count() != 1 {
            let message = format!("{what} says one of {}", kinds.join(", "));
            self.problems.push(Diagnostic::new(&codes::TEST_STEP, node.span, message).help("write {webhook: maintenance}"));
            return None;
        }
        Some(node.to_json())
    }
}
