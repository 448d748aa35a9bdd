//! Alarm models: a threshold on one attribute, and what it tells whom.

use smol_str::SmolStr;

use super::super::finding::{Findings, Kind};
use super::action::{Action, ActionKind, Send};
use super::node::Node;

#[derive(Debug, Clone, PartialEq)]
pub struct AlarmModel {
    pub name: SmolStr,
    pub description: Option<SmolStr>,
    pub version: SmolStr,
    pub key: Option<SmolStr>,
    pub key_place: String,
    pub severity: Option<i64>,
    /// An expression: `$input.<Input>.<path>`.
    pub property: SmolStr,
    pub comparison: Comparison,
    /// A number or an expression, as written.
    pub threshold: SmolStr,
    pub acknowledge_flow: bool,
    pub starts_disabled: bool,
    /// Done on every change of state.
    pub actions: Vec<Send>,
    pub notifications: Vec<Notification>,
    /// Where the rule stands.
    pub place: String,
}

/// A function that is called with the notification of a change.
#[derive(Debug, Clone, PartialEq)]
pub struct Notification {
    pub function: SmolStr,
    pub emails: serde_json::Value,
    pub texts: serde_json::Value,
    pub place: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
    Equal,
    NotEqual,
}

impl Comparison {
    pub const ALL: [Comparison; 6] = [
        Comparison::Greater,
        Comparison::GreaterOrEqual,
        Comparison::Less,
        Comparison::LessOrEqual,
        Comparison::Equal,
        Comparison::NotEqual,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Comparison::Greater => "GREATER",
            Comparison::GreaterOrEqual => "GREATER_OR_EQUAL",
            Comparison::Less => "LESS",
            Comparison::LessOrEqual => "LESS_OR_EQUAL",
            Comparison::Equal => "EQUAL",
            Comparison::NotEqual => "NOT_EQUAL",
        }
    }

    pub fn symbol(self) -> &'static str {
        match self {
            Comparison::Greater => ">",
            Comparison::GreaterOrEqual => ">=",
            Comparison::Less => "<",
            Comparison::LessOrEqual => "<=",
            Comparison::Equal => "==",
            Comparison::NotEqual => "!=",
        }
    }
}

const KEYS: [&str; 15] = [
    "alarmModelName",
    "alarmModelDescription",
    "alarmModelVersion",
    "alarmModelArn",
    "key",
    "severity",
    "roleArn",
    "alarmRule",
    "alarmCapabilities",
    "alarmEventActions",
    "alarmNotification",
    "creationTime",
    "lastUpdateTime",
    "status",
    "tags",
];

impl AlarmModel {
    pub(super) fn read(stem: &str, root: Node<'_>, findings: &mut Findings) -> Option<AlarmModel> {
        root.only(&KEYS, findings);
        let place = root.require("alarmRule", findings)?;
        place.only(&["simpleRule"], findings);
        let rule = place.require("simpleRule", findings)?;
        rule.only(&["inputProperty", "comparisonOperator", "threshold"], findings);
        let comparison = rule.require_text("comparisonOperator", findings)?;
        let known = Comparison::ALL.into_iter().find(|known| known.as_str() == comparison);
        if known.is_none() {
            let all = Comparison::ALL.map(Comparison::as_str).join(", ");
            findings.error(Kind::Structure, &rule.path_of("comparisonOperator"), format!("there is no operator `{comparison}`: {all}"));
        }
        Some(AlarmModel {
            name: root.text("alarmModelName", findings).unwrap_or_else(|| SmolStr::new(stem)),
            description: root.text("alarmModelDescription", findings),
            version: root.text("alarmModelVersion", findings).unwrap_or_else(|| SmolStr::new_static("1")),
            key: root.text("key", findings),
            key_place: root.path_of("key"),
            severity: root.whole("severity", findings),
            property: rule.require_text("inputProperty", findings)?,
            comparison: known?,
            threshold: rule.require_text("threshold", findings)?,
            acknowledge_flow: flag(&root, &["alarmCapabilities", "acknowledgeFlow"], "enabled", findings),
            starts_disabled: flag(&root, &["alarmCapabilities", "initializationConfiguration"], "disabledOnInitialization", findings),
            actions: actions(&root, findings),
            notifications: notifications(&root, findings),
            place: rule.path,
        })
    }
}

fn flag(root: &Node<'_>, folders: &[&str], key: &str, findings: &mut Findings) -> bool {
    let node = folders.iter().try_fold(root.clone(), |node, folder| node.get(folder));
    node.and_then(|node| node.flag(key, findings)).unwrap_or(false)
}

fn actions(root: &Node<'_>, findings: &mut Findings) -> Vec<Send> {
    let Some(node) = root.get("alarmEventActions") else { return Vec::new() };
    node.only(&["alarmActions"], findings);
    let mut sends = Vec::new();
    for item in node.list("alarmActions", findings) {
        match Action::read(&item, findings).map(|action| action.kind) {
            Some(ActionKind::Send(send)) => sends.push(send),
            None => {}
            Some(
                ActionKind::SetVariable { .. }
                | ActionKind::SetTimer { .. }
                | ActionKind::ResetTimer { .. }
                | ActionKind::ClearTimer { .. },
            ) => findings.error(Kind::SupportedActions, &item.path, "an alarm has neither variables nor timers"),
        }
    }
    sends
}

fn notifications(root: &Node<'_>, findings: &mut Findings) -> Vec<Notification> {
    let Some(node) = root.get("alarmNotification") else { return Vec::new() };
    node.only(&["notificationActions"], findings);
    let mut notifications = Vec::new();
    for item in node.list("notificationActions", findings) {
        item.only(&["action", "emailConfigurations", "smsConfigurations"], findings);
        let lambda = item.get("action").and_then(|action| action.get("lambdaAction"));
        let Some(function) = lambda.and_then(|lambda| lambda.require_text("functionArn", findings)) else { continue };
        let list = |key: &str| item.get(key).map_or_else(|| serde_json::json!([]), |list| list.json.clone());
        let (emails, texts) = (list("emailConfigurations"), list("smsConfigurations"));
        notifications.push(Notification { function, emails, texts, place: item.path });
    }
    notifications
}
