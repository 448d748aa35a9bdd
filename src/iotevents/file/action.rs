//! Actions: each is an object with exactly one key, which says what it is.

use smol_str::SmolStr;

use super::super::finding::{Findings, Kind};
use super::node::Node;

#[derive(Debug, Clone, PartialEq)]
pub struct Action {
    pub kind: ActionKind,
    pub place: String,
}

#[derive(Debug, Clone, PartialEq)]
pub enum ActionKind {
    SetVariable { variable: SmolStr, value: SmolStr },
    SetTimer { timer: SmolStr, length: Length },
    ResetTimer { timer: SmolStr },
    ClearTimer { timer: SmolStr },
    Send(Send),
}

#[derive(Debug, Clone, PartialEq)]
pub enum Length {
    Seconds(u64),
    Expression(SmolStr),
}

/// Something that leaves the detector.
#[derive(Debug, Clone, PartialEq)]
pub struct Send {
    pub kind: SendKind,
    /// A topic, an ARN, a URL, the name of a table: as written, an expression or a literal.
    pub target: SmolStr,
    pub payload: Option<Payload>,
    /// What else the action says, by key.
    pub fields: Vec<(&'static str, SmolStr)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SendKind {
    IotTopicPublish,
    Sns,
    Lambda,
    IotEvents,
    Sqs,
    Firehose,
    DynamoDb,
    DynamoDbV2,
    IotSiteWise,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payload {
    pub content: SmolStr,
    pub kind: PayloadType,
    pub place: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PayloadType {
    Json,
    Text,
}

/// A kind with the key of its target and its other keys.
type Form = (SendKind, &'static str, &'static [&'static str]);

const FORMS: [Form; 8] = [
    (SendKind::IotTopicPublish, "mqttTopic", &[]),
    (SendKind::Sns, "targetArn", &[]),
    (SendKind::Lambda, "functionArn", &[]),
    (SendKind::IotEvents, "inputName", &[]),
    (SendKind::Sqs, "queueUrl", &["useBase64"]),
    (SendKind::Firehose, "deliveryStreamName", &["separator"]),
    (SendKind::DynamoDbV2, "tableName", &[]),
    (
        SendKind::DynamoDb,
        "tableName",
        &["hashKeyField", "hashKeyType", "hashKeyValue", "rangeKeyField", "rangeKeyType", "rangeKeyValue", "operation", "payloadField"],
    ),
];

impl SendKind {
    pub const ALL: [SendKind; 9] = [
        SendKind::IotTopicPublish,
        SendKind::Sns,
        SendKind::Lambda,
        SendKind::IotEvents,
        SendKind::Sqs,
        SendKind::Firehose,
        SendKind::DynamoDb,
        SendKind::DynamoDbV2,
        SendKind::IotSiteWise,
    ];

    /// The key of the action.
    pub fn as_str(self) -> &'static str {
        match self {
            SendKind::IotTopicPublish => "iotTopicPublish",
            SendKind::Sns => "sns",
            SendKind::Lambda => "lambda",
            SendKind::IotEvents => "iotEvents",
            SendKind::Sqs => "sqs",
            SendKind::Firehose => "firehose",
            SendKind::DynamoDb => "dynamoDB",
            SendKind::DynamoDbV2 => "dynamoDBv2",
            SendKind::IotSiteWise => "iotSiteWise",
        }
    }
}

impl Action {
    pub(super) fn read(node: &Node<'_>, findings: &mut Findings) -> Option<Action> {
        if !node.is_object(findings) {
            return None;
        }
        let object = node.json.as_object()?;
        let mut keys = object.iter().filter(|(_, value)| !value.is_null()).map(|(key, _)| key.as_str());
        let (first, second) = (keys.next(), keys.next());
        let Some(key) = first.filter(|_| second.is_none()) else {
            let found = if second.is_some() { "several" } else { "none" };
            findings.error(Kind::Structure, &node.path, format!("an action is an object with exactly one key; this one has {found}"));
            return None;
        };
        let body = node.get(key)?;
        let kind = match key {
            "setVariable" => {
                body.only(&["variableName", "value"], findings);
                let (variable, value) = (body.require_text("variableName", findings), body.require_text("value", findings));
                ActionKind::SetVariable { variable: variable?, value: value? }
            }
            "setTimer" => {
                body.only(&["timerName", "seconds", "durationExpression"], findings);
                let (timer, length) = (body.require_text("timerName", findings), length(&body, findings));
                ActionKind::SetTimer { timer: timer?, length: length? }
            }
            "resetTimer" => {
                body.only(&["timerName"], findings);
                ActionKind::ResetTimer { timer: body.require_text("timerName", findings)? }
            }
            "clearTimer" => {
                body.only(&["timerName"], findings);
                ActionKind::ClearTimer { timer: body.require_text("timerName", findings)? }
            }
            _ => match SendKind::ALL.into_iter().find(|kind| kind.as_str() == key) {
                Some(kind) => ActionKind::Send(Send::read(kind, &body, findings)?),
                None => {
                    findings.error(Kind::SupportedActions, &node.path, format!("there is no action `{key}`; {}", near_action(key)));
                    return None;
                }
            },
        };
        Some(Action { kind, place: node.path.clone() })
    }
}

fn near_action(key: &str) -> String {
    let own = ["setVariable", "setTimer", "resetTimer", "clearTimer"];
    let mut known: Vec<&str> = own.into_iter().chain(SendKind::ALL.map(SendKind::as_str)).collect();
    match known.iter().find(|known| strsim::damerau_levenshtein(&known.to_ascii_lowercase(), &key.to_ascii_lowercase()) <= 2) {
        Some(known) => format!("did you mean `{known}`?"),
        None => {
            known.sort_unstable();
            format!("there are {}", known.join(", "))
        }
    }
}

fn length(body: &Node<'_>, findings: &mut Findings) -> Option<Length> {
    match (body.get("seconds").is_some(), body.text("durationExpression", findings)) {
        (false, Some(expression)) => Some(Length::Expression(expression)),
        (true, None) => {
            let seconds = body.whole("seconds", findings)?;
            let positive = u64::try_from(seconds).ok().filter(|seconds| *seconds > 0);
            if positive.is_none() {
                findings.error(Kind::Structure, &body.path, format!("a timer of {seconds} seconds: it takes at least one"));
            }
            positive.map(Length::Seconds)
        }
        (both, _) => {
            let found = if both { "both" } else { "neither" };
            findings.error(
                Kind::Structure,
                &body.path,
                format!("a timer has either `seconds` or `durationExpression`; this one has {found}"),
            );
            None
        }
    }
}

impl Send {
    pub(super) fn read(kind: SendKind, body: &Node<'_>, findings: &mut Findings) -> Option<Send> {
        if !body.is_object(findings) {
            return None;
        }
        let payload = payload(body, findings);
        if kind == SendKind::IotSiteWise {
            return site_wise(body, findings);
        }
        let (_, target, keys) = FORMS.iter().find(|(own, ..)| *own == kind)?;
        body.only(&[&[*target, "payload"], *keys].concat(), findings);
        let mut fields = Vec::new();
        for key in *keys {
            // `useBase64` is a flag; all others are texts.
            let field = match *key {
                "useBase64" => body.flag(key, findings).map(|flag| SmolStr::new(flag.to_string())),
                _ => body.text(key, findings),
            };
            fields.extend(field.map(|field| (*key, field)));
        }
        if kind == SendKind::DynamoDb {
            for key in ["hashKeyField", "hashKeyValue"] {
                body.require(key, findings)?;
            }
        }
        Some(Send { kind, target: body.require_text(target, findings)?, payload, fields })
    }
}

fn payload(body: &Node<'_>, findings: &mut Findings) -> Option<Payload> {
    let node = body.get("payload")?;
    node.only(&["contentExpression", "type"], findings);
    let content = node.require_text("contentExpression", findings)?;
    let kind = match node.text("type", findings).as_deref() {
        None | Some("JSON") => PayloadType::Json,
        Some("STRING") => PayloadType::Text,
        Some(other) => {
            findings.error(Kind::Structure, &node.path, format!("there is no payload type `{other}`: JSON or STRING"));
            return None;
        }
    };
    Some(Payload { content, kind, place: node.path.clone() })
}

/// A property of an asset, by its alias or by both ids.
fn site_wise(body: &Node<'_>, findings: &mut Findings) -> Option<Send> {
    body.only(&["propertyAlias", "assetId", "propertyId", "entryId", "propertyValue"], findings);
    let mut fields = Vec::new();
    for key in ["propertyAlias", "assetId", "propertyId", "entryId"] {
        fields.extend(body.text(key, findings).map(|text| (key, text)));
    }
    if let Some(value) = body.get("propertyValue") {
        value.only(&["value", "timestamp", "quality"], findings);
        fields.extend(value.text("quality", findings).map(|text| ("quality", text)));
        for (part, keys) in [
            ("value", &["doubleValue", "integerValue", "booleanValue", "stringValue"][..]),
            ("timestamp", &["timeInSeconds", "offsetInNanos"][..]),
        ] {
            let Some(part) = value.get(part) else { continue };
            part.only(keys, findings);
            for key in keys {
                fields.extend(part.text(key, findings).map(|text| (*key, text)));
            }
        }
    }
    let target = ["propertyAlias", "propertyId"].iter().find_map(|key| fields.iter().find(|(own, _)| own == key));
    let Some(target) = target.map(|(_, target)| target.clone()) else {
        findings.error(Kind::Structure, &body.path, "a property is named by `propertyAlias`, or by `assetId` and `propertyId`");
        return None;
    };
    Some(Send { kind: SendKind::IotSiteWise, target, payload: None, fields })
}
