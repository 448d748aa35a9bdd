//! Types compiled: members inherited and own, in numbered slots, with what payloads may call them.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::catalog::field_table::{FieldTable, FieldTarget};
use crate::catalog::layout::{Field, Layout, Member, RelationRule, SLOTS_MAX, Section, SlotSpec, Sync, ValueType};
use crate::catalog::logic::{Computed, EXPRESSIONS_MAX, Logic};
use crate::catalog::rolled::{ROLLUPS_MAX, Rollup};
use crate::catalog::viewed::VIEWS_MAX;
use crate::catalog::windowed::{WINDOWS_MAX, WindowRecord, Windowed};
use crate::reading::SlotNo;
use crate::source::{Diagnostic, Diagnostics, Span, codes, did_you_mean, expect_mapping, is_ignored};

use super::exports;
use super::fingerprint::fingerprint;
use super::logic::{self, Blanks, Contribution, Expressions, Ground, Made, Outcome, Remote, RollupRead, Wanted, Window};
use super::member::{self, Compiled, TimeDefaults};
use super::names;
use super::relation::Relations;
use super::relation_rule;
use super::rings;
use super::types::{Declared, TypeDecl};
use super::value_type::ValueReader;

/// How deep roll-ups of roll-ups may lie and still have a unit of their own.
const ROUNDS: usize = 3;

/// All compiled types, by name.
#[derive(Debug)]
pub(super) struct Types {
    pub by_name: BTreeMap<Arc<str>, Type>,
    broken: HashSet<String>,
}

#[derive(Debug)]
pub(super) struct Type {
    pub layout: Arc<Layout>,
    /// Where the type says its name.
    pub span: Span,
    /// Not all of its members are known: an unknown name may be one of them.
    pub is_incomplete: bool,
    /// Members that were declared and could not be read.
    broken_members: HashSet<String>,
    /// Where members and relations were declared, inherited ones included.
    pub places: HashMap<String, Span>,
    times: TimeDefaults,
}

impl Types {
    pub(super) fn layouts(&self) -> Vec<Arc<Layout>> {
        self.by_name.values().map(|entry| entry.layout.clone()).collect()
    }

    pub(super) fn get(&self, name: &str) -> Option<&Type> {
        self.by_name.get(name)
    }

    pub(super) fn is_broken(&self, name: &str) -> bool {
        self.broken.contains(name)
    }

    /// Some type could not be read in full, so that a name that is nowhere may be in it.
    pub(super) fn any_unknown(&self) -> bool {
        !self.broken.is_empty() || self.by_name.values().any(|entry| entry.is_incomplete || !entry.broken_members.is_empty())
    }

    pub(super) fn nearest(&self, name: &str) -> Option<&str> {
        did_you_mean(name, self.by_name.keys().map(|name| &**name).chain(self.broken.iter().map(String::as_str)))
    }
}

impl Type {
    pub(super) fn blanks(&self) -> Blanks<'_> {
        Blanks { members: &self.broken_members, any: self.is_incomplete }
    }

    /// Whether all that it says could be read.
    pub(super) fn is_whole(&self) -> bool {
        !self.is_incomplete && self.broken_members.is_empty()
    }

    /// Whether a name that the layout lacks could be there all the same.
    pub(super) fn may_have(&self, member: &str) -> bool {
        let first = member.split('.').next().unwrap_or(member);
        self.is_incomplete || self.broken_members.contains(first)
    }
}

pub(super) fn compile<'n>(
    declared: &Declared<'n>,
    relations: &Relations,
    values: &mut ValueReader<'n>,
    problems: &mut Diagnostics,
) -> Types {
    let mut expressions = Expressions::default();
    let asked = AtomicBool::new(declared.types.values().any(|decl| decl.fields.get("rollups").is_some()));
    let mut found = Diagnostics::new();
    let mut round = Round { relations, known: None, asked: &asked, wanted: Vec::new(), contributions: Vec::new() };
    let mut types = compile_once(declared, &mut round, values, &mut expressions, &mut found);
    let Round { mut wanted, mut contributions, .. } = round;
    // Roll-ups have the units of what other types say, perhaps in roll-ups of their own: each round knows what the one before has found.
    for _ in 0..if asked.load(Ordering::Acquire) { ROUNDS } else { 0 } {
        found = Diagnostics::new();
        let known = std::mem::replace(&mut types, Types { by_name: BTreeMap::new(), broken: HashSet::new() });
        let mut round = Round { relations, known: Some(&known), asked: &asked, wanted: Vec::new(), contributions: Vec::new() };
        types = compile_once(declared, &mut round, values, &mut expressions, &mut found);
        (wanted, contributions) = (round.wanted, round.contributions);
    }
    problems.extend(found);
    exports::attach(&mut types, &wanted, &mut expressions, problems);
    exports::push(&mut types, contributions);
    rings::check(&types, relations, problems);
    types
}

