//! What people do with rules.

use serde_json::{Map, Value as Json};
use smol_str::SmolStr;

use crate::alarm::Verdict;
use crate::api::build::{Args, Out, SchemaBuilder};
use crate::api::engine::RequestContext;
use crate::api::error::{ApiError, Code};
use crate::api::request::Role;
use crate::api::types::issue::UserError;
use crate::api::types::payload::{self, Payload};
use crate::api::types::rule::{self, StateNode};
use crate::api::types::twin::session;
use crate::twin::{Forced, Managed};

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
        .role(Role::Operator)
        .field(
            "setDetectorState",
            "RulePayload!",
            "Sets a detector on one twin: state, variables and timers. What is not named stays, and nothing is evaluated: its next input finds what was set.",
        )
        .arg("rule", "ID!")
        .arg_doc("`rule/TYPE.ID`, or the id in the twin's type alone.")
        .arg("twin", "ID!")
        .arg("state", "String")
        .arg("variables", "JSON")
        .arg_doc("By name: `{minutes: 0}`.")
        .arg("timers", "JSON")
        .arg_doc("By name, the time until they run out, on the detector's clock: `{run: \"60s\"}`; null stops one.")
        .resolve(|_, args, ctx| async move { set_detector(&ctx, &args).await })
        .role(Role::Modeller);
}

async fn set_detector(ctx: &RequestContext, args: &Args) -> Result<Out, ApiError> {
    let session = session(ctx)?;
    let (id, twin) = (args.required_text("rule")?, args.required_text("twin")?);
    let refused = |error: UserError| Ok(Out::object(Payload::<Option<StateNode>>::refused(vec![error], None)));
    let Some(seen) = session.by_id(twin) else {
        return refused(UserError::new("UNKNOWN_TWIN", &["twin"], format!("there is no twin `{}`", shown(twin))));
    };
    let layout = seen.state.layout.0.clone();
    let Some((rule, spec)) = rule::id_in(&layout, id).and_then(|rule| Some((rule, layout.rule(rule)?))) else {
        let message = format!("the type of `{}` has no rule `{}`", shown(twin), shown(id));
        return refused(UserError::new("NOT_APPLICABLE", &["rule"], message));
    };
    let (variables, timers) = (by_name(args, "variables")?, by_name(args, "timers")?);
    let state = args.text("state");
    if state.is_none() && variables.is_empty() && timers.is_empty() {
        return Err(ApiError::bad_input("say what is to be set: a `state`, `variables` or `timers`"));
    }
    let standing = seen.state.watches.get(&spec.rule.id).detector.as_deref();
    let setting = match spec.setting(standing, state, &variables, &timers) {
        Ok(setting) => setting,
        Err((path, message)) => {
            let path: Vec<&str> = path.iter().map(String::as_str).collect();
            return refused(UserError::new("INVALID_VALUE", &path, message));
        }
    };
    let runtime = session.runtime();
    let unavailable = |error: String| ApiError::new(Code::Unavailable, error);
    let forced = Forced { rule: rule.into(), setting, by: SmolStr::new(&ctx.caller.subject) };
    // Its type may have been edited since it was looked at.
    match runtime.force(twin, forced).await.map_err(|error| unavailable(error.to_string()))? {
        None => return refused(UserError::new("UNKNOWN_TWIN", &["twin"], format!("there is no twin `{}`", shown(twin)))),
        Some(Some(why)) => return refused(UserError::new("NOT_APPLICABLE", &["rule"], why)),
        Some(None) => {}
    }
    runtime.shared.journal.durable().await.map_err(|error| unavailable(error.to_string()))?;
    let seq = runtime.view().seq();
    session.read_after(seq);
    let state = session.by_id(twin).and_then(|seen| rule::of_twin(seen, rule));
    Ok(Out::object(Payload::done(seq, state)))
}

fn by_name(args: &Args, key: &str) -> Result<Map<String, Json>, ApiError> {
    match args.get(key) {
        None | Some(Json::Null) => Ok(Map::new()),
        Some(Json::Object(said)) => Ok(said.clone()),
        Some(_) => Err(ApiError::bad_input(format!("`{key}` is an object of values by name"))),
    }
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
