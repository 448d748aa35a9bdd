//! The properties of an `observes` edge: which telemetry of the device is which of the asset. As in files, `map` is a list of names or names to
//! names; what is kept is paths to paths.

use serde_json::{Map, Value as Json};

use crate::catalog::layout::{Layout, SlotSpec};
use crate::catalog::observe::{misfit, telemetry_below};
use crate::source::did_you_mean;

use super::problem::{INVALID_VALUE, Place, Problems, REQUIRED, UNKNOWN_PROPERTY, meant};

const PRIORITY_MAX: u64 = 1_000_000;

pub(super) fn properties(
    device: &Layout,
    asset: &Layout,
    given: &Map<String, Json>,
    place: &Place,
    problems: &mut Problems,
) -> Map<String, Json> {
    let mut properties = Map::new();
    let mut pairing = Pairing { device, asset, map: Map::new() };
    match given.get("map") {
        Some(Json::Array(names)) => {
            for (index, name) in names.iter().enumerate() {
                pairing.pair(name.as_str(), name.as_str(), &place.at("map").at(index), problems);
            }
        }
        Some(Json::Object(names)) => {
            for (from, to) in names {
                let to = to.as_str().or_else(|| to.get("to")?.as_str());
                pairing.pair(Some(from), to, &place.at("map").at(from), problems);
            }
        }
        _ => problems.add(REQUIRED, &place.at("map"), "`map` is a list of names, or names to names"),
    }
    properties.insert("map".to_owned(), Json::Object(pairing.map));
    match given.get("priority") {
        None | Some(Json::Null) => {}
        Some(priority) if priority.as_u64().is_some_and(|priority| priority <= PRIORITY_MAX) => {
            properties.insert("priority".to_owned(), priority.clone());
        }
        Some(_) => problems.add(INVALID_VALUE, &place.at("priority"), format!("a priority is a whole number up to {PRIORITY_MAX}")),
    }
    for name in given.keys().filter(|name| !matches!(name.as_str(), "map" | "priority")) {
        let hint = Some("its properties: map, priority".to_owned());
        problems.add_with(UNKNOWN_PROPERTY, &place.at(name), format!("an edge `observes` has no property `{name}`"), hint);
    }
    properties
}

struct Pairing<'a> {
    device: &'a Layout,
    asset: &'a Layout,
    map: Map<String, Json>,
}

impl Pairing<'_> {
    fn pair(&mut self, from: Option<&str>, to: Option<&str>, place: &Place, problems: &mut Problems) {
        let (Some(from), Some(to)) = (from, to) else {
            return problems.add(INVALID_VALUE, place, "expected the name of a telemetry");
        };
        let (sources, targets) = (telemetry_below(self.device, from), telemetry_below(self.asset, to));
        for (found, layout, name) in [(&sources, self.device, from), (&targets, self.asset, to)] {
            if found.is_empty() {
                let hint = meant(did_you_mean(name, layout.slots.iter().map(|slot| &*slot.path)));
                problems.add_with(UNKNOWN_PROPERTY, place, format!("a {} has no telemetry `{name}`", layout.name), hint);
            }
        }
        if targets.is_empty() {
            return;
        }
        for source in sources {
            let rest = &source.path[from.len()..];
            let target = targets.iter().find(|target| target.path[to.len()..] == *rest);
            if let Err(message) = self.join(source, target.copied(), to, rest) {
                problems.add(INVALID_VALUE, place, message);
            }
        }
    }

    fn join(&mut self, source: &SlotSpec, target: Option<&SlotSpec>, to: &str, rest: &str) -> Result<(), String> {
        let Some(target) = target else {
            return Err(format!("a {} has no `{to}{rest}` for the device's `{}`", self.asset.name, source.path));
        };
        if let Some(reason) = misfit(source, target) {
            return Err(format!("`{}` of the device cannot be `{}` of the asset: {reason}", source.path, target.path));
        }
        if self.map.values().any(|known| known.as_str() == Some(&target.path)) {
            return Err(format!("`{}` is given twice", target.path));
        }
        self.map.insert(source.path.to_string(), Json::String(target.path.to_string()));
        Ok(())
    }
}
