//! `Property`: any property of any twin, for clients that do not know its type.

use serde_json::Value as Json;

use super::member;
use crate::api::build::{Out, SchemaBuilder};
use crate::api::engine::RequestContext;
use crate::api::request::Role;
use crate::api::session::Seen;
use crate::catalog::layout::{Member, PropertyRules, Sync};
use crate::reading::SlotNo;
use crate::twin::Slot;

#[derive(Debug, Clone)]
pub struct PropertyNode {
    pub seen: Seen,
    /// Index into the members of its layout.
    pub member: usize,
}

impl PropertyNode {
    fn member(&self) -> &Member {
        &self.seen.state.layout.members[self.member]
    }

    fn rules(&self) -> Option<&PropertyRules> {
        self.seen.state.layout.slots.get(usize::from(self.member().slots.start))?.property.as_ref()
    }

    fn slots(&self) -> impl Iterator<Item = (SlotNo, &Slot)> {
        self.member().slots.clone().map(|no| (SlotNo(no), self.seen.state.slot(SlotNo(no))))
    }

    /// Null for who may not see it.
    fn value(&self, ctx: &RequestContext) -> Option<Json> {
        self.is_open_to(ctx.caller.role).then(|| member::value(&self.seen.state, self.member().slots.clone(), None)).flatten()
    }

    fn is_open_to(&self, role: Role) -> bool {
        role >= Role::Operator || !self.rules().is_some_and(|rules| rules.sensitive)
    }

    fn sync(&self) -> Sync {
        self.rules().map_or(Sync::None, |rules| rules.sync)
    }

    /// Where the value comes from: a device reports it, it is what the type says, or somebody has set it.
    fn origin(&self) -> &'static str {
        if self.sync() == Sync::Reported {
            return "MEASURED";
        }
        let layout = &self.seen.state.layout;
        let default = |no: SlotNo| layout.slot(no).property.as_ref().and_then(|rules| rules.default.as_ref());
        let is_default = self.slots().all(|(no, slot)| slot.value.as_ref() == default(no));
        if is_default { "DEFAULT" } else { "MANUAL" }
    }

    fn is_writable(&self) -> bool {
        self.rules().is_some_and(|rules| !rules.immutable) && self.sync() != Sync::Reported
    }

    fn desired(&self) -> Option<Json> {
        let state = &self.seen.state;
        let no = SlotNo(self.member().slots.start);
        state.desired(no).map(|desired| state.layout.slot(no).to_json(&desired.value))
    }
}

pub fn declare(schema: &mut SchemaBuilder) {
    schema.enumeration(
        "Origin",
        "Where a value comes from.",
        &[
            ("MEASURED", "A device said it."),
            ("COMPUTED", "An expression of the type gives it."),
            ("ROLLUP", "It is gathered from the twins below."),
            ("MODEL", "A model predicted it."),
            ("MANUAL", "Somebody set it."),
            ("DEFAULT", "The type gives it."),
        ],
    );
    schema
        .object::<PropertyNode>("Property", "A property of any twin.")
        .value("name", "String!", "As the type declares it.", |property, _| property.member().name.to_string())
        .value("value", "JSON", "In the unit of the type. Null while it is not set, and for those who may not see it.", |property, ctx| {
            property.value(ctx).map(Out::json)
        })
        .value("unit", "String", "", |property, _| {
            let first = property.seen.state.layout.slots.get(usize::from(property.member().slots.start));
            first.and_then(|spec| spec.unit.as_ref()).map(|unit| unit.symbol().to_owned())
        })
        .value("origin", "Origin!", "", |property, _| property.origin())
        .value("writable", "Boolean!", "Whether mutations may change it now.", |property, _| property.is_writable())
        .value("updatedAt", "DateTime", "When it was set last.", |property, _| {
            property.slots().filter(|(_, slot)| slot.value.is_some()).map(|(_, slot)| slot.time).max().map(Out::print)
        })
        .value("desired", "JSON", "With `sync: desired`: what the device is asked for.", |property, ctx| {
            property.is_open_to(ctx.caller.role).then(|| property.desired()).flatten().map(Out::json)
        })
        .value("inSync", "Boolean", "With `sync: desired`: whether the device reports what it is asked for.", |property, _| {
            let state = &property.seen.state;
            let no = SlotNo(property.member().slots.start);
            (property.sync() == Sync::Desired)
                .then(|| state.desired(no).is_none_or(|desired| state.slot(no).value.as_ref() == Some(&desired.value)))
        });
}
