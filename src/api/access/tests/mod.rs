//! A small plant in a view, and what is asked of it.

mod aggregates;
mod filters;
mod pages;

use std::sync::Arc;

use serde_json::Value as Json;

use crate::api::access::{
    Access, Bounds, CursorKey, Order, PageRequest, Scope, Trees, decode_order, decode_twin_where, decode_typed_order,
};
use crate::api::access::{Filter, Page, decode_where, page};
use crate::api::error::ApiError;
use crate::api::names::{ViewPlan, plan, select};
use crate::catalog::{CONTAINS, Catalog, load};
use crate::reading::{Quality, Reason, Seq, SlotNo, Timestamp, TwinId, TwinNo, Value};
use crate::runtime::committed::Committed;
use crate::source::Sources;
use crate::twin::{Edge, EdgeNo, Event, Outcome, Read, State, Twin};
use crate::view::{Cell, View};

const NOW: Timestamp = Timestamp(1_000_000_000_000_000);

pub(super) struct World {
    pub(super) view: View,
    pub(super) catalog: Catalog,
    pub(super) plan: ViewPlan,
    pub(super) links: Committed,
    pub(super) trees: Trees,
    pub(super) bounds: Bounds,
    edges: u64,
    seq: u64,
    twins: Vec<(Arc<Cell>, Twin)>,
}

impl World {
    pub(super) fn new(files: &[(&str, &str)]) -> World {
        let mut sources = Sources::new();
        for (name, text) in files {
            sources.add(format!("schemas/{name}.yaml"), text.as_bytes());
        }
        let (catalog, problems) = load(&sources);
        assert!(!problems.has_errors(), "{problems:?}");
        let chosen = select(&catalog, &["*".to_owned()]).expect("all types");
        let plan = plan(&catalog, &chosen).expect("no roots are equal");
        World {
            view: View::default(),
            catalog,
            plan,
            links: Committed::default(),
            trees: Trees::default(),
            bounds: Bounds::default(),
            edges: 0,
            seq: 0,
            twins: Vec::new(),
        }
    }

    /// Mixers and tanks in two halls.
    pub(super) fn plant() -> World {
        let mut world = World::new(&[
            ("relations", "relations:\n  feeds: {inverse: fedBy}\n"),
            ("Area", "type: Area\nrelations: {contains: {to: [Area, Machine, Tank]}}\n"),
            (
                "Machine",
                "type: Machine\nabstract: true\nproperties: {serial: {type: string}, secret: {type: string, sensitive: true}}\ntelemetry:\n  mode: {type: enum, values: [IDLE, RUN]}\n  temperature: {type: double, unit: degC, stale: 60s}\nrelations: {feeds: {to: [Machine, Tank]}}\n",
            ),
            (
                "Mixer",
                "type: Mixer\nextends: Machine\nproperties: {count: int, due: timestamp, big: bool}\ntelemetry: {vibration: {type: object, fields: {x: double, y: double}}}\n",
            ),
            ("Pump", "type: Pump\nextends: Machine\n"),
            ("Tank", "type: Tank\nkind: DEVICE\ntelemetry: {temperature: {type: double, unit: degF}}\n"),
        ]);
        for (id, type_name, above) in [
            ("plant", "Area", ""),
            ("north", "Area", "plant"),
            ("south", "Area", "plant"),
            ("m1", "Mixer", "north"),
            ("m2", "Mixer", "north"),
            ("m3", "Mixer", "south"),
            ("p1", "Pump", "south"),
            ("t1", "Tank", "north"),
            ("t2", "Tank", "south"),
        ] {
            world.create(id, type_name);
            if !above.is_empty() {
                world.link(CONTAINS, above, id);
            }
        }
        for (from, to) in [("m1", "t1"), ("m2", "t1"), ("m2", "t2"), ("p1", "m3")] {
            world.link("feeds", from, to);
        }
        world
    }

    pub(super) fn create(&mut self, id: &str, type_name: &str) {
        let no = TwinNo(self.twins.len() as u32 + 1);
        let id = TwinId::parse(id).expect("an id");
        let layout = self.catalog.layout(type_name).expect("a type").clone();
        let twin = Twin::new(State::new(no, id.clone(), layout, NOW));
        let cell = Arc::new(Cell::new(twin.state.clone(), Seq(0)));
        self.view.insert(id, cell.clone());
        self.twins.push((cell, twin));
    }

