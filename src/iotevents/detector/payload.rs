//! What is sent: AWS's default payload with exactly its keys, or what the action says.

use serde_json::{Map, Value as Json, json};

use crate::reading::Timestamp;
use crate::rule::Expression;
use crate::rule::detector::TriggerKind;

use super::super::expression::{Surroundings, Value};
use super::super::file::SendKind;
use super::instance::About;
use super::outgoing::{AlarmBody, Body, Outgoing};

/// `Err`: the expression that is unknown.
pub(super) fn payload(outgoing: &Outgoing, entry: &str, about: &About<'_>) -> Result<Json, Expression> {
    let own = match &outgoing.body {
        Body::Default => standard(entry, about),
        Body::Custom { content, is_json } => custom(*content, *is_json, about)?,
        Body::Alarm(alarm) => of_alarm(alarm, about),
    };
    let fields: Result<Vec<(&str, Json)>, Expression> =
        outgoing.fields.iter().map(|(key, expression)| Ok((*key, known(*expression, about)?))).collect();
    let fields = fields?;
    Ok(match outgoing.kind {
        SendKind::DynamoDb => row(own, fields),
        SendKind::IotSiteWise => property(fields, about.scope.at),
        SendKind::Sqs if fields.contains(&("useBase64", Json::Bool(true))) => Json::String(base64(text(own).as_bytes())),
        SendKind::Firehose => match fields.into_iter().find(|(key, _)| *key == "separator") {
            Some((_, separator)) => Json::String(text(own) + &unescaped(&text(separator))),
            None => own,
        },
        SendKind::IotTopicPublish | SendKind::Sns | SendKind::Lambda | SendKind::IotEvents | SendKind::Sqs | SendKind::DynamoDbV2 => own,
    })
}

fn known(expression: Expression, about: &About<'_>) -> Result<Json, Expression> {
    about.instance.outcome(expression, about).known().map(|value| value.to_json()).ok_or(expression)
}

fn text(json: Json) -> String {
    if let Json::String(text) = json { text } else { json.to_string() }
}

/// What is JSON by its text is sent as JSON. A text that is none cannot be sent so: its expression is what is wrong.
fn custom(content: Expression, is_json: bool, about: &About<'_>) -> Result<Json, Expression> {
    let value = known(content, about)?;
    match (is_json, value) {
        (true, Json::String(text)) => serde_json::from_str(&text).map_err(|_| content),
        (true, value) => Ok(value),
        (false, value) => Ok(Json::String(text(value))),
    }
}

fn millis(at: Timestamp) -> i64 {
    at.0.div_euclid(1000)
}

/// `state` is the one in which the action runs, with its variables as of now.
fn standard(event: &str, about: &About<'_>) -> Json {
    let (detector, scope) = (about.instance.detector, about.scope);
    let mut who = Map::from_iter([
        ("detectorModelName".to_owned(), json!(detector.name.as_str())),
        ("detectorModelVersion".to_owned(), json!(detector.version.as_str())),
    ]);
    who.extend(key_value(about).map(|value| ("keyValue".to_owned(), json!(value))));
    let state = detector.names.states.get(usize::from(scope.state)).map_or("", |name| name.as_str());
    let variables = (0u8..).zip(&detector.names.variables).filter_map(|(place, name)| {
        let value = Value::of_scalar(scope.variable(place)?)?;
        Some((name.to_string(), value.to_json()))
    });
    let variables: Map<String, Json> = variables.collect();
    // By the time at which each runs out, as DescribeDetector tells it: AWS shows none in its examples.
    let timers = (0u8..).zip(&detector.names.timers).filter_map(|(place, name)| {
        let due = scope.timer_due(place)?;
        Some((name.to_string(), json!(millis(due) as f64 / 1000.0)))
    });
    let timers: Map<String, Json> = timers.collect();
    json!({
        "eventTime": millis(scope.at),
        "payload": {
            "actionExecutionId": about.instance.execution_id(),
            "detector": who,
            "eventTriggerDetails": trigger(about),
            "state": {"stateName": state, "variables": variables, "timers": timers},
        },
        "eventName": event,
    })
}

