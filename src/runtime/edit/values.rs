//! Values that were asked for, checked against the type and put into slots: the rules are those of files and of the wire.

use serde_json::{Map, Value as Json};

use crate::catalog::layout::{Field, Layout, Member, PropertyRules, Section, SlotSpec, Sync, ValueType};
use crate::reading::unit::{Conversion, Unit};
use crate::reading::{Raw, SlotNo, Value};
use crate::source::{did_you_mean, list_some};

use super::problem::{INVALID_VALUE, NOT_APPLICABLE, Place, Problems, REQUIRED, UNKNOWN_PROPERTY, WRONG_UNIT, meant};

pub(super) type Set = Vec<(SlotNo, Option<Value>)>;

/// `place` is that of `given`. A property of several slots is set as a whole: what of it is not given is taken away.
pub(super) fn set(layout: &Layout, given: &Map<String, Json>, creating: bool, place: &Place, problems: &mut Problems) -> Set {
    let mut values = Vec::new();
    for (name, json) in given.iter().filter(|(_, json)| !json.is_null()) {
        let place = place.at(name);
        let Some(member) = writable(layout, name, creating, &place, problems) else { continue };
        let mut placing = Placing { layout, member, problems, values: Vec::new() };
        placing.place(&member.name, &member.value_type, json, None, &place);
        let placed = placing.values;
        let whole = member.slots.clone().map(SlotNo);
        values.extend(whole.map(|slot| (slot, placed.iter().find(|(other, _)| *other == slot).map(|(_, value)| value.clone()))));
    }
    values
}

/// Back to the default, or to nothing.
pub(super) fn unset(layout: &Layout, names: &[String], place: &Place, problems: &mut Problems) -> Set {
    let mut values = Vec::new();
    for (index, name) in names.iter().enumerate() {
        let place = place.at(index);
        let Some(member) = writable(layout, name, false, &place, problems) else { continue };
        for slot in member.slots.clone().map(SlotNo) {
            let Some(rules) = &layout.slot(slot).property else { continue };
            if rules.required && rules.default.is_none() {
                problems.add(REQUIRED, &place, format!("a {} needs the property `{name}`", layout.name));
                break;
            }
            values.push((slot, rules.default.clone().filter(|_| rules.sync != Sync::Desired)));
        }
    }
    values
}

/// The properties that a new twin must be given.
pub(super) fn missing<'l>(layout: &'l Layout, given: &'l Map<String, Json>) -> impl Iterator<Item = &'l str> {
    let is_needed = |rules: &PropertyRules| rules.required && rules.default.is_none();
    let absent = layout.members.iter().filter(|member| given.get(&*member.name).is_none_or(Json::is_null));
    let needs = move |member: &&Member| slots(layout, member).iter().any(|slot| slot.property.as_ref().is_some_and(is_needed));
    absent.filter(needs).map(|member| &*member.name)
}

fn slots<'l>(layout: &'l Layout, member: &Member) -> &'l [SlotSpec] {
    &layout.slots[usize::from(member.slots.start)..usize::from(member.slots.end)]
}

fn writable<'l>(layout: &'l Layout, name: &str, creating: bool, place: &Place, problems: &mut Problems) -> Option<&'l Member> {
    let Some(member) = layout.member(name) else {
        let known = || layout.members.iter().filter(|member| member.section == Section::Property).map(|member| &*member.name);
        let hint = meant(did_you_mean(name, known())).unwrap_or_else(|| format!("its properties: {}", list_some(known())));
        problems.add_with(UNKNOWN_PROPERTY, place, format!("a {} has no property `{name}`", layout.name), Some(hint));
        return None;
    };
    let rules = slots(layout, member).iter().find_map(|slot| slot.property.as_ref());
    let refused = match rules.filter(|_| member.section == Section::Property) {
        None => format!("`{name}` is telemetry of a {}: it comes from devices", layout.name),
        Some(rules) if rules.sync == Sync::Reported => {
            format!("`{name}` is what the device reports (`sync: reported`); nobody else sets it")
        }
        Some(rules) if rules.immutable && !creating => format!("`{name}` is immutable: it is set when the twin is created"),
        Some(_) => return Some(member),
    };
    problems.add(NOT_APPLICABLE, place, refused);
    None
}

struct Placing<'a> {
    layout: &'a Layout,
    member: &'a Member,
    problems: &'a mut Problems,
    values: Vec<(SlotNo, Value)>,
}

