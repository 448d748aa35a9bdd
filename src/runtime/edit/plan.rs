//! A change as a whole, drawn up against what is there. Nothing is done here; what cannot be done becomes a problem, and the plan goes on to find
//! the next one.
//!
//! Twins that are created come first, so that operations may name each other in any order; deletions come last.

use std::collections::BTreeMap;
use std::sync::Arc;

use foldhash::{HashMap, HashSet};

use crate::catalog::layout::{Kind, Sync};
use crate::catalog::structure::{Change, Link};
use crate::catalog::{CONTAINS, Catalog, Layout};
use crate::reading::{Timestamp, TwinId, TwinNo};
use crate::runtime::directory::Directory;
use crate::runtime::resident::Resident;
use crate::runtime::structure::Graph;
use crate::source::did_you_mean;
use crate::twin::{Description, Edge, EdgeNo, Edit, Event, Input, State, Twin, step};

use super::problem::{
    ALREADY_EXISTS, INVALID_VALUE, NOT_APPLICABLE, Place, Problems, REQUIRED, REVISION_CONFLICT, UNKNOWN_TWIN, UNKNOWN_TYPE, meant,
};
use super::{CreateTwin, Op, OpResult, UpdateTwin, values};

/// The longest name, and the longest parts of an external id, in characters.
const NAME_CHARS_MAX: usize = 512;
/// What of a type's name goes into a generated id.
const PREFIX_CHARS_MAX: usize = 100;

/// What the change is drawn up against; it stays as it is meanwhile.
pub(super) struct Scene<'a> {
    pub(super) catalog: &'a Catalog,
    pub(super) directory: &'a Directory,
    pub(super) graph: &'a Graph,
    /// The twins that are held still.
    pub(super) held: HashMap<TwinNo, (Arc<Resident>, Twin)>,
    pub(super) at: Timestamp,
}

/// A twin as it will be.
pub(super) struct Draft {
    pub(super) no: TwinNo,
    pub(super) id: TwinId,
    /// `None`: it is created.
    pub(super) before: Option<(Arc<Resident>, Arc<State>)>,
    pub(super) twin: Twin,
    pub(super) events: Vec<Event>,
    place: Place,
}

impl Draft {
    fn take_in(&mut self, input: &Input, at: Timestamp) {
        self.events.extend(step(&mut self.twin, input, at).events);
    }

    pub(super) fn edit(&mut self, edit: Edit, at: Timestamp) {
        self.take_in(&Input::Edited(edit), at);
    }
}

/// A twin that an operation names.
#[derive(Clone)]
pub(super) struct Node {
    pub(super) no: TwinNo,
    pub(super) id: TwinId,
    pub(super) layout: Arc<Layout>,
}

/// Why something is in the change: where to point when a rule is broken by it.
pub(super) struct Cause {
    pub(super) link: Option<Link>,
    pub(super) twins: Vec<TwinId>,
    pub(super) place: Place,
    /// The other end, as it was written.
    pub(super) target: Place,
}

/// A value of which there may be one among all twins of the type that declares it.
pub(super) struct Claim {
    pub(super) draft: usize,
    pub(super) slot: crate::reading::SlotNo,
    pub(super) place: Place,
}

pub(super) struct Plan<'a> {
    pub(super) scene: Scene<'a>,
    ops: &'a [Op],
    pub(super) drafts: Vec<Draft>,
    by_id: HashMap<TwinId, usize>,
    /// Ids of creations that failed: what else names them is no further mistake.
    failed: HashSet<String>,
    /// Ids that operations delete.
    doomed: HashSet<String>,
    pub(super) begun: Vec<Edge>,
    pub(super) ended: BTreeMap<EdgeNo, Timestamp>,
    pub(super) deleted: Vec<(Arc<Resident>, Arc<State>)>,
    pub(super) gone: HashSet<TwinNo>,
    new_ids: HashMap<TwinNo, TwinId>,
    pub(super) changes: Vec<Change>,
    pub(super) causes: Vec<Cause>,
    pub(super) claims: Vec<Claim>,
    pub(super) problems: Problems,
    results: Vec<Option<OpResult>>,
    /// Something that an operation names is not there.
    pub(super) incomplete: bool,
    /// Twins that must be held as well: they have come since the others were, or this change itself brings them below one that goes.
    pub(super) unheld: Vec<Arc<Resident>>,
}

