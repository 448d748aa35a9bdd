//! What people do with rules.

use crate::alarm::Verdict;
use crate::api::build::{Args, Out, SchemaBuilder};
use crate::api::engine::RequestContext;
use crate::api::error::{ApiError, Code};
use crate::api::request::Role;
use crate::api::types::issue::UserError;
use crate::api::types::payload::{self, Payload};
use crate::api::types::rule::{self, StateNode};
use crate::api::types::twin::session;
use crate::twin::Managed;

pub(super) fn declare(schema: &mut SchemaBuilder) {
    payload::object::<Option<StateNode>>(schema, "RulePayload", "What came of a change of a rule.")
        .value("rule", "Rule", "", |payload, _| payload.what.as_ref().map(|state| Out::object(state.rule.clone())))
        .value("state", "RuleState", "Where it stands on the twin now.", |payload, _| payload.what.clone().map(Out::object));
    schema
        .mutation()
        .field(
            "setRuleEnabled",
            "RulePayload!",
            "Switches a rule on or off for one twin alone. Off, its open alarm is closed; on, it is looked at at once. It may be said twice.",
        )
        .arg("id", "ID!")
        .arg_doc("`rule/TYPE.ID`, or the id in the twin's type alone.")
        .arg("twin", "ID!")
        .arg("enabled", "Boolean!")
        .resolve(|_, args, ctx| async move { set_enabled(&ctx, &args).await })
        .role(Role::Operator);
}

async fn set_enabled(ctx: &RequestContext, args: &Args) -> Result<Out, ApiError> {
    let session = session(ctx)?;
    let (id, twin) = (args.required_text("id")?, args.required_text("twin")?);
    let enabled = args.boolean("enabled").unwrap_or(true);
    let refused = |error: UserError| Ok(Out::object(Payload::<Option<StateNode>>::refused(vec![error], None)));
    let Some(seen) = session.by_id(twin) else {
        return refused(UserError::new("UNKNOWN_TWIN", &["twin"], format!("there is no twin `{}`", shown(twin))));
    };
    let no_rule = || UserError::new("NOT_APPLICABLE", &["id"], format!("the type of `{}` has no rule `{}`", shown(twin), shown(id)));
    let Some(rule) = rule::id_in(&seen.state.layout, id) else { return refused(no_rule()) };
    let runtime = session.runtime();
    let unavailable = |error: String| ApiError::new(Code::Unavailable, error);
    let verdict =
        runtime.manage(twin, Managed::Switched { rule: rule.into(), enabled }).await.map_err(|error| unavailable(error.to_string()))?;
    if !matches!(verdict, Some(Verdict::Done | Verdict::NotApplicable)) {
        return refused(no_rule());
    }
    runtime.shared.journal.durable().await.map_err(|error| unavailable(error.to_string()))?;
    let seq = runtime.view().seq();
    session.read_after(seq);
    let state = session.by_id(twin).and_then(|seen| rule::of_twin(seen, rule));
    Ok(Out::object(Payload::done(seq, state)))
}

fn shown(text: &str) -> String {
    text.chars().take(60).collect()
}