/// One look at all types, with what the one before has found.
struct Round<'r, 'n> {
    relations: &'r Relations,
    known: Option<&'r Types>,
    /// Some expression reads other twins.
    asked: &'r AtomicBool,
    wanted: Vec<Wanted<'n>>,
    contributions: Vec<Contribution>,
}

fn compile_once<'n>(
    declared: &Declared<'n>,
    round: &mut Round<'_, 'n>,
    values: &mut ValueReader<'n>,
    expressions: &mut Expressions,
    problems: &mut Diagnostics,
) -> Types {
    let mut types = Types { by_name: BTreeMap::new(), broken: declared.broken.iter().cloned().collect() };
    for name in &declared.order {
        let decl = &declared.types[name];
        let parent = decl.parent.and_then(|(parent, _)| types.by_name.get(parent));
        let mut draft = Draft::begin(decl, parent, problems);
        draft.section("properties", Section::Property, values, problems);
        draft.section("telemetry", Section::Telemetry, values, problems);
        draft.relations(declared, round.relations, problems);
        draft.named(problems);
        draft.rollups(round, problems);
        let (name, ancestors) = (draft.name.clone(), draft.ancestors.clone());
        let remote = Remote::new((&name, &ancestors), round.known, round.relations, round.asked, std::mem::take(&mut draft.logic.remotes));
        draft.computed(&remote, expressions, problems);
        draft.rules(&remote, expressions, declared.detectors, problems);
        let (remotes, contributions) = remote.into_kept();
        draft.logic.remotes = remotes;
        round.contributions.extend(contributions);
        let compiled = draft.finish(problems);
        types.by_name.insert(compiled.layout.name.clone(), compiled);
    }
    types
}

/// A type on its way to a layout.
struct Draft<'d, 'n> {
    decl: &'d TypeDecl<'n>,
    name: Arc<str>,
    ancestors: Vec<Arc<str>>,
    slots: Vec<SlotSpec>,
    members: Vec<Member>,
    relations: Vec<RelationRule>,
    /// As inherited.
    alarm_area: bool,
    logic: Logic,
    broken_members: HashSet<String>,
    places: HashMap<String, Span>,
    times: TimeDefaults,
}

impl<'d, 'n> Draft<'d, 'n> {
    fn begin(decl: &'d TypeDecl<'n>, parent: Option<&Type>, problems: &mut Diagnostics) -> Draft<'d, 'n> {
        let outer = parent.map(|parent| parent.times).unwrap_or_default();
        let base = parent.map(|parent| &parent.layout);
        Draft {
            decl,
            name: Arc::from(decl.name),
            ancestors: base.map(|base| std::iter::once(&base.name).chain(&base.ancestors).cloned().collect()).unwrap_or_default(),
            slots: base.map(|base| base.slots.to_vec()).unwrap_or_default(),
            members: base.map(|base| base.members.to_vec()).unwrap_or_default(),
            relations: base.map(|base| base.relations.to_vec()).unwrap_or_default(),
            alarm_area: base.is_some_and(|base| base.alarm_area),
            logic: base.map(|base| Logic::clone(&base.logic)).unwrap_or_default(),
            broken_members: parent.map(|parent| parent.broken_members.clone()).unwrap_or_default(),
            places: parent.map(|parent| parent.places.clone()).unwrap_or_default(),
            times: TimeDefaults::read(&decl.fields, outer, problems),
        }
    }

