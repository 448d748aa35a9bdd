//! A twin below which alarms are counted: when they come in a flood, people are told in sums (`rules.md`, 8.3).
//!
//! Which twins these are and what lies below them is not known here: whoever sees the alarms committed tells it, in their order. What was told
//! twice is counted once, so after a crash it may be told again.

use serde_json::{Map, Value as Json, json};
use smol_str::{SmolStr, format_smolstr};

use crate::alarm::{FloodChange, FloodFact, Notice, Raise, Severity, Signal, When};
use crate::catalog::logic::RuleSpec;
use crate::rule::{Ask, Request};
use crate::twin::event::Event;
use crate::twin::input::Flooded;
use crate::twin::recent::Fingerprint;

use super::{Follower, Moment};

/// Stands in keys where the rule does with others. No rule has this id.
const NOTICE: SmolStr = SmolStr::new_static("~flood");

impl Follower<'_> {
    /// Alarms were raised below it.
    pub(in crate::twin) fn counted(mut self, raises: &[Raise]) {
        let mut news: Vec<Raise> = Vec::new();
        for raise in raises {
            let is_known = self.twin.recent.contains(Fingerprint::named(&raise.id)) || news.iter().any(|known| known.id == raise.id);
            if !is_known {
                news.push(raise.clone());
            }
        }
        if !news.is_empty() {
            self.flood(FloodFact::Raised(news));
        }
    }

    /// A notification of an alarm below it is to leave. Whether it is kept back.
    pub(in crate::twin) fn group(mut self, key: &SmolStr, receiver: &SmolStr) -> bool {
        if self.twin.recent.contains(Fingerprint::named(key)) {
            return true;
        }
        self.elapse_flood();
        let Some(flood) = self.twin.state.flood.as_ref().filter(|flood| flood.groups(receiver)) else { return false };
        let at = flood.clock(self.now);
        self.flood(FloodFact::Grouped { key: key.clone(), receiver: receiver.clone(), at });
        true
    }

    /// What is due by time alone.
    pub(super) fn elapse_flood(&mut self) {
        let Some(flood) = &self.twin.state.flood else { return };
        let until = flood.clock(self.now);
        if flood.due().is_some_and(|due| due <= until) {
            self.flood(FloodFact::Elapsed { until });
        }
    }

    /// One of its own alarms came in a flood of an area above it.
    pub(in crate::twin) fn flooded(mut self, flooded: &Flooded) {
        let Flooded { rule, no, first_out, at } = flooded;
        let Some(watch) = self.twin.state.watches.find(rule) else { return };
        let open = watch.alarm.open.as_ref().filter(|open| open.no == *no);
        if open.is_none_or(|open| open.flood && (open.first_out || !first_out)) {
            return;
        }
        let (layout, outside, when) = (self.layout.clone(), RuleSpec::outside_as_it_is(rule), When { at: *at, now: self.now });
        let spec = layout.rule(rule).unwrap_or(&outside);
        let signal = Signal::Flooded { first_out: *first_out };
        self.decide(spec, |watched, watch| watched.tell(watch, &signal, when), Moment::new(*at, &[]));
    }

    fn flood(&mut self, fact: FloodFact) {
        let mut after = self.twin.state.flood.as_deref().cloned().unwrap_or_default();
        let changes = after.apply(&fact);
        self.push(Event::Flood(Box::new(fact)));
        for change in changes {
            let (FloodChange::Begun(notice) | FloodChange::Noticed(notice) | FloodChange::Ended(notice)) = change;
            self.give(&notice);
        }
    }

    /// To whoever listens, and to each of those from whom something was kept back.
    fn give(&mut self, notice: &Notice) {
        let twin = self.twin.state.id.clone();
        let key = |receiver: &str| format_smolstr!("{twin}/{NOTICE}/{}/{}/{receiver}", notice.since.0, notice.no);
        let all = notice.grouped.iter().map(|(_, count)| count).sum();
        let (topic, payload) = (format!("pollux/{twin}/flood"), Some(self.sums(notice, all)));
        let publish = Ask::Publish { topic, payload, qos: 1, retain: false };
        let mut requests = vec![Request { key: key(""), ask: publish }];
        for (receiver, count) in notice.grouped.iter().filter(|(receiver, _)| !receiver.is_empty()) {
            let ask = Ask::Webhook { name: receiver.clone(), body: Some(self.sums(notice, *count)) };
            requests.push(Request { key: key(receiver), ask });
        }
        for request in requests {
            self.ask(&NOTICE, request, notice.at);
        }
    }

    /// `grouped`: how many notifications this stands for.
    fn sums(&self, notice: &Notice, grouped: u32) -> Json {
        let state = &self.twin.state;
        let numbers = Severity::ALL.iter().zip(notice.raised_since_notice).rev().filter(|(_, count)| *count > 0);
        let by_severity: Map<String, Json> = numbers.map(|(severity, count)| (severity.as_str().to_owned(), json!(count))).collect();
        json!({
            "area": state.id.as_str(),
            "name": &*state.name,
            "at": notice.at.to_string(),
            "since": notice.since.to_string(),
            "firstOut": notice.first_out.as_str(),
            "raised": notice.raised,
            "raisedSinceNotice": notice.raised_since_notice.iter().sum::<u32>(),
            "bySeverity": by_severity,
            "notifications": grouped,
            "isOver": notice.is_last,
        })
    }
}

/// Whether this asks for a notice of a flood: that is not kept back itself.
pub fn is_notice(key: &str) -> bool {
    key.split('/').nth(1) == Some(&NOTICE)
}
