//! The rules of a type: inherited ones, perhaps with other settings, and its own.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use xxhash_rust::xxh3::Xxh3;

use crate::alarm::Severity;
use crate::catalog::layout::SlotSpec;
use crate::catalog::logic::{CommandSpec, EventSpec, LevelSpec, Logic, Param, RuleSpec};
use crate::expr::{Checked, Expect, Operand, Unrelaxed, quantity, relaxed};
use crate::reading::SlotNo;
use crate::rule::{Kind, LEVELS_MAX, Level, NoData, On, OnUnknown, PATTERN_STEPS_MAX, Pattern, REPEAT_TIMES_MAX, RULES_MAX};
use crate::source::keys::{LEVEL, NO_DATA, PATTERN, RULE};
use crate::source::{Diagnostic, Diagnostics, Fields, Node, Span, codes, did_you_mean, expect_list, expect_mapping, expect_text};

use super::params::{self, Given};
use super::remote::Remote;
use super::schedule;
use super::scope::{Blanks, MachineNames, TypeScope};
use super::{Expressions, report};

pub(super) const SEVERITIES: &[(&str, Severity)] = &[
    ("INFO", Severity::Info),
    ("WARNING", Severity::Warning),
    ("MINOR", Severity::Minor),
    ("MAJOR", Severity::Major),
    ("CRITICAL", Severity::Critical),
];

/// A type whose members are all known, for its rules.
pub(in crate::catalog::load) struct Ground<'a> {
    pub type_name: &'a Arc<str>,
    pub slots: &'a [SlotSpec],
    pub events: &'a [EventSpec],
    pub commands: &'a [CommandSpec],
    /// Files of detectors that were exported elsewhere, by their paths.
    pub detectors: &'a BTreeMap<String, Option<Arc<str>>>,
    pub blanks: Blanks<'a>,
    pub remote: Option<&'a Remote<'a>>,
    /// Webhooks that are called, and where.
    pub hooks: &'a mut Vec<(Box<str>, Span)>,
    pub expressions: &'a mut Expressions,
}

/// Adds the rules of a type to what it inherits.
pub(in crate::catalog::load) fn rules(fields: &Fields<'_>, logic: &mut Logic, ground: &mut Ground<'_>, problems: &mut Diagnostics) {
    let mut all = Rules { specs: std::mem::take(&mut logic.rules).into_vec(), params: std::mem::take(&mut logic.params).into_vec() };
    let nodes = fields.get("rules").and_then(|node| expect_list(node, "`rules`", problems)).unwrap_or_default();
    // A condition may ask for the alarm of any rule of the type, also of one that comes later.
    let mut names: Vec<Box<str>> = all.specs.iter().map(|spec| spec.rule.id.as_str().into()).collect();
    let own = nodes.iter().filter(|node| !is_override(node)).filter_map(id_of);
    names.extend(own.map(Box::from));
    for node in nodes {
        all.take(node, &names, ground, problems);
    }
    for node in fields.get("disable").map(Node::items_or_one).unwrap_or_default() {
        all.disable(node, ground.type_name, problems);
    }
    (logic.rules, logic.params) = (all.specs.into(), all.params.into());
}

fn id_of(node: &Node) -> Option<&str> {
    node.as_mapping()?.get("id")?.value.as_text()
}

fn is_override(node: &Node) -> bool {
    node.as_mapping()
        .and_then(|mapping| mapping.get("override"))
        .and_then(|entry| entry.value.as_scalar())
        .is_some_and(|scalar| &*scalar.text == "true")
}

struct Rules {
    specs: Vec<RuleSpec>,
    params: Vec<Param>,
}

impl Rules {
    fn take(&mut self, node: &Node, names: &[Box<str>], ground: &mut Ground<'_>, problems: &mut Diagnostics) {
        let what = format!("rule `{}`", id_of(node).unwrap_or("?"));
        let Some(fields) = Fields::read(&RULE, node, what, problems) else { return };
        let Some(id) = fields.require("id", problems).and_then(|node| expect_text(node, "the id of a rule", problems)) else { return };
        let span = fields.get("id").map_or(fields.span, |node| node.span);
        let standing = self.specs.iter().position(|spec| spec.rule.id == id);
        let is_override = fields.bool("override", problems).unwrap_or(false);
        match (standing, is_override) {
            (Some(place), true) => self.change(place, &fields, names, ground, problems),
            (None, true) => problems.push(unknown_rule(id, span, &self.specs)),
            (Some(place), false) => {
                let from = &self.specs[place].declared_by;
                let message = if from == ground.type_name {
                    format!("rule `{id}` stands here twice")
                } else {
                    format!("rule `{id}` is inherited from `{from}`; to change its settings say `override: true`")
                };
                problems.push(Diagnostic::new(&codes::RULE_TWICE, span, message));
            }
            (None, false) if self.specs.len() >= RULES_MAX => {
                problems.push(Diagnostic::new(&codes::LIMIT, span, format!("`{}` has more than {RULES_MAX} rules", ground.type_name)));
            }
            (None, false) => self.add(id, span, &fields, names, ground, problems),
        }
    }