    fn section(&mut self, key: &str, section: Section, values: &mut ValueReader<'n>, problems: &mut Diagnostics) {
        let Some(node) = self.decl.fields.get(key) else { return };
        let Some(mapping) = expect_mapping(node, &format!("`{key}` of {}", self.decl.fields.what), problems) else {
            return;
        };
        for entry in mapping.entries.iter().filter(|entry| !is_ignored(&entry.key.text)) {
            let name = &*entry.key.text;
            let has_name = names::check_member(name, entry.key.span, problems) && self.claim(name, entry.key.span, problems);
            let compiled = match section {
                Section::Property => member::property(entry, &self.name, values, problems),
                Section::Telemetry => member::telemetry(entry, &self.name, self.times, values, problems),
                Section::Computed => None,
            };
            match compiled.filter(|_| has_name) {
                Some(compiled) => self.add(compiled, entry.key.span, problems),
                None => drop(self.broken_members.insert(name.to_owned())),
            }
        }
    }

    /// One name space for members and relations, inherited ones included.
    fn claim(&mut self, name: &str, span: Span, problems: &mut Diagnostics) -> bool {
        let Some(first) = self.places.get(name) else {
            self.places.insert(name.to_owned(), span);
            return true;
        };
        let owner = self.members.iter().find(|member| *member.name == *name).map(|member| member.declared_by.clone());
        let inherited = owner.filter(|owner| *owner != self.name);
        let from = inherited.as_ref().map(|owner| format!(" and inherited from `{owner}`")).unwrap_or_default();
        let diagnostic = Diagnostic::new(&codes::DECLARED_TWICE, span, format!("`{name}` is declared twice in `{}`{from}", self.name));
        problems.push(diagnostic.related(*first, "the first declaration"));
        false
    }

    fn add(&mut self, compiled: Compiled, span: Span, problems: &mut Diagnostics) {
        let Compiled { mut member, slots } = compiled;
        if self.slots.len() + slots.len() > SLOTS_MAX {
            let message = format!("with `{}` the type `{}` has more than {SLOTS_MAX} slots", member.name, self.name);
            problems.push(Diagnostic::new(&codes::LIMIT, span, message).help("an array whose size is not fixed takes one slot"));
            self.broken_members.insert(member.name.to_string());
            return;
        }
        if let Some(other) = self.members.iter().find(|other| other.wire == member.wire && other.section == member.section) {
            let message = format!("`{}` and `{}` are both called `{}` in payloads", other.name, member.name, member.wire);
            problems.push(Diagnostic::new(&codes::DECLARED_TWICE, span, message));
        }
        let place = u16::try_from(self.members.len()).unwrap_or(u16::MAX);
        let number = |count: usize| u16::try_from(count).unwrap_or(u16::MAX);
        member.slots = number(self.slots.len())..number(self.slots.len() + slots.len());
        self.slots.extend(slots.into_iter().map(|slot| SlotSpec { member: place, ..slot }));
        self.members.push(member);
    }

    fn relations(&mut self, declared: &Declared<'n>, relations: &Relations, problems: &mut Diagnostics) {
        let Some(mapping) = self.decl.fields.get("relations").and_then(|node| node.as_mapping()) else { return };
        for entry in mapping.entries.iter().filter(|entry| !is_ignored(&entry.key.text)) {
            let Some(relation) = relations.index_of(&entry.key.text) else { continue };
            if self.claim(&entry.key.text, entry.key.span, problems) {
                self.relations.extend(relation_rule::read(entry, relation, &self.name, declared, problems));
            }
        }
    }

    fn rollups(&mut self, round: &mut Round<'_, 'n>, problems: &mut Diagnostics) {
        let Some(node) = self.decl.fields.get("rollups") else { return };
        let Some(mapping) = expect_mapping(node, &format!("`rollups` of {}", self.decl.fields.what), problems) else { return };
        for entry in mapping.entries.iter().filter(|entry| !is_ignored(&entry.key.text)) {
            let (name, span) = (&*entry.key.text, entry.key.span);
            let has_name = names::check_member(name, span, problems) && self.claim(name, span, problems);
            let Some(read) = logic::rollup(entry, &self.name, round.relations, round.known, problems).filter(|_| has_name) else {
                self.broken_members.insert(name.to_owned());
                continue;
            };
            let mut rollups = std::mem::take(&mut self.logic.rollups).into_vec();
            if rollups.len() >= ROLLUPS_MAX {
                let message = format!("`{}` has more than {ROLLUPS_MAX} roll-ups, inherited ones included", self.name);
                problems.push(Diagnostic::new(&codes::LIMIT, span, message));
                return;
            }
            let slot = SlotNo(u16::try_from(self.slots.len()).unwrap_or(u16::MAX));
            let RollupRead { rollup, compiled, wanted: wants } = read;
            self.add(compiled, span, problems);
            if self.slots.len() > slot.index() {
                rollups.push(Rollup { slot, ..rollup });
                round.wanted.push(wants);
            }
            self.logic.rollups = rollups.into();
        }
    }