    pub(super) fn link(&mut self, relation: &str, from: &str, to: &str) -> EdgeNo {
        self.edges += 1;
        let no = |id: &str| self.view.twin(id).expect("a twin").peek().no;
        let edge = Edge {
            no: EdgeNo(self.edges),
            relation: Arc::from(relation),
            from: no(from),
            to: no(to),
            properties: serde_json::Map::new(),
            valid_from: Timestamp(0),
            valid_to: None,
            live: false,
        };
        self.links.begin(&edge, Seq(1));
        edge.no
    }

    fn slot(&self, id: &str, path: &str) -> (usize, SlotNo) {
        let place = self.twins.iter().position(|(_, twin)| twin.state.id.as_str() == id).expect("a twin");
        (place, self.twins[place].1.state.layout.slot_by_path(path).expect("a slot"))
    }

    pub(super) fn tell(&mut self, place: usize, event: &Event) {
        self.seq += 1;
        let (cell, twin) = &mut self.twins[place];
        twin.apply(event, NOW);
        cell.publish(twin.state.clone(), Seq(self.seq));
        self.view.advance(Seq(self.seq));
    }

    pub(super) fn set(&mut self, id: &str, path: &str, value: Value) {
        let (place, slot) = self.slot(id, path);
        self.tell(place, &Event::PropertySet { slot, value: Some(value), layout: 1 });
    }

    /// A reading that came so many seconds ago.
    pub(super) fn read(&mut self, id: &str, path: &str, value: Value, quality: Quality, ago: i64) {
        let (place, slot) = self.slot(id, path);
        let time = Timestamp(NOW.0 - ago * 1_000_000);
        let read = Read { slot, value, time, received: time, sent: None, quality, reason: Reason::None, outcome: Outcome::New };
        self.tell(place, &Event::Read(read));
    }

    pub(super) fn access(&self) -> Access<'_> {
        Access {
            view: &self.view,
            catalog: &self.catalog,
            links: &self.links,
            trees: &self.trees,
            now: NOW,
            bounds: &self.bounds,
            sees_sensitive: true,
        }
    }

    pub(super) fn index(&self, type_name: &str) -> usize {
        self.plan.types.iter().position(|plan| &**plan.name() == type_name).expect("a type")
    }

    /// Pages of three, joined: by id unless an order is given. `list` is `twins` or the name of a type.
    pub(super) fn ids(&self, list: &str, filter: &str, order: Option<&str>) -> Result<Vec<String>, ApiError> {
        let mut ids = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let page = self.page(list, filter, order, 3, after.as_deref())?;
            assert_eq!(page.has_previous, after.is_some());
            ids.extend(page.items.iter().map(|item| item.state.id.to_string()));
            match page.items.last().filter(|_| page.has_next) {
                Some(last) => after = Some(last.cursor.text()),
                None => return Ok(ids),
            }
        }
    }

    pub(super) fn page(&self, list: &str, filter: &str, order: Option<&str>, first: usize, after: Option<&str>) -> Result<Page, ApiError> {
        let access = self.access();
        let (filter_json, order_json): (Json, Option<Json>) = (json(filter), order.map(json));
        let (scope, filter, order) = self.decode(list, &filter_json, order_json.as_ref())?;
        let belongs_to = crate::api::access::fingerprint(list, Some(&filter_json), order_json.as_ref());
        let key = CursorKey::new([1; 32]);
        page(&access, &PageRequest { scope, filter, order, first, after, belongs_to, key: &key, wants_count: true })
    }

    pub(super) fn decode(&self, list: &str, filter: &Json, order: Option<&Json>) -> Result<(Scope, Filter, Order), ApiError> {
        let access = self.access();
        if list == "twins" {
            return Ok((Scope::All, decode_twin_where(&access, "where", Some(filter))?, decode_order(&access, "orderBy", order)?));
        }
        let index = self.index(list);
        let plan = &self.plan.types[index];
        let filter = decode_where(&access, &self.plan, index, "where", Some(filter))?;
        Ok((Scope::Type(plan.name().clone()), filter, decode_typed_order(&access, plan, "orderBy", order)?))
    }
}

pub(super) fn json(text: &str) -> Json {
    serde_json::from_str(text).expect("JSON")
}