fn trigger(about: &About<'_>) -> Json {
    match about.scope.trigger {
        TriggerKind::Timer => json!({"triggerType": "Timer"}),
        TriggerKind::Input => {
            let mut details = Map::from_iter([("triggerType".to_owned(), json!("Message"))]);
            let input = about.instance.detector.inputs.iter().find(|input| about.is_current(input));
            details.extend(input.map(|input| ("inputName".to_owned(), json!(input.as_str()))));
            details.extend(about.instance.inputs.message_id().map(|id| ("messageId".to_owned(), json!(id))));
            Json::Object(details)
        }
    }
}

/// Of any payload: they all picked this instance.
fn key_value(about: &About<'_>) -> Option<String> {
    let detector = about.instance.detector;
    detector.inputs.iter().find_map(|input| detector.key_value(about.payload(input)?))
}

/// A change of state of an alarm; to a function it goes as text, with whom to tell.
fn of_alarm(alarm: &AlarmBody, about: &About<'_>) -> Json {
    let value = |expression: Expression| about.instance.outcome(expression, about).known().map_or(Json::Null, |value| value.to_json());
    let mut event = Map::from_iter([
        ("alarmModelName".to_owned(), json!(about.instance.detector.name.as_str())),
        ("stateUpdateTime".to_owned(), json!(millis(about.scope.at))),
    ]);
    event.extend(key_value(about).map(|value| ("keyValue".to_owned(), json!(value))));
    event.extend(alarm.severity.map(|severity| ("severity".to_owned(), json!(severity))));
    let rule = json!({
        "inputProperty": value(alarm.property), "operator": alarm.comparison.as_str(), "threshold": value(alarm.threshold)
    });
    let state = json!({"stateName": alarm.state.as_str(), "ruleEvaluation": {"simpleRule": rule}});
    event.insert("alarmState".to_owned(), state);
    match &alarm.recipients {
        None => Json::Object(event),
        Some((emails, texts)) => json!({
            "notificationEventPayload": Json::Object(event).to_string(), "emailConfigurations": emails, "smsConfigurations": texts
        }),
    }
}

/// A row of a table: its keys, and the payload as text in one column.
fn row(payload: Json, fields: Vec<(&str, Json)>) -> Json {
    let field = |key: &str| fields.iter().find(|(own, _)| *own == key).map(|(_, value)| value.clone());
    let mut item = Map::new();
    for (name, value) in [("hashKeyField", "hashKeyValue"), ("rangeKeyField", "rangeKeyValue")] {
        if let (Some(name), Some(value)) = (field(name), field(value)) {
            item.insert(text(name), value);
        }
    }
    let column = field("payloadField").map_or_else(|| "payload".to_owned(), text);
    item.insert(column, Json::String(text(payload)));
    json!({"operation": field("operation").unwrap_or_else(|| json!("INSERT")), "item": item})
}

/// As BatchPutAssetPropertyValue has it.
fn property(fields: Vec<(&str, Json)>, at: Timestamp) -> Json {
    let (mut entry, mut value, mut time) = (Map::new(), Map::new(), Map::new());
    let mut quality = json!("GOOD");
    for (key, field) in fields {
        match key {
            "doubleValue" | "integerValue" | "booleanValue" | "stringValue" => drop(value.insert(key.to_owned(), field)),
            "timeInSeconds" | "offsetInNanos" => drop(time.insert(key.to_owned(), field)),
            "quality" => quality = field,
            _ => drop(entry.insert(key.to_owned(), field)),
        }
    }
    if time.is_empty() {
        time.insert("timeInSeconds".to_owned(), json!(at.0.div_euclid(1_000_000)));
        time.insert("offsetInNanos".to_owned(), json!(at.0.rem_euclid(1_000_000) * 1000));
    }
    entry.insert("propertyValues".to_owned(), json!([{"value": value, "timestamp": time, "quality": quality}]));
    Json::Object(entry)
}

/// A separator may be written with its back-slash.
fn unescaped(text: &str) -> String {
    text.replace("\\r", "\r").replace("\\n", "\n").replace("\\t", "\t")
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}