    fn add(&mut self, id: &str, span: Span, fields: &Fields<'_>, names: &[Box<str>], ground: &mut Ground<'_>, problems: &mut Diagnostics) {
        let is_name = id.starts_with(|c: char| c.is_ascii_alphabetic()) && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !is_name || id.len() > 64 {
            let message = format!("`{id}` is not an id for a rule: a letter, then letters, digits and _, 64 at most");
            problems.push(Diagnostic::new(&codes::BAD_NAME, span, message));
            return;
        }
        let Ok(no) = u16::try_from(self.specs.len()) else { return };
        let given = params::declared(fields, no, ground, problems);
        self.params.extend(given);
        let mut reader = Reader { fields, no, names, params: &self.params, machine: None, is_broken: false, ground, problems };
        if let Some(spec) = reader.read(id) {
            self.specs.push(spec);
        } else {
            self.params.retain(|param| param.rule != no);
        }
    }

    /// Other settings for an inherited rule. What decides when it is true stays.
    fn change(&mut self, place: usize, fields: &Fields<'_>, names: &[Box<str>], ground: &mut Ground<'_>, problems: &mut Diagnostics) {
        for key in ["when", "clearWhen", "pattern", "noData", "levels", "states", "initial", "mode", "variables", "detector", "sinks"] {
            if let Some(node) = fields.get(key) {
                let message = format!("an override may not change `{key}`; write a rule of its own, or a parameter");
                problems.push(Diagnostic::new(&codes::RULE_OVERRIDE, node.span, message));
            }
        }
        let Ok(no) = u16::try_from(place) else { return };
        if let Some(node) = fields.get("params")
            && let Some(mapping) = expect_mapping(node, "`params`", problems)
        {
            for entry in &mapping.entries {
                let standing = self.params.iter().position(|param| param.rule == no && *param.name == *entry.key.text);
                match standing {
                    Some(standing) => {
                        let given = Given { entry, no, shape: Some(self.params[standing].value.shape().clone()) };
                        if let Some(param) = given.read(ground, problems) {
                            self.params[standing] = param;
                        }
                    }
                    None => {
                        let known = self.params.iter().filter(|param| param.rule == no).map(|param| &*param.name);
                        let message = format!("params.{} is not declared", entry.key.text);
                        let diagnostic = Diagnostic::new(&codes::EXPR_PARAM, entry.key.span, message);
                        problems.push(diagnostic.suggest(did_you_mean(&entry.key.text, known)));
                    }
                }
            }
        }
        let mut spec = self.specs[place].clone();
        let mut reader = Reader { fields, no, names, params: &self.params, machine: None, is_broken: false, ground, problems };
        reader.settings(&mut spec);
        if fields.get("deadband").is_some() {
            spec.stay = spec.when.clone();
            reader.stay(&mut spec);
        }
        spec.rule.version = reader.version(spec.rule.version);
        self.specs[place] = spec;
    }

    fn disable(&mut self, node: &Node, type_name: &Arc<str>, problems: &mut Diagnostics) {
        let Some(id) = expect_text(node, "the id of a rule", problems) else { return };
        match self.specs.iter_mut().find(|spec| spec.rule.id == id && spec.declared_by != *type_name) {
            Some(spec) => spec.rule.enabled = false,
            None => problems.push(unknown_rule(id, node.span, &self.specs)),
        }
    }
}

fn unknown_rule(id: &str, span: Span, specs: &[RuleSpec]) -> Diagnostic {
    let diagnostic = Diagnostic::new(&codes::RULE_UNKNOWN, span, format!("rule `{id}` is not inherited here"));
    diagnostic.suggest(did_you_mean(id, specs.iter().map(|spec| spec.rule.id.as_str())))
}

/// One rule as it is read.
pub(super) struct Reader<'r, 'a, 'n> {
    pub fields: &'r Fields<'n>,
    pub no: u16,
    pub names: &'r [Box<str>],
    pub params: &'r [Param],
    /// While the states of a detector are read.
    pub machine: Option<MachineNames>,
    /// Some of it could not be read, whether that was reported or follows from something else.
    pub is_broken: bool,
    pub ground: &'r mut Ground<'a>,
    pub problems: &'r mut Diagnostics,
}

