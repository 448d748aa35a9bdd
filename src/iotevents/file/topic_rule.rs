//! Topic rules of AWS IoT Core, as far as they feed inputs: from which topic, and whether each message has an id of its own.

use smol_str::SmolStr;

use super::super::finding::{Findings, Kind};
use super::node::Node;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicRule {
    pub name: SmolStr,
    /// What its SQL says after FROM.
    pub topic: Option<SmolStr>,
    /// `SELECT *` without WHERE: the input sees what was published.
    pub is_plain: bool,
    pub feeds: Vec<Feed>,
}

/// An input that it feeds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Feed {
    pub input: SmolStr,
    pub message_id: Option<SmolStr>,
    pub place: String,
}

impl TopicRule {
    pub(super) fn read(stem: &str, root: Node<'_>, findings: &mut Findings) -> Option<TopicRule> {
        let name = root.text("ruleName", findings).unwrap_or_else(|| SmolStr::new(stem));
        let body = root.get("topicRulePayload").unwrap_or(root);
        let sql = body.require_text("sql", findings)?;
        let topic = topic_of(&sql);
        if topic.is_none() {
            findings.error(Kind::ExpressionSyntax, &body.path_of("sql"), format!("no topic in quotes after FROM in `{sql}`"));
        }
        let is_plain = is_plain(&sql);
        if !is_plain {
            let message = "only SELECT * without WHERE is brought over; a payload that this rule changes or holds back is not";
            findings.warning(Kind::Import, &body.path_of("sql"), message);
        }
        let mut feeds = Vec::new();
        for action in body.list("actions", findings) {
            let Some(feed) = action.get("iotEvents") else { continue };
            let Some(input) = feed.require_text("inputName", findings) else { continue };
            let message_id = feed.text("messageId", findings);
            let feed = Feed { input, message_id, place: feed.path };
            if feed.has_constant_id() {
                let message = "every message gets the same id, so all but the first within five minutes are taken for repetitions; write \
                               ${newuuid()}, or leave messageId out";
                findings.warning(Kind::ConstantMessageId, &feed.place, message);
            }
            feeds.push(feed);
        }
        Some(TopicRule { name, topic, is_plain, feeds })
    }
}

impl Feed {
    /// An id without a substitution is the same with every message.
    pub fn has_constant_id(&self) -> bool {
        self.message_id.as_deref().is_some_and(|id| !id.is_empty() && !id.contains("${"))
    }
}

fn is_plain(sql: &str) -> bool {
    let words: Vec<String> = sql.split_whitespace().map(str::to_ascii_lowercase).collect();
    matches!(words.as_slice(), [select, all, from, _] if select == "select" && all == "*" && from == "from")
}

/// The text in quotes after FROM.
pub(super) fn topic_of(sql: &str) -> Option<SmolStr> {
    let at = sql.to_ascii_lowercase().find(" from ")?;
    let rest = sql.get(at + 6..)?.trim_start();
    let quote = rest.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    let (topic, _) = rest.get(1..)?.split_once(quote)?;
    (!topic.is_empty()).then(|| SmolStr::new(topic))
}