    /// Events and commands that the type declares.
    fn named(&mut self, problems: &mut Diagnostics) {
        let mut named = std::mem::take(&mut self.logic.events).into_vec();
        logic::events(&self.decl.fields, &mut named, problems);
        self.logic.events = named.into();
        let mut named = std::mem::take(&mut self.logic.commands).into_vec();
        logic::commands(&self.decl.fields, &mut named, problems);
        self.logic.commands = named.into();
    }

    /// Computed values may read those that are declared after them, so each round makes those that wait for nothing any more.
    fn computed(&mut self, remote: &Remote<'_>, expressions: &mut Expressions, problems: &mut Diagnostics) {
        let Some(node) = self.decl.fields.get("computed") else { return };
        let Some(mapping) = expect_mapping(node, &format!("`computed` of {}", self.decl.fields.what), problems) else { return };
        let mut waiting = Vec::new();
        for entry in mapping.entries.iter().filter(|entry| !is_ignored(&entry.key.text)) {
            let name = &*entry.key.text;
            let has_name = names::check_member(name, entry.key.span, problems) && self.claim(name, entry.key.span, problems);
            match logic::Declared::read(entry, problems).filter(|_| has_name) {
                Some(declared) => waiting.push((declared, Vec::new())),
                None => drop(self.broken_members.insert(name.to_owned())),
            }
        }
        loop {
            let before = waiting.len();
            let mut pending: Vec<&str> = waiting.iter().map(|(declared, _): &(logic::Declared<'_>, _)| &*declared.entry.key.text).collect();
            let mut still = Vec::new();
            for (declared, _) in std::mem::take(&mut waiting) {
                let name = &*declared.entry.key.text;
                let blanks = Blanks { members: &self.broken_members, any: self.decl.is_orphan };
                match declared.make(&self.name, &self.slots, &pending, (blanks, &self.logic.events, remote), expressions, problems) {
                    Outcome::Made(made) => self.add_computed(*made, declared.entry.key.span, problems),
                    Outcome::Waits(on) => {
                        still.push((declared, on));
                        continue;
                    }
                    Outcome::Broken => drop(self.broken_members.insert(name.to_owned())),
                }
                pending.retain(|known| *known != name);
            }
            if still.is_empty() {
                return;
            }
            if still.len() == before {
                logic::report_ring(&still, problems);
                self.broken_members.extend(still.iter().map(|(declared, _)| declared.entry.key.text.to_string()));
                return;
            }
            waiting = still;
        }
    }

    fn add_computed(&mut self, (compiled, made): (Compiled, Made), span: Span, problems: &mut Diagnostics) {
        let slot = u16::try_from(self.slots.len()).unwrap_or(u16::MAX);
        self.add(compiled, span, problems);
        if self.slots.len() <= usize::from(slot) {
            return;
        }
        match made {
            Made::Value(value) => {
                let mut computed = std::mem::take(&mut self.logic.computed).into_vec();
                computed.push(Computed { slot: SlotNo(slot), value, reads: Box::default() });
                self.logic.computed = computed.into();
            }
            Made::Window(window) => {
                let Window { record, spec, gate, form, conversion, .. } = *window;
                let mut windows = std::mem::take(&mut self.logic.windows).into_vec();
                if windows.len() >= WINDOWS_MAX {
                    let message = format!("`{}` has more than {WINDOWS_MAX} windows, inherited ones included", self.name);
                    problems.push(Diagnostic::new(&codes::LIMIT, span, message));
                    return;
                }
                windows.push(Windowed {
                    of: SlotNo(record.of),
                    slot: SlotNo(slot),
                    spec: Arc::new(spec),
                    gate,
                    view: None,
                    form,
                    conversion,
                    meaning: record.meaning,
                    record: WindowRecord { slot, form, conversion, ..record },
                });
                self.logic.windows = windows.into();
            }
        }
    }

    fn rules(
        &mut self,
        remote: &Remote<'_>,
        expressions: &mut Expressions,
        detectors: &BTreeMap<String, Option<Arc<str>>>,
        problems: &mut Diagnostics,
    ) {
        let (events, commands) = (self.logic.events.clone(), self.logic.commands.clone());
        let mut hooks = std::mem::take(&mut self.logic.hooks).into_vec();
        let mut ground = Ground {
            events: &events,
            commands: &commands,
            detectors,
            type_name: &self.name,
            slots: &self.slots,
            blanks: Blanks { members: &self.broken_members, any: self.decl.is_orphan },
            remote: Some(remote),
            hooks: &mut hooks,
            expressions,
        };
        logic::rules(&self.decl.fields, &mut self.logic, &mut ground, problems);
        self.logic.hooks = hooks.into();
    }

    fn finish(mut self, problems: &mut Diagnostics) -> Type {
        self.logic.settle(self.slots.len());
        if let Err(count) = self.logic.assign_views(&self.slots) {
            let message = format!(
                "`{}` waits for readings in order in {count} different ways, inherited ones included; the most are {VIEWS_MAX}",
                self.name
            );
            let diagnostic = Diagnostic::new(&codes::LIMIT, self.decl.span, message);
            problems.push(diagnostic.help("let rules and members share values of `reorder`"));
        }
        let expressions = self.logic.expressions();
        if expressions > EXPRESSIONS_MAX {
            let message = format!("`{}` has {expressions} expressions, inherited ones included; the most are {EXPRESSIONS_MAX}", self.name);
            problems.push(Diagnostic::new(&codes::LIMIT, self.decl.span, message));
        }
        let fields = &self.decl.fields;
        let telemetry_fields = field_table(&self.members, &self.slots, |member, _| member.section == Section::Telemetry);
        let reported_fields = field_table(&self.members, &self.slots, |member, slot| {
            let sync = slot.property.as_ref().map(|rules| rules.sync);
            member.section == Section::Property && matches!(sync, Some(Sync::Reported | Sync::Desired))
        });
        let layout = Layout {
            version: self.decl.version,
            kind: self.decl.kind,
            is_abstract: self.decl.is_abstract,
            alarm_area: fields.bool("alarmArea", problems).unwrap_or(self.alarm_area),
            ancestors: self.ancestors.into(),
            title: member::title(fields, "title", problems),
            description: member::title(fields, "description", problems),
            icon: fields.text("icon", problems).map(str::to_owned),
            telemetry_fields,
            reported_fields,
            fingerprint: fingerprint(&self.name, &self.slots, &self.logic),
            slots: self.slots.into(),
            members: self.members.into(),
            relations: self.relations.into(),
            logic: Arc::new(self.logic),
            name: self.name,
        };
        Type {
            layout: Arc::new(layout),
            span: self.decl.span,
            is_incomplete: self.decl.is_orphan,
            broken_members: self.broken_members,
            places: self.places,
            times: self.times,
        }
    }
}

fn field_table(members: &[Member], slots: &[SlotSpec], is_meant: impl Fn(&Member, &SlotSpec) -> bool) -> FieldTable {
    let meant = members.iter().filter(|member| slots.get(usize::from(member.slots.start)).is_some_and(|slot| is_meant(member, slot)));
    FieldTable::build(meant.map(|member| {
        let mut next = member.slots.start;
        (member.wire.to_string(), target(&member.value_type, &mut next))
    }))
}

/// Slots are numbered in the order in which the leaves of a value come.
fn target(value_type: &ValueType, next: &mut u16) -> FieldTarget {
    let mut take = || {
        let slot = SlotNo(*next);
        *next += 1;
        slot
    };
    if let Some(items) = member::fixed_items(value_type) {
        return FieldTarget::FixedArray((0..items).map(|_| take()).collect());
    }
    match value_type {
        ValueType::Object(fields) => {
            let inside = fields.iter().map(|Field { wire, value, .. }| (wire.to_string(), target(&value.value_type, next)));
            FieldTarget::Object(Box::new(FieldTable::build(inside.collect::<Vec<_>>())))
        }
        ValueType::Bool
        | ValueType::Int
        | ValueType::Double
        | ValueType::Decimal
        | ValueType::String
        | ValueType::Timestamp
        | ValueType::Date
        | ValueType::Time
        | ValueType::Duration
        | ValueType::Enum(_)
        | ValueType::Geo(_)
        | ValueType::Bytes { .. }
        | ValueType::Unit { .. }
        | ValueType::Json
        | ValueType::Array(_)
        | ValueType::Map(_) => FieldTarget::Slot(take()),
    }
}