impl<'a> Plan<'a> {
    pub(super) fn draw_up(scene: Scene<'a>, ops: &'a [Op]) -> Plan<'a> {
        let doomed = ops.iter().filter_map(|op| if let Op::Delete(delete) = op { Some(delete.id.clone()) } else { None }).collect();
        let mut plan = Plan {
            scene,
            ops,
            drafts: Vec::new(),
            by_id: HashMap::default(),
            failed: HashSet::default(),
            doomed,
            begun: Vec::new(),
            ended: BTreeMap::new(),
            deleted: Vec::new(),
            gone: HashSet::default(),
            new_ids: HashMap::default(),
            changes: Vec::new(),
            causes: Vec::new(),
            claims: Vec::new(),
            problems: Problems::default(),
            results: ops.iter().map(|_| None).collect(),
            incomplete: false,
            unheld: Vec::new(),
        };
        plan.appear();
        plan.happen();
        plan.vanish();
        if plan.unheld.is_empty() {
            plan.check_claims();
            // Of a part that could not be planned the rules would only say that it is missing.
            if !plan.incomplete && plan.results.iter().all(Option::is_some) {
                plan.verify();
            }
        }
        plan
    }

    pub(super) fn results(&mut self) -> Vec<OpResult> {
        std::mem::take(&mut self.results).into_iter().flatten().collect()
    }

    /// New twins get their ids and numbers.
    fn appear(&mut self) {
        for (index, op) in self.ops.iter().enumerate() {
            if let Op::Create(create) = op
                && self.begin_life(create, &Place::of(index, op)).is_none()
            {
                self.failed.extend(create.id.clone());
            }
        }
    }

    fn begin_life(&mut self, create: &CreateTwin, place: &Place) -> Option<()> {
        let layout = self.layout(create, place);
        let no = TwinNo(self.scene.graph.peek_twin().0 + u32::try_from(self.drafts.len()).unwrap_or(u32::MAX));
        let id = match &create.id {
            Some(id) => self.free_id(id, place),
            None => layout.as_ref().map(|layout| self.made_id(layout, no)),
        };
        let (layout, id) = (layout?, id?);
        self.changes.push(Change::CreateTwin { id: id.clone(), layout: layout.clone() });
        let (link, target) = (None, place.clone());
        self.causes.push(Cause { link, twins: vec![id.clone()], place: place.clone(), target });
        let twin = Twin::new(State::new(no, id.clone(), layout, self.scene.at));
        self.by_id.insert(id.clone(), self.drafts.len());
        self.new_ids.insert(no, id.clone());
        self.drafts.push(Draft { no, id, before: None, twin, events: Vec::new(), place: place.clone() });
        Some(())
    }

    fn layout(&mut self, create: &CreateTwin, place: &Place) -> Option<Arc<Layout>> {
        let (catalog, name) = (self.scene.catalog, &*create.type_name);
        let Some(layout) = catalog.layout(name) else {
            let hint = meant(did_you_mean(name, catalog.types.iter().map(|layout| &*layout.name)));
            self.problems.add_with(UNKNOWN_TYPE, &place.at("type"), format!("there is no type `{name}`"), hint);
            return None;
        };
        if layout.is_abstract {
            self.problems.add(UNKNOWN_TYPE, &place.at("type"), format!("{name} is abstract: it has no twins of its own"));
            return None;
        }
        let kind = if layout.kind == Kind::Device { "DEVICE" } else { "ASSET" };
        if create.kind.as_ref().is_some_and(|wanted| wanted != kind) {
            self.problems.add(INVALID_VALUE, &place.at("kind"), format!("a {name} is of kind {kind}"));
        }
        Some(layout.clone())
    }

    fn free_id(&mut self, id: &str, place: &Place) -> Option<TwinId> {
        match TwinId::parse(id) {
            Ok(id) if self.is_free(&id) => Some(id),
            Ok(id) => {
                self.problems.add(ALREADY_EXISTS, &place.at("id"), format!("there is a twin `{id}`"));
                None
            }
            Err(error) => {
                self.problems.add(INVALID_VALUE, &place.at("id"), error.to_string());
                None
            }
        }
    }

    fn is_free(&self, id: &TwinId) -> bool {
        !self.by_id.contains_key(id) && self.scene.directory.by_id(id.as_str()).is_none()
    }

    /// `mixer-17`, after the number that is never given again.
    fn made_id(&self, layout: &Layout, no: TwinNo) -> TwinId {
        let mut prefix: String = layout.name.chars().take(PREFIX_CHARS_MAX).collect();
        if let Some(first) = prefix.get_mut(..1) {
            first.make_ascii_lowercase();
        }
        let taken_too = (0_u32..).map(|more| if more == 0 { format!("{prefix}-{}", no.0) } else { format!("{prefix}-{}-{more}", no.0) });
        let mut ids = taken_too.filter_map(|id| TwinId::parse(&id).ok()).filter(|id| self.is_free(id));
        // The names of types are made of letters and digits, and only so many ids are taken.
        ids.next().unwrap_or_else(|| unreachable!("one of all numbers is free"))
    }

    /// All operations but deletions, in order.
    fn happen(&mut self) {
        for (index, op) in self.ops.iter().enumerate() {
            let place = Place::of(index, op);
            let result = match op {
                Op::Create(create) => self.create(create, &place),
                Op::Update(update) => self.update(update, &place),
                Op::Move(wanted) => self.relocate(wanted, &place),
                Op::Relate(relate) => self.relate_twins(relate, &place),
                Op::Unrelate(unrelate) => self.unrelate(unrelate, &place),
                Op::Delete(_) => None,
            };
            self.results[index] = result;
        }
    }

    fn vanish(&mut self) {
        for (index, op) in self.ops.iter().enumerate() {
            if let Op::Delete(delete) = op {
                self.results[index] = self.delete(delete, &Place::of(index, op));
            }
        }
        self.check_children();
        self.check_begun();
    }

    fn create(&mut self, create: &CreateTwin, place: &Place) -> Option<OpResult> {
        let index = self.drafts.iter().position(|draft| draft.place.is_same_op(place))?;
        let (id, no) = (self.drafts[index].id.clone(), self.drafts[index].no);
        let layout = self.drafts[index].twin.state.layout.0.clone();
        self.check_name(create.name.as_deref(), place);
        for name in values::missing(&layout, &create.set) {
            self.problems.add(REQUIRED, &place.at("set").at(name), format!("a {} needs the property `{name}`", layout.name));
        }
        let set = values::set(&layout, &create.set, true, &place.at("set"), &mut self.problems);
        self.claim(index, &set, &place.at("set"));
        let is_setting = |slot| layout.slot(slot).property.as_ref().is_some_and(|rules| rules.sync == Sync::Desired);
        let (settings, properties): (Vec<_>, Vec<_>) = set.into_iter().partition(|(slot, _)| is_setting(*slot));
        let properties = properties.into_iter().filter_map(|(slot, value)| Some((slot, value?))).collect();
        let name = create.name.as_deref().unwrap_or(id.as_str()).into();
        let external_ids = self.external_ids(create, no, place);
        let at = self.scene.at;
        let draft = &mut self.drafts[index];
        draft.take_in(&Input::Described(Description { name, external_ids, properties, rules: Vec::new(), applied: 1 }), at);
        draft.edit(Edit { set: settings, ..Edit::default() }, at);
        let node = Node { no, id: id.clone(), layout };
        if let Some(parent) = &create.parent
            && let Some(parent) = self.resolve(parent, &place.at("parent"))
        {
            self.place_inside(CONTAINS, &parent, &node, place);
        }
        let mut relations = Vec::with_capacity(create.relations.len());
        for (index, relate) in create.relations.iter().enumerate() {
            let place = place.at("relations").at(index);
            if relate.source.as_ref().is_some_and(|source| source != id.as_str()) {
                self.problems.add(INVALID_VALUE, &place.at("source"), "relations of a new twin begin at itself: leave `source` out");
            }
            relations.extend(self.relate(&node, relate, &place));
        }
        Some(OpResult::Created { id: id.to_string(), relations })
    }

    fn external_ids(&mut self, create: &CreateTwin, no: TwinNo, place: &Place) -> Box<[(String, String)]> {
        let mut known: Vec<(String, String)> = Vec::with_capacity(create.external_ids.len());
        for (index, given) in create.external_ids.iter().enumerate() {
            let key = (given.namespace.clone(), given.value.clone());
            let place = place.at("externalIds").at(index);
            let is_long = |text: &str| text.is_empty() || text.chars().count() > NAME_CHARS_MAX;
            if is_long(&key.0) || is_long(&key.1) {
                self.problems.add(INVALID_VALUE, &place, format!("a name space and an id have 1 to {NAME_CHARS_MAX} characters"));
                continue;
            }
            let holder = self.scene.directory.by_external_id(&key.0, &key.1).map(|holder| holder.id.clone());
            let drafted = self.drafts.iter().find(|draft| draft.no != no && draft.twin.state.external_ids.contains(&key));
            if let Some(other) = holder.or_else(|| drafted.map(|draft| draft.id.clone())) {
                self.problems.add(ALREADY_EXISTS, &place, format!("`{other}` has the external id `{}` in `{}`", key.1, key.0));
            }
            if !known.contains(&key) {
                known.push(key);
            }
        }
        known.into()
    }

    fn update(&mut self, update: &UpdateTwin, place: &Place) -> Option<OpResult> {
        let (index, node) = self.draft(&update.id, &place.at("id"))?;
        self.expect(index, update.expected_revision, place);
        self.check_name(update.name.as_deref(), place);
        for (at, name) in update.unset.iter().enumerate().filter(|(_, name)| update.set.get(*name).is_some_and(|json| !json.is_null())) {
            self.problems.add(INVALID_VALUE, &place.at("unset").at(at), format!("`{name}` is both set and unset"));
        }
        let layout = self.drafts[index].twin.state.layout.0.clone();
        let mut set = values::set(&layout, &update.set, false, &place.at("set"), &mut self.problems);
        self.claim(index, &set, &place.at("set"));
        set.extend(values::unset(&layout, &update.unset, &place.at("unset"), &mut self.problems));
        let edit = Edit { name: update.name.as_deref().map(Arc::from), set, moved: None };
        self.drafts[index].edit(edit, self.scene.at);
        Some(OpResult::Updated { id: node.id.to_string() })
    }

    fn check_name(&mut self, name: Option<&str>, place: &Place) {
        if name.is_some_and(|name| name.is_empty() || name.chars().count() > NAME_CHARS_MAX) {
            self.problems.add(INVALID_VALUE, &place.at("name"), format!("a name has 1 to {NAME_CHARS_MAX} characters"));
        }
    }

    fn claim(&mut self, draft: usize, set: &values::Set, place: &Place) {
        let layout = self.drafts[draft].twin.state.layout.0.clone();
        for (slot, _) in set.iter().filter(|(_, value)| value.is_some()) {
            let spec = layout.slot(*slot);
            if spec.property.as_ref().is_some_and(|rules| rules.unique) {
                let place = place.at(&layout.members[usize::from(spec.member)].name);
                self.claims.push(Claim { draft, slot: *slot, place });
            }
        }
    }

    /// The revision that the caller saw, if that matters to the caller.
    pub(super) fn expect(&mut self, draft: usize, expected: Option<u64>, place: &Place) {
        let draft = &self.drafts[draft];
        let state = draft.before.as_ref().map_or(&draft.twin.state, |(_, before)| before);
        self.expect_revision(&state.clone(), expected, place);
    }

    pub(super) fn expect_revision(&mut self, state: &State, expected: Option<u64>, place: &Place) {
        let revision = state.revision.0;
        if expected.is_some_and(|expected| expected != revision) {
            let message = format!("`{}` is at revision {revision}", state.id);
            let hint = Some("read it again and decide anew".to_owned());
            self.problems.add_with(REVISION_CONFLICT, &place.at("expectedRevision"), message, hint);
        }
    }

    /// An existing twin, to be changed, or one that this change creates.
    pub(super) fn draft(&mut self, id: &str, place: &Place) -> Option<(usize, Node)> {
        let node = self.resolve(id, place)?;
        if let Some(index) = self.by_id.get(&node.id) {
            return Some((*index, node));
        }
        let Some((resident, twin)) = self.scene.held.get(&node.no).cloned() else {
            self.unheld.extend(self.scene.directory.by_no(node.no));
            return None;
        };
        let state = twin.state.clone();
        self.by_id.insert(node.id.clone(), self.drafts.len());
        let (no, id) = (node.no, node.id.clone());
        self.drafts.push(Draft { no, id, before: Some((resident, state)), twin, events: Vec::new(), place: place.clone() });
        Some((self.drafts.len() - 1, node))
    }

    pub(super) fn resolve(&mut self, id: &str, place: &Place) -> Option<Node> {
        let found = self.find(id, place);
        self.incomplete |= found.is_none();
        found
    }

    fn find(&mut self, id: &str, place: &Place) -> Option<Node> {
        if self.doomed.contains(id) {
            self.problems.add(UNKNOWN_TWIN, place, format!("`{id}` is deleted in the same change"));
            return None;
        }
        if let Some(index) = self.by_id.get(id) {
            let draft = &self.drafts[*index];
            return Some(Node { no: draft.no, id: draft.id.clone(), layout: self.today(&draft.twin.state) });
        }
        if let Some(resident) = self.scene.directory.by_id(id) {
            return Some(Node { no: resident.no, id: resident.id.clone(), layout: self.today(&resident.cell.state()) });
        }
        if !self.failed.contains(id) {
            let shown: String = id.chars().take(128).collect();
            self.problems.add(UNKNOWN_TWIN, place, format!("there is no twin `{shown}`"));
        }
        None
    }

    /// Relations are those of the type as it is now.
    fn today(&self, state: &State) -> Arc<Layout> {
        self.scene.catalog.layout(&state.layout.name).unwrap_or(&state.layout.0).clone()
    }

    /// The id of a twin that is or will be.
    pub(super) fn id_of(&self, no: TwinNo) -> Option<TwinId> {
        let known = self.scene.directory.by_no(no).map(|resident| resident.id.clone());
        known.or_else(|| self.new_ids.get(&no).cloned())
    }

    pub(super) fn is_new(&self, id: &str) -> bool {
        self.by_id.get(id).is_some_and(|index| self.drafts[*index].before.is_none())
    }

    pub(super) fn not_applicable(&mut self, place: &Place, message: String, hint: Option<String>) {
        self.problems.add_with(NOT_APPLICABLE, place, message, hint);
    }
}
