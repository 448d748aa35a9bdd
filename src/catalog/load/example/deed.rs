//! What happens in a step besides values: an event of the type, and what an operator does to alarms.

use std::time::Duration;

use crate::alarm::Action;
use crate::catalog::example::Deed;
use crate::source::{Diagnostic, Fields, Node, codes, did_you_mean, expect_text, list_some};

use super::Reader;

/// Keys of [`crate::source::keys::TEST_STEP`] that name a rule.
const ACTIONS: [&str; 5] = ["acknowledge", "clear", "reset", "shelve", "unshelve"];

impl Reader<'_> {
    /// The event comes first, so that an operator may see what came of it.
    pub(super) fn deeds(&mut self, fields: &Fields<'_>) -> Vec<Deed> {
        let mut deeds: Vec<Deed> = self.event(fields).into_iter().collect();
        for (key, owner) in [("data", "event"), ("for", "shelve")] {
            if let Some(entry) = fields.entry(key).filter(|_| fields.get(owner).is_none()) {
                let message = format!("`{key}` says more of `{owner}`, and there is none in this step");
                self.problems.push(Diagnostic::new(&codes::TEST_STEP, entry.key.span, message));
            }
        }
        let time = fields.duration("for", self.problems);
        for word in ACTIONS {
            let told = fields.get(word).and_then(|node| self.told(word, node, time));
            deeds.extend(told);
        }
        deeds
    }

    fn event(&mut self, fields: &Fields<'_>) -> Option<Deed> {
        let node = fields.get("event")?;
        let name = expect_text(node, "`event`", self.problems)?;
        if !self.is_event(name, node) {
            return None;
        }
        let body = fields.get("data").filter(|node| !node.is_null()).map(Node::to_json);
        Some(Deed::Event { name: name.into(), body })
    }

    /// Reported where it is none.
    pub(super) fn is_event(&mut self, name: &str, node: &Node) -> bool {
        if self.layout.logic.event(name).is_some() {
            return true;
        }
        let known = || self.layout.logic.events.iter().map(|event| &*event.name);
        let message = format!("`{name}` is not an event of {}", self.layout.name);
        let diagnostic = Diagnostic::new(&codes::TEST_STEP, node.span, message).suggest(did_you_mean(name, known()));
        let help = match known().next() {
            Some(_) => format!("events: {}", list_some(known())),
            None => format!("declare it: events: {{{name}: }}"),
        };
        self.problems.push(diagnostic.help(help));
        false
    }

    /// Without a time it is shelved until it next returns to normal.
    fn told(&mut self, word: &'static str, node: &Node, time: Option<Duration>) -> Option<Deed> {
        let id = expect_text(node, &format!("`{word}`"), self.problems)?;
        let Some(rule) = self.rule(id) else {
            let known = || self.layout.logic.rules.iter().map(|spec| spec.rule.id.as_str());
            let message = format!("{} has no rule `{id}`", self.layout.name);
            let diagnostic = Diagnostic::new(&codes::TEST_STEP, node.span, message).suggest(did_you_mean(id, known()));
            self.problems.push(diagnostic.help(format!("rules: {}", list_some(known()))));
            return None;
        };
        let action = match word {
            "acknowledge" => Action::Acknowledge { comment: None },
            "clear" => Action::Clear { comment: None },
            "reset" => Action::Reset { comment: None },
            "shelve" => Action::Shelve { time, comment: None },
            _ => Action::Unshelve,
        };
        Some(Deed::Told { rule, action, word, span: node.span })
    }
}
