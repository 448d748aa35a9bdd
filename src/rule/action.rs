//! What is to be done when an alarm begins, changes, ends or is acknowledged: as compiled, and as asked for.
//!
//! What an action says is evaluated elsewhere, through a [`Voice`]. Here it is decided which ones are asked for, and under which key: the key makes
//! a repetition after a crash known as the same one.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use smol_str::{SmolStr, format_smolstr};

use crate::alarm::{Change, Evidence, Severity, Suppression, What};
use crate::reading::{SlotNo, Timestamp, TwinId};

use super::settings::Rule;
use super::truth::Truth;

/// The number of an expression or template in the table of its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Expression(pub u16);

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    pub on: On,
    pub kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum On {
    /// `do` of the rule.
    Raise,
    /// `do` of a level: whenever it is entered from below, at the raise as well.
    Reach(u8),
    /// `onLevel`: every change of level.
    Level,
    Clear,
    Acknowledge,
}

impl On {
    /// Only a state of a detector asks for it: no rule has that many levels.
    pub const DETECTOR: On = On::Reach(u8::MAX);
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    Set { slot: SlotNo, value: Expression },
    Emit { event: SmolStr, data: Option<Expression> },
    Publish { topic: Expression, payload: Option<Expression>, qos: u8, retain: bool },
    Webhook { name: SmolStr, body: Option<Expression> },
    Command { name: SmolStr, args: Box<[(SmolStr, Expression)]>, target: Target },
    Raise { target: Target, id: SmolStr, severity: Severity, text: Option<Expression> },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Target {
    This,
    Parent,
    /// By a relation.
    Related(SmolStr),
}

/// An action with all it needs: to be kept until it is done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Request {
    pub key: SmolStr,
    pub ask: Ask,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Ask {
    Set {
        slot: u16,
        value: Json,
    },
    Emit {
        event: SmolStr,
        data: Option<Json>,
    },
    Publish {
        topic: String,
        payload: Option<Json>,
        qos: u8,
        retain: bool,
    },
    /// Without a body the alarm itself is sent.
    Webhook {
        name: SmolStr,
        body: Option<Json>,
    },
    Command {
        name: SmolStr,
        args: Map<String, Json>,
        target: Target,
    },
    Raise {
        target: Target,
        id: SmolStr,
        severity: Severity,
        text: Option<SmolStr>,
    },
    /// What was raised is over.
    Lower {
        target: Target,
        id: SmolStr,
    },
}

impl Ask {
    /// For people.
    pub fn name(&self) -> String {
        match self {
            Ask::Set { .. } => "set".to_owned(),
            Ask::Emit { event, .. } => format!("emit {event}"),
            Ask::Publish { topic, .. } => format!("publish {topic}"),
            Ask::Webhook { name, .. } => format!("webhook {name}"),
            Ask::Command { name, .. } => format!("command {name}"),
            Ask::Raise { id, .. } => format!("raise {id}"),
            Ask::Lower { id, .. } => format!("take back {id}"),
        }
    }
}

/// An action that could not be asked for: something it says is unknown (`ACTION_FAILED`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    pub key: SmolStr,
    pub expression: Expression,
}

/// What a raise, a level or a clear came of: what its explanation has to say besides the values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Occasion {
    pub at: Timestamp,
    /// Of the raise.
    pub first_true_at: Timestamp,
    pub level: u8,
    pub by: By,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// A reading, or whatever else was put in.
    Reading,
    /// A delay that was over.
    Timer,
}

impl By {
    pub fn as_str(self) -> &'static str {
        match self {
            By::Reading => "READING",
            By::Timer => "TIMER",
        }
    }
}

/// Speaks for the twin: what its templates and expressions come to at this moment.
pub trait Voice {
    /// The severity, the text and the explanation of a raise or a level.
    fn evidence(&self, rule: &Rule, occasion: &Occasion) -> Evidence;
    /// The explanation of a clear.
    fn explain_clear(&self, rule: &Rule, occasion: &Occasion) -> Option<SmolStr>;
    /// What suppresses it by design.
    fn cause(&self, rule: &Rule) -> SmolStr;
    /// `None`: unknown.
    fn value(&self, expression: Expression) -> Option<Json>;
    /// Whether the condition holds now.
    fn when(&self, rule: &Rule) -> Truth;
}

/// `twin/rule/occurrence/transition/n`; the key of the alarm stands after the rule where there is one.
pub fn idempotency_key(twin: &TwinId, rule: &str, alarm_key: &str, change: &Change, n: usize) -> SmolStr {
    let separator = if alarm_key.is_empty() { "" } else { ":" };
    format_smolstr!("{twin}/{rule}{separator}{alarm_key}/{}/{}/{n}", change.no, change.serial)
}