impl Reader<'_, '_, '_> {
    fn read(&mut self, id: &str) -> Option<RuleSpec> {
        let given: Vec<&str> =
            ["when", "noData", "pattern", "states", "detector"].into_iter().filter(|key| self.fields.get(key).is_some()).collect();
        if given.len() != 1 {
            let said = if given.is_empty() { "none".to_owned() } else { given.join(" and ") };
            let message =
                format!("{} needs exactly one of `when`, `noData`, `pattern`, `states` and `detector`; it has {said}", self.fields.what);
            self.problems.push(Diagnostic::new(&codes::RULE_KIND, self.fields.span, message));
            return None;
        }
        let mut spec = RuleSpec { declared_by: self.ground.type_name.clone(), ..RuleSpec::unknown(id) };
        self.check_kind_of_keys(given[0]);
        let mut seed = 0;
        match given[0] {
            "when" => {
                spec.when = Some(self.condition("when")?);
                spec.stay = spec.when.clone();
                self.levels(&mut spec)?;
                self.stay(&mut spec);
            }
            "noData" => self.no_data(&mut spec)?,
            "states" => self.states(&mut spec)?,
            "detector" => seed = self.imported(&mut spec)?,
            _ => self.pattern(&mut spec)?,
        }
        if self.fields.get("clearWhen").is_some() {
            spec.clear_when = Some(self.condition("clearWhen")?);
            spec.rule.clears = true;
            if let Some(node) = self.fields.get("deadband") {
                let message = format!("{} has both `deadband` and `clearWhen`; keep one", self.fields.what);
                self.problems.push(Diagnostic::new(&codes::RULE_DEADBAND, node.span, message));
            }
        }
        self.settings(&mut spec);
        if spec.detector.is_none() {
            spec.rule.meaning = meaning(&spec);
        }
        spec.rule.version = self.version(seed);
        Some(spec)
    }

    /// What may be changed for a subtype.
    fn settings(&mut self, spec: &mut RuleSpec) {
        let (fields, problems) = (self.fields, &mut *self.problems);
        let rule = &mut spec.rule;
        set(&mut rule.severity, fields.word("severity", SEVERITIES, problems));
        set(&mut rule.on_delay, fields.duration("onDelay", problems));
        set(&mut rule.off_delay, fields.duration("offDelay", problems));
        set(&mut rule.policy.latch, fields.bool("latch", problems));
        set(&mut rule.policy.shown, fields.bool("alarm", problems));
        set(&mut rule.enabled, fields.bool("enabled", problems));
        set(&mut rule.policy.acknowledge, fields.word("acknowledge", &[("required", true), ("no", false)], problems));
        let words = [("keep", OnUnknown::Keep), ("alarm", OnUnknown::Alarm), ("ok", OnUnknown::Ok)];
        set(&mut rule.on_unknown, fields.word("onUnknown", &words, problems));
        set(&mut spec.accepts_good_only, fields.word("accept", &[("good", true), ("uncertain", false)], problems));
        if let Some(again) = fields.duration("reAlarm", problems) {
            rule.policy.re_alarm = Some(again);
        }
        if let Some(reorder) = fields.duration("reorder", problems) {
            spec.reorder = Some(reorder);
        }
        if let Some(after) = fields.duration("clearAfter", problems) {
            rule.clear_after = Some(after);
        }
        if let Some(node) = fields.get("active") {
            rule.active = schedule::hours(node, problems);
        }
        if let Some(node) = fields.get("at") {
            rule.at = schedule::instants(node, problems);
            if !matches!(rule.kind, Kind::Condition | Kind::NoData(_)) {
                let message = "`at` is for `when` and `noData`: a pattern or detector hears of everything as it happens";
                problems.push(Diagnostic::new(&codes::RULE_SCHEDULE, node.span, message));
            }
        }
        if let Some(title) = fields.text("title", problems) {
            spec.title = Some(title.into());
        }
        if fields.get("suppressedBy").is_some() {
            spec.suppressed_by = self.condition("suppressedBy");
            spec.rule.suppressible = spec.suppressed_by.is_some();
        }
        if let Some(node) = self.fields.get("text") {
            spec.text = self.within(|expressions, scope, problems| expressions.template(node, "`text`", scope, problems));
        }
        self.actions(spec);
        spec.rule.settle();
    }

    fn condition(&mut self, key: &'static str) -> Option<Checked> {
        let node = self.fields.get(key)?;
        self.condition_at(node, key)
    }

    pub(super) fn condition_at(&mut self, node: &Node, key: &str) -> Option<Checked> {
        let what = format!("`{key}` of {}", self.fields.what);
        self.within(|expressions, scope, problems| expressions.read(node, &what, scope, Expect::Condition(key), problems))
    }

    pub(super) fn within<T>(&mut self, read: impl FnOnce(&mut Expressions, &mut TypeScope<'_>, &mut Diagnostics) -> T) -> T {
        let own = (0_u16..).zip(self.params).filter(|(_, param)| param.rule == self.no);
        let params: Vec<_> = own.map(|(no, param)| (param.name.clone(), no, param.value.shape().clone())).collect();
        let own = TypeScope::of(self.ground.type_name, self.ground.slots, self.ground.blanks);
        let machine = self.machine.as_ref();
        let (events, remote) = (self.ground.events, self.ground.remote);
        let mut scope = TypeScope { params: &params, rules: self.names, events, remote, machine, ..own };
        let mut found = Diagnostics::new();
        let read = read(self.ground.expressions, &mut scope, &mut found);
        if !scope.met_blank {
            self.problems.extend(found);
        }
        read
    }

    /// The deadband relaxes the limits of the condition and of its levels.
    fn stay(&mut self, spec: &mut RuleSpec) {
        let Some(node) = self.fields.get("deadband") else { return };
        let text = node.as_scalar().map_or("", |scalar| &*scalar.text);
        let deadband = match quantity(text) {
            Some(Ok(checked)) => Some(checked),
            Some(Err(problem)) => {
                report(node, &[problem], self.problems);
                None
            }
            None => {
                let what = format!("`deadband` of {}", self.fields.what);
                self.within(|expressions, scope, problems| expressions.read(node, &what, scope, Expect::Anything, problems))
            }
        };
        let Some(deadband) = deadband else { return };
        let mut relax = |when: &Checked, at: Option<&Node>| match relaxed(when, &deadband) {
            Ok(stay) => Some(stay),
            Err(Unrelaxed::When(problem)) => {
                report(at.unwrap_or(node), &[problem], self.problems);
                None
            }
            Err(Unrelaxed::Deadband(problem)) => {
                report(node, &[problem], self.problems);
                None
            }
        };
        if let Some(when) = &spec.when {
            spec.stay = relax(when, self.fields.get("when"));
        }
        for level in &mut spec.levels {
            if let Some(stay) = relax(&level.when, None) {
                level.stay = stay;
            }
        }
    }

    fn levels(&mut self, spec: &mut RuleSpec) -> Option<()> {
        let Some(node) = self.fields.get("levels") else { return Some(()) };
        let nodes = expect_list(node, "`levels`", self.problems)?;
        if nodes.len() > LEVELS_MAX {
            let message = format!("{} has more than {LEVELS_MAX} levels", self.fields.what);
            self.problems.push(Diagnostic::new(&codes::LIMIT, node.span, message));
            return None;
        }
        let (mut levels, mut specs) = (Vec::new(), Vec::new());
        for node in nodes {
            let fields = Fields::read(&LEVEL, node, format!("a level of {}", self.fields.what), self.problems)?;
            let node = fields.require("when", self.problems)?;
            let when = self.condition_at(node, "when")?;
            let severity = fields.word("severity", SEVERITIES, self.problems).unwrap_or(spec.rule.severity);
            let text = match fields.get("text") {
                Some(node) => Some(self.within(|expressions, scope, problems| expressions.template(node, "`text`", scope, problems))?),
                None => None,
            };
            if let Some(node) = fields.get("do") {
                let level = u8::try_from(levels.len() + 1).unwrap_or(u8::MAX);
                self.actions_at(node, On::Reach(level), spec);
            }
            levels.push(Level { severity });
            specs.push(LevelSpec { stay: when.clone(), when, text });
        }
        (spec.rule.levels, spec.levels) = (levels.into(), specs.into());
        Some(())
    }

    fn no_data(&mut self, spec: &mut RuleSpec) -> Option<()> {
        let node = self.fields.get("noData")?;
        let fields = Fields::read(&NO_DATA, node, format!("`noData` of {}", self.fields.what), self.problems)?;
        let after = fields.duration("after", self.problems);
        let missed = fields.whole("missed", 1_000_000, self.problems).and_then(|missed| u32::try_from(missed).ok());
        let (mut silent, mut allowed) = (Vec::new(), Vec::new());
        for item in fields.require("of", self.problems)?.items_or_one() {
            let name = expect_text(item, "a member", self.problems)?;
            let Some(place) = self.ground.slots.iter().position(|slot| *slot.path == *name && slot.telemetry.is_some()) else {
                if self.ground.blanks.any || self.ground.blanks.members.contains(name) {
                    return None;
                }
                let known = self.ground.slots.iter().filter(|slot| slot.telemetry.is_some()).map(|slot| &*slot.path);
                let message = format!("unknown name `{name}`: `noData` listens for telemetry of {}", self.ground.type_name);
                self.problems.push(Diagnostic::new(&codes::EXPR_NAME, item.span, message).suggest(did_you_mean(name, known)));
                return None;
            };
            let every = self.ground.slots[place].telemetry.as_ref().and_then(|rules| rules.every);
            let Some(time) = after.or_else(|| Some(every?.saturating_mul(missed.unwrap_or(3)))) else {
                let message = format!("noData needs `every` on {name}, or `after`");
                self.problems.push(Diagnostic::new(&codes::NO_DATA_PERIOD, item.span, message));
                return None;
            };
            silent.push(SlotNo(u16::try_from(place).ok()?));
            allowed.push(time);
        }
        let since_creation = fields.bool("sinceCreation", self.problems).unwrap_or(false);
        spec.rule.kind = Kind::NoData(NoData { allowed: allowed.into(), since_creation });
        spec.silent = silent.into();
        Some(())
    }

    fn pattern(&mut self, spec: &mut RuleSpec) -> Option<()> {
        let node = self.fields.get("pattern")?;
        let fields = Fields::read(&PATTERN, node, format!("`pattern` of {}", self.fields.what), self.problems)?;
        fields.require("within", self.problems)?;
        let within: Duration = fields.duration("within", self.problems)?;
        let (steps, pattern) = if let Some(node) = fields.get("sequence") {
            let steps = expect_list(node, "`sequence`", self.problems)?;
            if !(2..=PATTERN_STEPS_MAX).contains(&steps.len()) {
                let message = format!("a sequence has 2 to {PATTERN_STEPS_MAX} steps, this one has {}", steps.len());
                self.problems.push(Diagnostic::new(&codes::LIMIT, node.span, message));
                return None;
            }
            let count = u8::try_from(steps.len()).unwrap_or(u8::MAX);
            (steps.iter().collect::<Vec<_>>(), Pattern::Sequence { steps: count, within, events: 0 })
        } else if let Some(node) = fields.get("after") {
            (vec![node, fields.require("absent", self.problems)?], Pattern::Absence { within, events: 0 })
        } else {
            let node = fields.require("repeat", self.problems)?;
            let times = fields.whole("times", REPEAT_TIMES_MAX as u64, self.problems).and_then(|times| u8::try_from(times).ok());
            let times = times.filter(|times| *times >= 2).or_else(|| {
                let span = fields.get("times").map_or(fields.span, |node| node.span);
                let message = format!("`repeat` needs `times`, from 2 to {REPEAT_TIMES_MAX}");
                self.problems.push(Diagnostic::new(&codes::LIMIT, span, message));
                None
            })?;
            (vec![node], Pattern::Repetition { times, within, events: 0 })
        };
        spec.steps = steps.into_iter().map(|node| self.condition_at(node, "pattern")).collect::<Option<_>>()?;
        let is_event = |step: &Checked| step.dependencies.iter().any(|dependency| matches!(dependency.operand, Operand::Event(_)));
        let events = (0_u16..).zip(&spec.steps).filter(|(_, step)| is_event(step)).fold(0, |mask, (place, _)| mask | 1 << place);
        spec.rule.kind = Kind::Pattern(pattern.with_events(events));
        Some(())
    }

    /// A hash of all it says; `before` is that of the rule it changes, or of the file it names.
    fn version(&self, before: u64) -> u64 {
        let mut hash = Xxh3::new();
        hash.update(&before.to_le_bytes());
        for entry in self.fields.entries() {
            hash.update(entry.key.text.as_bytes());
            hash.update(entry.value.to_json().to_string().as_bytes());
        }
        for param in self.params.iter().filter(|param| param.rule == self.no) {
            hash.update(&param.value.meaning.to_le_bytes());
        }
        hash.digest()
    }
}

fn set<T>(setting: &mut T, said: Option<T>) {
    if let Some(said) = said {
        *setting = said;
    }
}

fn meaning(spec: &RuleSpec) -> u64 {
    let mut hash = Xxh3::new();
    for checked in [&spec.when, &spec.clear_when].into_iter().flatten().chain(&spec.steps) {
        hash.update(&checked.meaning.to_le_bytes());
    }
    for slot in &spec.silent {
        hash.update(&slot.0.to_le_bytes());
    }
    hash.digest()
}
