//! What people do with alarms. Each is answered by itself; what is that way already says so.

use smol_str::SmolStr;

use crate::alarm::{Action, OutOfService, Verdict};
use crate::api::build::{Args, ObjectBuilder, Out, Root, SchemaBuilder};
use crate::api::engine::RequestContext;
use crate::api::error::{ApiError, Code};
use crate::api::request::Role;
use crate::api::session::Session;
use crate::api::types::alarm::{self, AlarmNode};
use crate::api::types::issue::UserError;
use crate::api::types::payload::{self, Payload};
use crate::api::types::rule;
use crate::api::types::twin::session;
use crate::reading::{Seq, Timestamp, parse_duration};
use crate::twin::{Managed, Told};

/// Alarms in one mutation.
const ALARMS_MAX: usize = 1_000;

#[derive(Debug, Clone)]
struct AlarmResult {
    id: String,
    alarm: Option<AlarmNode>,
    outcome: &'static str,
}

pub(super) fn declare(schema: &mut SchemaBuilder) {
    schema.enumeration(
        "AlarmOutcome",
        "What became of an action on an alarm.",
        &[("DONE", ""), ("NOT_APPLICABLE", "It is that way already, or it makes no sense now."), ("NOT_FOUND", "There is no such alarm.")],
    );
    schema
        .object::<AlarmResult>("AlarmResult", "What became of an action on one alarm.")
        .value("id", "ID!", "", |result, _| result.id.clone())
        .value("alarm", "Alarm", "As it is now; null where it is closed.", |result, _| result.alarm.clone().map(Out::object))
        .value("outcome", "AlarmOutcome!", "", |result, _| result.outcome);
    payload::object::<Vec<AlarmResult>>(schema, "AlarmsPayload", "What came of an action on alarms.").value(
        "results",
        "[AlarmResult!]!",
        "One for each id, in their order.",
        |payload, _| Out::objects(payload.what.iter().cloned()),
    );
    let mut mutation = schema.mutation();
    mutation
        .field("acknowledgeAlarms", "AlarmsPayload!", "Somebody has seen them.")
        .arg("ids", "[ID!]!")
        .arg("comment", "String")
        .resolve(|_, args, ctx| async move { act(&ctx, &args, |comment| Ok(Action::Acknowledge { comment })).await })
        .role(Role::Operator)
        .field(
            "clearAlarms",
            "AlarmsPayload!",
            "Closes them by hand. The same value does not raise them again: the condition has to be false once.",
        )
        .arg("ids", "[ID!]!")
        .arg("comment", "String")
        .resolve(|_, args, ctx| async move { act(&ctx, &args, |comment| Ok(Action::Clear { comment })).await })
        .role(Role::Operator)
        .field("resetAlarms", "AlarmsPayload!", "Ends latched alarms that are back to normal.")
        .arg("ids", "[ID!]!")
        .resolve(|_, args, ctx| async move { act(&ctx, &args, |comment| Ok(Action::Reset { comment })).await })
        .role(Role::Operator)
        .field("shelveAlarms", "AlarmsPayload!", "Puts them aside: they go on, and are not announced.")
        .arg("ids", "[ID!]!")
        .arg("for", "Duration")
        .arg_doc("At most 8 hours.")
        .arg("oneShot", "Boolean = false")
        .arg_doc("Until they next return to normal, instead of for a time.")
        .arg("comment", "String")
        .resolve(|_, args, ctx| async move {
            let one_shot = args.boolean("oneShot").unwrap_or(false);
            let time = match args.text("for") {
                Some(text) => Some(parse_duration(text).ok_or_else(|| ApiError::bad_input("`for` is a duration such as `2h` or `PT2H`"))?),
                None => None,
            };
            if time.is_none() != one_shot {
                return Err(ApiError::bad_input("give either `for` or `oneShot: true`"));
            }
            act(&ctx, &args, |comment| Ok(Action::Shelve { time, comment })).await
        })
        .role(Role::Operator)
        .field("unshelveAlarms", "AlarmsPayload!", "Takes them back from the shelf.")
        .arg("ids", "[ID!]!")
        .resolve(|_, args, ctx| async move { act(&ctx, &args, |_| Ok(Action::Unshelve)).await })
        .role(Role::Operator)
        .field("commentAlarms", "AlarmsPayload!", "Writes something into their logs.")
        .arg("ids", "[ID!]!")
        .arg("text", "String!")
        .resolve(|_, args, ctx| async move {
            let text = SmolStr::new(args.required_text("text")?);
            act(&ctx, &args, |_| Ok(Action::Comment { text })).await
        })
        .role(Role::Operator);
    service(&mut mutation);
}

