//! What a change of many twins would do to one of them.

use serde_json::{Map, Value as Json, json};

use super::sweep::{Change, Swept};
use crate::api::build::{Out, SchemaBuilder};
use crate::api::session::{Seen, Session};
use crate::api::types::issue::{Issue, Severity};
use crate::api::types::member;
use crate::api::types::twin::{one, session};
use crate::reading::{SlotNo, TwinNo};
use crate::runtime::edit::{Problem, UpdateTwin};
use crate::twin::State;

/// One twin of a preview.
#[derive(Debug, Clone)]
pub struct Preview {
    seen: Seen,
    before: Json,
    after: Json,
    issues: Vec<Issue>,
}

impl Preview {
    /// `None`: the twin is gone by now.
    pub fn new(session: &Session, no: TwinNo, change: &Change, swept: &Swept, at: &dyn Fn(&[String]) -> Vec<String>) -> Option<Preview> {
        let seen = session.by_no(no)?;
        let (before, after) = match (change, swept) {
            (Change::Update(update), Swept::Changed(_, edited)) => {
                let change = edited.twins.first()?;
                // What it was at the moment of the plan: readers may have seen it a little earlier.
                let before = change.before.as_deref().unwrap_or(&seen.state);
                (picture(before, update), picture(&change.after, update))
            }
            (Change::Update(update), Swept::Same(_) | Swept::Refused(_)) => {
                let same = picture(&seen.state, update);
                (same.clone(), same)
            }
            (Change::Delete, Swept::Refused(_)) => (whole(&seen.state), whole(&seen.state)),
            (Change::Delete, Swept::Changed(..) | Swept::Same(_)) => (whole(&seen.state), json!({})),
        };
        let issues = match swept {
            Swept::Refused(problems) => problems.iter().map(|problem| issue(problem, at)).collect(),
            Swept::Changed(..) | Swept::Same(_) => Vec::new(),
        };
        Some(Preview { seen, before, after, issues })
    }
}

/// What an update is about, as it stands in a state. What is asked of a device counts, not what it reports.
fn picture(state: &State, update: &UpdateTwin) -> Json {
    let mut picture = Map::new();
    if update.name.is_some() {
        picture.insert("name".to_owned(), Json::from(&*state.name));
    }
    let layout = &state.layout;
    let set = update.set.iter().filter(|(_, json)| !json.is_null()).map(|(name, _)| name);
    for name in set.chain(&update.unset) {
        let Some(member) = layout.member(name) else { continue };
        let first = SlotNo(member.slots.start);
        let value = match state.desired(first) {
            Some(desired) => Some(layout.slot(first).to_json(&desired.value)),
            None => member::value(state, member.slots.clone(), None),
        };
        picture.insert(name.clone(), value.unwrap_or_default());
    }
    Json::Object(picture)
}

fn whole(state: &State) -> Json {
    json!({"id": state.id.as_str(), "name": &*state.name, "typeName": &*state.layout.name})
}

fn issue(problem: &Problem, at: &dyn Fn(&[String]) -> Vec<String>) -> Issue {
    let path = Some(at(&problem.path));
    Issue { hint: problem.hint.clone(), path, ..Issue::new(problem.code, Severity::Major, problem.message.clone()) }
}

pub(super) fn declare(schema: &mut SchemaBuilder) {
    schema
        .object::<Preview>("BulkPreview", "What a change of many twins would do to one of them.")
        .field("twin", "Twin!", "As it is.")
        .now(|preview, _, ctx| Ok(one(session(ctx)?, preview.seen.clone())))
        .value("before", "JSON!", "What the change is about, as it is.", |preview, _| Out::json(preview.before.clone()))
        .value("after", "JSON!", "The same, as it would be; empty if the twin would be gone.", |preview, _| {
            Out::json(preview.after.clone())
        })
        .value("issues", "[Issue!]!", "Why it would be refused.", |preview, _| Out::objects(preview.issues.iter().cloned()));
}
