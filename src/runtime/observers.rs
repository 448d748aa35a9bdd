//! Which device measures which asset, and when it did: a reading of the device is also one of the asset it observed at the reading's event time.

use std::sync::Arc;

use arc_swap::ArcSwap;
use foldhash::{HashMap, HashMapExt};
use serde_json::Value as Json;

use crate::catalog::{Layout, OBSERVES};
use crate::reading::unit::Conversion;
use crate::reading::{Group, Quality, Raw, Reading, SlotNo, Timestamp, TwinNo, Value};
use crate::twin::Edge;

use super::directory::Directory;
use super::resident::Resident;
use super::structure::Graph;

/// One `observes` edge, compiled.
#[derive(Debug)]
pub struct Observer {
    pub asset: Arc<Resident>,
    edge: Arc<Edge>,
    /// The forms of the types that `map` leads from and to.
    from: Arc<Layout>,
    to: Arc<Layout>,
    map: Box<[Route]>,
}

/// From a slot of the device to a slot of the asset.
#[derive(Debug)]
struct Route {
    from: SlotNo,
    to: SlotNo,
    conversion: Option<Conversion>,
}

#[derive(Debug, Default)]
pub struct Observers {
    by_device: ArcSwap<HashMap<TwinNo, Vec<Observer>>>,
}

impl Observers {
    /// Compiles all edges anew; edges change rarely.
    pub fn rebuild(&self, graph: &Graph, directory: &Directory) {
        let mut by_device: HashMap<TwinNo, Vec<Observer>> = HashMap::new();
        for edge in graph.all().filter(|edge| &*edge.relation == OBSERVES) {
            let (Some(device), Some(asset)) = (directory.by_no(edge.from), directory.by_no(edge.to)) else { continue };
            let observer = Observer::new(asset, edge.clone(), device.cell.state().layout.0.clone());
            by_device.entry(edge.from).or_default().push(observer);
        }
        self.by_device.store(Arc::new(by_device));
    }

    pub fn is_empty(&self) -> bool {
        self.by_device.load().is_empty()
    }

    /// What the groups of a device, read by `form`, say of the assets it observed at their times; and the form these are in.
    pub fn observed(
        &self,
        device: TwinNo,
        form: &Arc<Layout>,
        groups: &[Group],
        received: Timestamp,
    ) -> Vec<(Arc<Resident>, u64, Vec<Group>)> {
        let by_device = self.by_device.load();
        let Some(observers) = by_device.get(&device) else { return Vec::new() };
        let seen = observers.iter().map(|observer| {
            let groups = groups.iter().filter(|group| observer.edge.holds_at(group.time.unwrap_or(received)));
            // Its type has just been edited: until all is compiled anew, each packet is on its own.
            let renewed = (observer.from.fingerprint != form.fingerprint)
                .then(|| Observer::new(observer.asset.clone(), observer.edge.clone(), form.clone()));
            let observer = renewed.as_ref().unwrap_or(observer);
            (observer.asset.clone(), observer.to.fingerprint, groups.filter_map(|group| observer.group(group)).collect::<Vec<_>>())
        });
        seen.filter(|(_, _, groups)| !groups.is_empty()).collect()
    }
}

impl Observer {
    fn new(asset: Arc<Resident>, edge: Arc<Edge>, from: Arc<Layout>) -> Observer {
        let to = asset.cell.state().layout.0.clone();
        let map = compile(&from, &to, &edge);
        Observer { asset, edge, from, to, map }
    }

    fn group(&self, group: &Group) -> Option<Group> {
        let readings = group.readings.iter().filter_map(|reading| {
            let route = self.map.iter().find(|route| route.from == reading.slot)?;
            route.carry(reading, &self.to)
        });
        let readings: Vec<Reading> = readings.collect();
        (!readings.is_empty()).then_some(Group { time: group.time, readings })
    }
}

impl Route {
    /// `None` if the asset cannot hold it: the device keeps its own reading all the same.
    fn carry(&self, reading: &Reading, asset: &Layout) -> Option<Reading> {
        let raw = match &reading.value {
            Value::Double(value) => Raw::Float(*value),
            Value::Int(value) => Raw::Int(*value),
            Value::Bool(value) => Raw::Bool(*value),
            Value::Text(value) => Raw::Text(value),
            Value::Decimal(_)
            | Value::Timestamp(_)
            | Value::Date(_)
            | Value::Time(_)
            | Value::Duration(_)
            | Value::Enum(_)
            | Value::Bytes(_)
            | Value::Json(_) => {
                return Some(Reading { slot: self.to, ..reading.clone() });
            }
        };
        let accepted = asset.slot(self.to).accept(raw, self.conversion.as_ref()).ok()?;
        let quality = accepted.quality.worse(reading.quality);
        let reason = if quality == Quality::Good || accepted.quality == Quality::Good { reading.reason } else { accepted.reason };
        Some(Reading { slot: self.to, value: accepted.value, quality, reason })
    }
}

/// `map` on the edge: device path to asset path.
fn compile(device: &Layout, asset: &Layout, edge: &Edge) -> Box<[Route]> {
    let Some(Json::Object(map)) = edge.properties.get("map") else { return Box::default() };
    let route = |(from, to): (&String, &Json)| {
        let (from, to) = (device.slot_by_path(from)?, asset.slot_by_path(to.as_str()?)?);
        let conversion = match (&device.slot(from).unit, &asset.slot(to).unit) {
            (Some(ours), Some(theirs)) => Some(ours.conversion_to(theirs)?),
            (None, None) => None,
            (Some(_), None) | (None, Some(_)) => return None,
        };
        Some(Route { from, to, conversion })
    };
    map.iter().filter_map(route).collect()
}