/// Taking things out of service: a rule on a twin, or the whole twin.
fn service(mutation: &mut ObjectBuilder<'_, Root>) {
    mutation
        .field(
            "setOutOfService",
            "AlarmsPayload!",
            "Somebody works on a twin, or on what one of its rules looks at: alarms are recorded and not announced, and rules do nothing.",
        )
        .arg("twin", "ID!")
        .arg("rule", "ID")
        .arg_doc("This rule only: `rule/TYPE.ID`, or the id in the twin's type alone.")
        .arg("until", "DateTime")
        .arg_doc("Without it until `backInService`.")
        .arg("reason", "String!")
        .resolve(|_, args, ctx| async move {
            let until = args.text("until").map(Timestamp::parse_rfc3339).transpose();
            let until = until.map_err(|error| ApiError::bad_input(format!("until: {error}")))?;
            if until.is_some_and(|until| session(&ctx).is_ok_and(|session| until <= session.now())) {
                return Err(ApiError::bad_input("`until` is over already"));
            }
            let reason = SmolStr::new(args.required_text("reason")?);
            let by = SmolStr::new(&ctx.caller.subject);
            match args.text("rule") {
                Some(_) => serve(&ctx, &args, Service::Rule(Action::TakeOut { until, reason })).await,
                None => serve(&ctx, &args, Service::Twin(Managed::TakenOut(OutOfService { until, by, reason }))).await,
            }
        })
        .role(Role::Operator)
        .field("backInService", "AlarmsPayload!", "The work is done: alarms that are still active are announced again.")
        .arg("twin", "ID!")
        .arg("rule", "ID")
        .arg_doc("As with `setOutOfService`: each ends by itself.")
        .resolve(|_, args, ctx| async move {
            let by = SmolStr::new(&ctx.caller.subject);
            match args.text("rule") {
                Some(_) => serve(&ctx, &args, Service::Rule(Action::BackInService)).await,
                None => serve(&ctx, &args, Service::Twin(Managed::BackInService { by })).await,
            }
        })
        .role(Role::Operator);
}

enum Service {
    Rule(Action),
    Twin(Managed),
}

/// The results are the open alarms that it is about.
async fn serve(ctx: &RequestContext, args: &Args, what: Service) -> Result<Out, ApiError> {
    let session = session(ctx)?;
    let twin = args.required_text("twin")?;
    let refused = |code: &'static str, path: &str, message: String| {
        Ok(Out::object(Payload::<Vec<AlarmResult>>::refused(vec![UserError::new(code, &[path], message)], Vec::new())))
    };
    let Some(seen) = session.by_id(twin) else { return refused("UNKNOWN_TWIN", "twin", "there is no such twin".to_owned()) };
    let only = args.text("rule").map(|rule| rule::id_in(&seen.state.layout, rule).filter(|id| seen.state.layout.rule(id).is_some()));
    if only == Some(None) {
        return refused("NOT_APPLICABLE", "rule", format!("`{}` has no such rule", seen.state.layout.name));
    }
    let only = only.flatten();
    let runtime = session.runtime();
    let verdict = match (what, only) {
        (Service::Rule(action), Some(rule)) => {
            let by = SmolStr::new(&ctx.caller.subject);
            runtime.tell(twin, Told { rule: rule.into(), no: None, action, by }).await
        }
        (Service::Twin(managed), _) => runtime.manage(twin, managed).await,
        (Service::Rule(_), None) => Ok(None),
    };
    let verdict = verdict.map_err(|error| ApiError::new(Code::Unavailable, error.to_string()))?;
    let seq = committed(session).await?;
    let outcome = outcome(verdict.as_ref());
    let open = session.by_id(twin).map(|seen| alarm::of_twin(&seen).collect::<Vec<_>>()).unwrap_or_default();
    let meant = open.into_iter().filter(|alarm| only.is_none_or(|rule| *alarm.rule == *rule));
    let results = meant.map(|alarm| AlarmResult { id: alarm.id(), alarm: Some(alarm), outcome });
    Ok(Out::object(Payload::done(seq, results.collect::<Vec<_>>())))
}

fn outcome(verdict: Option<&Verdict>) -> &'static str {
    match verdict {
        Some(Verdict::Done) => "DONE",
        Some(Verdict::NotApplicable) => "NOT_APPLICABLE",
        Some(Verdict::NotFound) | None => "NOT_FOUND",
    }
}

/// What was done is on the disk, and what follows in this request sees it.
async fn committed(session: &Session) -> Result<Seq, ApiError> {
    let runtime = session.runtime();
    runtime.shared.journal.durable().await.map_err(|error| ApiError::new(Code::Unavailable, error.to_string()))?;
    let seq: Seq = runtime.view().seq();
    session.read_after(seq);
    session.renew();
    Ok(seq)
}

async fn act(ctx: &RequestContext, args: &Args, action: impl FnOnce(Option<SmolStr>) -> Result<Action, ApiError>) -> Result<Out, ApiError> {
    let session = session(ctx)?;
    let ids = args.texts("ids").unwrap_or_default();
    if ids.len() > ALARMS_MAX {
        let message = format!("{} alarms; at most {ALARMS_MAX} are dealt with at once", ids.len());
        return Err(ApiError::limit("alarms_max", ALARMS_MAX as u64, message).hint("send several mutations"));
    }
    let action = action(args.text("comment").map(SmolStr::new))?;
    let by = SmolStr::new(&ctx.caller.subject);
    let mut told = Vec::with_capacity(ids.len());
    for id in &ids {
        let place = id.strip_prefix("alarm/").and_then(alarm::parse_id);
        let verdict = match place {
            Some((twin, rule, no)) => {
                let said = Told { rule: rule.into(), no: Some(no), action: action.clone(), by: by.clone() };
                session.runtime().tell(twin, said).await.map_err(|error| ApiError::new(Code::Unavailable, error.to_string()))?
            }
            None => None,
        };
        told.push(verdict);
    }
    let seq = committed(session).await?;
    let results = ids.iter().zip(told).map(|(id, verdict)| AlarmResult {
        id: (*id).to_owned(),
        alarm: id.strip_prefix("alarm/").and_then(|place| alarm::find(session, place)),
        outcome: outcome(verdict.as_ref()),
    });
    Ok(Out::object(Payload::done(seq, results.collect::<Vec<_>>())))
}
