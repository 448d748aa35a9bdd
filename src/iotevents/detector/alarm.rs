//! Alarm models: the state machine of `seed-systems.md`, 1.7, exactly, as a detector that raises and clears an alarm of ours.
//!
//! NORMAL –breach→ ACTIVE –in range→ NORMAL, or LATCHED with the acknowledge flow. What operators do arrives as a message on an input of its own
//! ([`alarm_action_input`]), so that it is ordered with the readings, journaled and replayed like them. What is undefined neither raises nor clears.

use serde_json::{Value as Json, json};
use smol_str::{SmolStr, format_smolstr};

use crate::alarm::Severity;
use crate::rule::detector::{ActionDraft, Duration, EntryDraft, Mode, StateDraft};

use super::super::expression::{Piece, Reference, Term, parse};
use super::super::file::{AlarmModel, Send, SendKind};
use super::super::finding::{Finding, Findings, Kind};
use super::Detector;
use super::builder::Builder;
use super::outgoing::{AlarmBody, Body};

/// The input on which an alarm model hears what operators do:
/// `{"action": "snooze", "snoozeDuration": 60, "keyValue": …, "note": …}`, as [`parse_alarm_requests`] makes it.
pub fn alarm_action_input(model: &str) -> SmolStr {
    let name: String = model.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    let begins = name.starts_with(|c: char| c.is_ascii_alphabetic());
    format_smolstr!("{}{name}_Action", if begins { "" } else { "Alarm" })
}

const NORMAL: &str = "NORMAL";
const ACTIVE: &str = "ACTIVE";
const ACKNOWLEDGED: &str = "ACKNOWLEDGED";
const LATCHED: &str = "LATCHED";
const SNOOZED: &str = "SNOOZE_DISABLED";
const DISABLED: &str = "DISABLED";
const STATES: [&str; 6] = [NORMAL, ACTIVE, ACKNOWLEDGED, LATCHED, SNOOZED, DISABLED];
const SNOOZE_TIMER: &str = "snooze";

/// What operators do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AlarmAction {
    Acknowledge,
    Disable,
    Enable,
    Reset,
    Snooze,
}

impl AlarmAction {
    pub const ALL: [AlarmAction; 5] =
        [AlarmAction::Acknowledge, AlarmAction::Disable, AlarmAction::Enable, AlarmAction::Reset, AlarmAction::Snooze];

    pub fn as_str(self) -> &'static str {
        match self {
            AlarmAction::Acknowledge => "acknowledge",
            AlarmAction::Disable => "disable",
            AlarmAction::Enable => "enable",
            AlarmAction::Reset => "reset",
            AlarmAction::Snooze => "snooze",
        }
    }
}

/// `severity` is what our alarm is raised with: that of the file is a number whose meaning nobody documents, and is told on as it is.
pub fn compile_alarm(file: &str, model: &AlarmModel, severity: Severity) -> (Option<Detector>, Vec<Finding>) {
    let mut findings = Findings::new(file);
    let key = Builder::key(model.key.as_ref(), &model.key_place, &mut findings);
    let mut builder = Builder::default();
    let Some(machine) = Machine::new(model, severity, &mut builder, &mut findings) else { return (None, findings.into_list()) };
    builder.draft.mode = Mode::Serial;
    builder.draft.initial = SmolStr::new_static(if model.starts_disabled { DISABLED } else { NORMAL });
    for state in STATES {
        let state = machine.state(state, &mut builder, &mut findings);
        builder.draft.states.push(state);
    }
    let detector = builder.finish((&model.name, &model.version), key, &model.place, &mut findings);
    (detector, findings.into_list())
}

struct Machine<'a> {
    model: &'a AlarmModel,
    severity: Severity,
    /// Whether a message of the rule's inputs shows it in breach, and in range: both are false for what is undefined.
    breach: String,
    in_range: String,
    property: Term,
    threshold: Term,
    text: Term,
}