impl Placing<'_> {
    /// `path` is that of slots. A unit that was given above a list holds for its items.
    fn place(&mut self, path: &str, value_type: &ValueType, json: &Json, unit: Option<&Unit>, place: &Place) {
        if let Some((value, symbol)) = quantity(value_type, json) {
            match symbol.map(Unit::parse).transpose() {
                Ok(given) => return self.place(path, value_type, value, given.as_ref().or(unit), &place.at("value")),
                Err(unknown) => return self.problems.add(WRONG_UNIT, &place.at("unit"), unknown.to_string()),
            }
        }
        if let Some(slot) = self.slot(path) {
            return self.leaf(slot, json, unit, place);
        }
        match (value_type, json) {
            (ValueType::Object(fields), Json::Object(given)) => self.object(path, fields, given, place),
            (ValueType::Object(_), _) => self.problems.add(INVALID_VALUE, place, format!("`{path}` is an object of fields")),
            (ValueType::Array(array), Json::Array(items)) if items.len() == array.items_max => {
                for (index, item) in items.iter().enumerate() {
                    self.place(&format!("{path}.{index}"), &array.items.value_type, item, unit, &place.at(index));
                }
            }
            (ValueType::Array(array), _) => {
                self.problems.add(INVALID_VALUE, place, format!("`{path}` is a list of {} numbers", array.items_max));
            }
            (_, _) => self.problems.add(INVALID_VALUE, place, format!("`{path}` cannot be set")),
        }
    }

    fn slot(&self, path: &str) -> Option<SlotNo> {
        self.member.slots.clone().map(SlotNo).find(|slot| *self.layout.slot(*slot).path == *path)
    }

    fn object(&mut self, path: &str, fields: &[Field], given: &Map<String, Json>, place: &Place) {
        for (name, json) in given.iter().filter(|(_, json)| !json.is_null()) {
            match fields.iter().find(|field| *field.name == **name) {
                Some(field) => self.place(&format!("{path}.{name}"), &field.value.value_type, json, None, &place.at(name)),
                None => {
                    let hint = meant(did_you_mean(name, fields.iter().map(|field| &*field.name)));
                    self.problems.add_with(UNKNOWN_PROPERTY, &place.at(name), format!("`{path}` has no field `{name}`"), hint);
                }
            }
        }
        for field in fields.iter().filter(|field| field.required && given.get(&*field.name).is_none_or(Json::is_null)) {
            self.problems.add(REQUIRED, &place.at(&field.name), format!("`{path}` needs `{}`", field.name));
        }
    }

    fn leaf(&mut self, slot: SlotNo, json: &Json, unit: Option<&Unit>, place: &Place) {
        let spec = self.layout.slot(slot);
        let conversion = match unit.map(|unit| conversion(spec, unit)).transpose() {
            Ok(conversion) => conversion,
            Err(message) => return self.problems.add(WRONG_UNIT, place, message),
        };
        match spec.accept(Raw::from(json), conversion.as_ref()) {
            Ok(accepted) => self.values.push((slot, accepted.value)),
            Err(refusal) => self.problems.refuse(place, &format!("`{}`", spec.path), &refusal),
        }
    }
}

fn conversion(spec: &SlotSpec, from: &Unit) -> Result<Conversion, String> {
    let Some(own) = spec.payload_unit() else { return Err(format!("`{}` has no unit", spec.path)) };
    from.conversion_to(own).ok_or_else(|| format!("`{}` is in {}, and {} does not convert to that", spec.path, own.symbol(), from.symbol()))
}

/// `{"value": 12, "unit": "L/min"}`, where an object would be no value by itself.
fn quantity<'j>(value_type: &ValueType, json: &'j Json) -> Option<(&'j Json, Option<&'j str>)> {
    let is_plain = !matches!(value_type, ValueType::Object(_) | ValueType::Map(_) | ValueType::Json | ValueType::Geo(_));
    let object = json.as_object().filter(|_| is_plain)?;
    let value = object.get("value")?;
    let unit = object.get("unit").filter(|unit| !unit.is_null());
    let has_more = object.keys().any(|key| !matches!(key.as_str(), "value" | "unit"));
    match unit {
        _ if has_more => None,
        None => Some((value, None)),
        Some(unit) => Some((value, Some(unit.as_str()?))),
    }
}

/// The properties of an edge, as canonical JSON in their units.
pub(super) fn of_relation(
    fields: &[Field],
    given: &Map<String, Json>,
    relation: &str,
    place: &Place,
    problems: &mut Problems,
) -> Map<String, Json> {
    let mut values = Map::new();
    for (name, json) in given.iter().filter(|(_, json)| !json.is_null()) {
        let place = place.at(name);
        let Some(field) = fields.iter().find(|field| *field.name == **name) else {
            let known = || fields.iter().map(|field| &*field.name);
            let hint = meant(did_you_mean(name, known())).unwrap_or_else(|| format!("its properties: {}", list_some(known())));
            problems.add_with(UNKNOWN_PROPERTY, &place, format!("an edge `{relation}` has no property `{name}`"), Some(hint));
            continue;
        };
        let accepted = match quantity(&field.value.value_type, json) {
            // As it would be written in a file.
            Some((value, Some(unit))) => {
                field.value.accept_literal(Raw::Text(&format!("{} {unit}", value.as_str().unwrap_or(&value.to_string()))))
            }
            Some((value, None)) => field.value.accept(Raw::from(value)),
            None => field.value.accept(Raw::from(json)),
        };
        match accepted {
            Ok(value) => drop(values.insert(name.clone(), value)),
            Err(refusal) => problems.refuse(&place, &format!("`{name}`"), &refusal),
        }
    }
    for field in fields.iter().filter(|field| field.required && given.get(&*field.name).is_none_or(Json::is_null)) {
        problems.add(REQUIRED, &place.at(&field.name), format!("an edge `{relation}` needs the property `{}`", field.name));
    }
    values
}