impl Kind {
    /// Those that tell people or programs about it, as against those that control something.
    pub fn is_notification(&self) -> bool {
        match self {
            Kind::Publish { .. } | Kind::Webhook { .. } => true,
            Kind::Set { .. } | Kind::Emit { .. } | Kind::Command { .. } | Kind::Raise { .. } => false,
        }
    }

    /// Out of service withholds everything; every other suppression what would be told.
    pub fn is_withheld(&self, suppression: Suppression) -> bool {
        match suppression {
            Suppression::None => false,
            Suppression::Shelved | Suppression::ByDesign => self.is_notification(),
            Suppression::OutOfService => true,
        }
    }

    /// What takes back what it did, where that is for it to say.
    fn undo(&self) -> Option<Ask> {
        match self {
            Kind::Raise { target, id, .. } => Some(Ask::Lower { target: target.clone(), id: id.clone() }),
            Kind::Set { .. } | Kind::Emit { .. } | Kind::Publish { .. } | Kind::Webhook { .. } | Kind::Command { .. } => None,
        }
    }

    /// With what its expressions come to; `None` for one that is unknown.
    pub fn ask(&self, said: &dyn Fn(Expression) -> Option<Json>) -> Result<Ask, Expression> {
        let value = |expression: &Expression| said(*expression).ok_or(*expression);
        let optional = |expression: &Option<Expression>| expression.as_ref().map(value).transpose();
        Ok(match self {
            Kind::Set { slot, value: set } => Ask::Set { slot: slot.0, value: value(set)? },
            Kind::Emit { event, data } => Ask::Emit { event: event.clone(), data: optional(data)? },
            Kind::Publish { topic, payload, qos, retain } => {
                Ask::Publish { topic: text(value(topic)?), payload: optional(payload)?, qos: *qos, retain: *retain }
            }
            Kind::Webhook { name, body } => Ask::Webhook { name: name.clone(), body: optional(body)? },
            Kind::Command { name, args, target } => {
                let args = args.iter().map(|(name, arg)| Ok((name.to_string(), value(arg)?))).collect::<Result<_, Expression>>()?;
                Ask::Command { name: name.clone(), args, target: target.clone() }
            }
            Kind::Raise { target, id, severity, text: said } => {
                let said = optional(said)?.map(|said| SmolStr::from(text(said)));
                Ask::Raise { target: target.clone(), id: id.clone(), severity: *severity, text: said }
            }
        })
    }
}

fn text(value: Json) -> String {
    match value {
        Json::String(text) => text,
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::Array(_) | Json::Object(_) => value.to_string(),
    }
}

impl Action {
    /// What it asks for when it is asked for by a change.
    pub(super) fn ask_for(&self, what: &What, voice: &dyn Voice) -> Result<Ask, Expression> {
        let is_over = matches!(what, What::Cleared { .. } | What::Closed(_)) && self.on == On::Raise;
        match self.kind.undo().filter(|_| is_over) {
            Some(undo) => Ok(undo),
            None => self.kind.ask(&|expression| voice.value(expression)),
        }
    }
}

/// The actions that a change asks for, by their place among those of the rule. `level_before` is the level that was left.
pub(super) fn asked_for<'a>(
    rule: &'a Rule,
    change: &'a Change,
    level_before: u8,
    suppression: Suppression,
) -> impl Iterator<Item = (usize, &'a Action)> {
    rule.actions
        .iter()
        .enumerate()
        .filter(move |(_, action)| is_asked_for(action, &change.what, level_before) && !action.kind.is_withheld(suppression))
}

fn is_asked_for(action: &Action, what: &What, level_before: u8) -> bool {
    match (what, action.on) {
        (What::Raised { .. }, On::Raise) => true,
        (What::Raised { level, .. }, On::Reach(own)) => own == *level,
        (What::Leveled { level, .. }, On::Reach(own)) => own == *level && level_before < own,
        // What it raised elsewhere is over with it.
        (What::Cleared { .. } | What::Closed(_), On::Raise) => action.kind.undo().is_some(),
        (What::Leveled { .. }, On::Level) | (What::Cleared { .. }, On::Clear) | (What::Acknowledged, On::Acknowledge) => true,
        // Announced again: it is told again, and nothing is controlled twice.
        (again, On::Raise) => again.is_announced() && !matches!(again, What::Leveled { .. }) && action.kind.is_notification(),
        (_, On::Reach(_) | On::Level | On::Clear | On::Acknowledge) => false,
    }
}