impl<'a> Machine<'a> {
    fn new(model: &'a AlarmModel, severity: Severity, builder: &mut Builder, findings: &mut Findings) -> Option<Machine<'a>> {
        let mut read = |text: &str, key: &str| {
            builder.expression(text, &format!("{}.{key}", model.place), findings)?;
            parse(text).ok()
        };
        let (property, threshold) = (read(&model.property, "inputProperty"), read(&model.threshold, "threshold"));
        let (property, threshold) = (property?, threshold?);
        let mut inputs: Vec<SmolStr> = Vec::new();
        for reference in property.references().into_iter().chain(threshold.references()) {
            match reference {
                Reference::Input { input, .. } if !inputs.contains(input) => inputs.push(input.clone()),
                Reference::Input { .. }
                | Reference::Variable(_)
                | Reference::Timeout(_)
                | Reference::TriggerType { .. }
                | Reference::CurrentInput(_) => {}
            }
        }
        if inputs.is_empty() {
            findings.error(Kind::Structure, &model.place, "inputProperty names no input: write $input.<Input>.<path>");
            return None;
        }
        let current: Vec<String> = inputs.iter().map(|input| format!("currentInput('{input}')")).collect();
        let current = current.join(" || ");
        // `!=` is true of what is undefined or null: both sides are asked about first.
        let is_there = |side: &Term| format!("!isUndefined({side}) && !isNull({side})");
        let known = format!("{} && {}", is_there(&property), is_there(&threshold));
        let compared = format!("({property}) {} ({threshold})", model.comparison.symbol());
        let text = Term::Template(
            [
                Piece::Inner(property.clone()),
                Piece::Text(format_smolstr!(" {} ", model.comparison.symbol())),
                Piece::Inner(threshold.clone()),
            ]
            .into(),
        );
        Some(Machine {
            model,
            severity,
            breach: format!("({current}) && {known} && ({compared})"),
            in_range: format!("({current}) && {known} && !({compared})"),
            property,
            threshold,
            text,
        })
    }

    fn state(&self, state: &'static str, builder: &mut Builder, findings: &mut Findings) -> StateDraft {
        let (mut on_input, mut on_exit) = (Vec::new(), Vec::new());
        let mut go = |name: &'static str, when: &str, next: &'static str, builder: &mut Builder| {
            on_input.push(self.transition(state, (name, when, next), builder, findings));
        };
        let input = alarm_action_input(&self.model.name);
        let asked = |action: AlarmAction| format!("currentInput('{input}') && $input.{input}.action == '{}'", action.as_str());
        let returned = if self.model.acknowledge_flow { LATCHED } else { NORMAL };
        match state {
            NORMAL => go("breach", &self.breach, ACTIVE, builder),
            ACTIVE => {
                go("inRange", &self.in_range, returned, builder);
                go("acknowledge", &asked(AlarmAction::Acknowledge), ACKNOWLEDGED, builder);
            }
            ACKNOWLEDGED => go("inRange", &self.in_range, NORMAL, builder),
            LATCHED => {
                go("breach", &self.breach, ACTIVE, builder);
                go("acknowledge", &asked(AlarmAction::Acknowledge), NORMAL, builder);
            }
            _ => {
                if state == SNOOZED {
                    go("snoozed", &format!("timeout('{SNOOZE_TIMER}')"), NORMAL, builder);
                }
                go("enable", &asked(AlarmAction::Enable), NORMAL, builder);
            }
        }
        if state != NORMAL {
            go("reset", &asked(AlarmAction::Reset), NORMAL, builder);
        }
        if state != DISABLED {
            go("disable", &asked(AlarmAction::Disable), DISABLED, builder);
        }
        let snooze = format!("{} && $input.{input}.snoozeDuration > 0", asked(AlarmAction::Snooze));
        if state != SNOOZED {
            go("snooze", &snooze, SNOOZED, builder);
        }
        let when = builder.expression(&snooze, &self.model.place, findings);
        let timer = SmolStr::new_static(SNOOZE_TIMER);
        let duration = builder.expression(&format!("$input.{input}.snoozeDuration"), &self.model.place, findings);
        let set = duration.map(|duration| ActionDraft::Start { timer: timer.clone(), duration: Duration::Seconds(duration) });
        // As an event: it comes before the transitions, and in SNOOZE_DISABLED it begins the time anew without a change of state.
        on_input.insert(0, entry("snoozeTimer", when, set.into_iter().collect(), None));
        if state == SNOOZED {
            on_exit.push(entry("awake", None, vec![ActionDraft::Stop { timer }], None));
        }
        StateDraft { name: SmolStr::new_static(state), on_enter: Vec::new(), on_input, on_exit }
    }

    /// Says the new state to everyone who is told, and moves our alarm along.
    fn transition(
        &self,
        from: &str,
        (name, when, next): (&'static str, &str, &'static str),
        builder: &mut Builder,
        findings: &mut Findings,
    ) -> EntryDraft {
        let place = &self.model.place;
        let mut actions = Vec::new();
        let is_on = |state: &str| matches!(state, ACTIVE | ACKNOWLEDGED | LATCHED);
        if next == ACTIVE && !is_on(from) {
            let text = builder.term(self.text.clone(), place, findings);
            actions.push(ActionDraft::Raise { severity: Some(self.severity), text });
        }
        if is_on(from) && !is_on(next) {
            actions.push(ActionDraft::Clear);
        }
        for send in &self.model.actions {
            let body = self.body(next, None, builder, findings);
            actions.extend(builder.send(send, body, place, findings));
        }
        for notification in &self.model.notifications {
            let recipients = Some((notification.emails.clone(), notification.texts.clone()));
            let body = self.body(next, recipients, builder, findings);
            let send = Send { kind: SendKind::Lambda, target: notification.function.clone(), payload: None, fields: Vec::new() };
            actions.extend(builder.send(&send, body, &notification.place, findings));
        }
        let when = builder.expression(when, place, findings);
        entry(name, when, actions, Some(next))
    }

    fn body(&self, state: &'static str, recipients: Option<(Json, Json)>, builder: &mut Builder, findings: &mut Findings) -> Option<Body> {
        Some(Body::Alarm(Box::new(AlarmBody {
            state: SmolStr::new_static(state),
            severity: self.model.severity,
            comparison: self.model.comparison,
            property: builder.term(self.property.clone(), &self.model.place, findings)?,
            threshold: builder.term(self.threshold.clone(), &self.model.place, findings)?,
            recipients,
        })))
    }
}

fn entry(name: &'static str, when: Option<crate::rule::Expression>, actions: Vec<ActionDraft>, goto: Option<&'static str>) -> EntryDraft {
    EntryDraft { name: SmolStr::new_static(name), when, actions, evaluates: Vec::new(), goto: goto.map(SmolStr::new_static) }
}

/// One of BatchAcknowledgeAlarm and its siblings, made into a message for [`alarm_action_input`].
#[derive(Debug, Clone, PartialEq)]
pub struct AlarmRequest {
    pub request_id: String,
    pub model: String,
    pub key_value: Option<String>,
    pub payload: Json,
}

/// Of one call.
const REQUESTS_MAX: usize = 100;

/// Reads `{"snoozeActionRequests": [{"requestId", "alarmModelName", "keyValue", "snoozeDuration"}]}`, all or nothing.
pub fn parse_alarm_requests(json: &Json) -> Result<Vec<AlarmRequest>, String> {
    let mut requests = Vec::new();
    for action in AlarmAction::ALL {
        let key = format!("{}ActionRequests", action.as_str());
        let Some(list) = json.get(&key).filter(|list| !list.is_null()) else { continue };
        let list = list.as_array().ok_or_else(|| format!("{key}: expected a list"))?;
        if list.len() > REQUESTS_MAX {
            return Err(format!("{key}: {} requests; at most {REQUESTS_MAX} at a time", list.len()));
        }
        for (index, request) in list.iter().enumerate() {
            requests.push(request_of(action, request).map_err(|message| format!("{key}[{index}]: {message}"))?);
        }
    }
    if requests.is_empty() {
        let known = AlarmAction::ALL.map(|action| format!("{}ActionRequests", action.as_str())).join(", ");
        return Err(format!("no requests: one of {known} is expected"));
    }
    Ok(requests)
}

fn request_of(action: AlarmAction, request: &Json) -> Result<AlarmRequest, String> {
    let text = |key: &str| request.get(key).and_then(Json::as_str).map(str::to_owned);
    let mut payload = json!({"action": action.as_str()});
    for key in ["note", "keyValue"] {
        if let Some(text) = text(key) {
            payload[key] = Json::String(text);
        }
    }
    if action == AlarmAction::Snooze {
        let seconds = request.get("snoozeDuration").and_then(Json::as_i64).filter(|seconds| *seconds > 0);
        payload["snoozeDuration"] = json!(seconds.ok_or("snoozeDuration: a whole number of seconds above 0 is expected")?);
    }
    Ok(AlarmRequest {
        request_id: text("requestId").ok_or("requestId: a text is expected")?,
        model: text("alarmModelName").ok_or("alarmModelName: a text is expected")?,
        key_value: text("keyValue"),
        payload,
    })
}
