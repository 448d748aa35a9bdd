//! A rule with its alarm on one twin, as the tests of both see it.

use serde_json::{Value as Json, json};
use smol_str::SmolStr;

use crate::alarm::{self, Condition, Evidence, OutOfService, Severity, Verdict, When};
use crate::reading::{SlotNo, Timestamp, TwinId};
use crate::rule::{
    Action, ActionKind, Ask, Decision, Expression, Fact, Kind, Level, Occasion, On, Rule, Target, Truth, Truths, Voice, Watch, Watched,
};

use super::data::{MINUTE, hms, minutes};

/// Expression 9 is unknown; all others say their number.
pub(super) struct Speaker {
    pub(super) when: Truth,
}

impl Voice for Speaker {
    fn evidence(&self, rule: &Rule, occasion: &Occasion) -> Evidence {
        let Occasion { at, first_true_at, level, by } = occasion;
        let explain = format!("{} since {} at {level} by {}", hms(*at), hms(*first_true_at), by.as_str());
        let text = SmolStr::new(format!("{} at {level}", rule.id));
        Evidence { severity: rule.severity_at(*level), text, explain: Some(explain.into()) }
    }

    fn explain_clear(&self, _rule: &Rule, _occasion: &Occasion) -> Option<SmolStr> {
        Some(SmolStr::new("{}"))
    }

    fn cause(&self, _rule: &Rule) -> SmolStr {
        SmolStr::new("line stopped")
    }

    fn value(&self, expression: Expression) -> Option<Json> {
        (expression.0 != 9).then(|| json!(expression.0))
    }

    fn when(&self, _rule: &Rule) -> Truth {
        self.when
    }
}

pub(super) struct World {
    pub(super) rule: Rule,
    pub(super) twin: TwinId,
    pub(super) out: Option<OutOfService>,
    pub(super) watch: Watch,
    pub(super) voice: Speaker,
    /// All facts, to be replayed.
    pub(super) facts: Vec<Fact>,
}

pub(super) fn when(minute: i64) -> When {
    When::both(Timestamp(minute * MINUTE))
}

impl World {
    pub(super) fn new(rule: Rule) -> World {
        let twin = TwinId::parse("mixer-1").unwrap();
        World { rule, twin, out: None, watch: Watch::default(), voice: Speaker { when: None }, facts: Vec::new() }
    }

    pub(super) fn decide(&mut self, decide: impl FnOnce(&Watched<'_>, &Watch) -> Decision) -> Decision {
        let own = Watched { rule: &self.rule, twin: &self.twin, key: "", out_of_service: self.out.as_ref(), voice: &self.voice };
        let decision = decide(&own, &self.watch);
        for fact in &decision.facts {
            self.watch.apply(fact);
        }
        self.facts.extend(decision.facts.iter().cloned());
        decision
    }

    pub(super) fn hear(&mut self, minute: i64, truth: Truth) -> Vec<String> {
        self.voice.when = truth;
        shown(&self.decide(|own, watch| own.evaluate(watch, &Truths::plain(truth), when(minute))))
    }

    pub(super) fn act(&mut self, minute: i64, action: &alarm::Action) -> Verdict {
        let mut verdict = Verdict::NotFound;
        self.decide(|own, watch| {
            let (own_verdict, decision) = own.act(watch, None, action, "ann", when(minute));
            verdict = own_verdict;
            decision
        });
        verdict
    }

    pub(super) fn condition(&self) -> Condition {
        self.watch.alarm.condition()
    }
}

/// The requests of a decision: key and kind.
pub(super) fn shown(decision: &Decision) -> Vec<String> {
    let asked = decision.requests.iter().map(|request| {
        let kind = match &request.ask {
            Ask::Set { slot, value } => format!("set {slot} to {value}"),
            Ask::Emit { event, .. } => format!("emit {event}"),
            Ask::Publish { topic, .. } => format!("publish to {topic}"),
            Ask::Webhook { name, .. } => format!("webhook {name}"),
            Ask::Command { name, args, .. } => format!("command {name} {}", Json::Object(args.clone())),
            Ask::Raise { id, .. } => format!("raise {id}"),
            Ask::Lower { id, .. } => format!("take back {id}"),
        };
        format!("{}: {kind}", request.key)
    });
    asked.chain(decision.failures.iter().map(|failure| format!("{}: unknown {}", failure.key, failure.expression.0))).collect()
}

pub(super) fn acting(on_delay: u64) -> Rule {
    let mut rule = Rule::new("overheat", Kind::Condition);
    rule.suppressible = true;
    rule.on_delay = minutes(on_delay);
    rule.levels = [Level { severity: Severity::Critical }].into();
    let action = |on, kind| Action { on, kind };
    rule.actions = [
        action(On::Raise, ActionKind::Set { slot: SlotNo(4), value: Expression(1) }),
        action(On::Raise, ActionKind::Publish { topic: Expression(2), payload: None, qos: 1, retain: false }),
        action(On::Raise, ActionKind::Webhook { name: "maintenance".into(), body: Some(Expression(9)) }),
        action(
            On::Reach(1),
            ActionKind::Command { name: "stop".into(), args: [("how".into(), Expression(3))].into(), target: Target::This },
        ),
        action(On::Level, ActionKind::Emit { event: "moved".into(), data: None }),
        action(On::Clear, ActionKind::Set { slot: SlotNo(4), value: Expression(5) }),
        action(On::Acknowledge, ActionKind::Raise { target: Target::Parent, id: "seen".into(), severity: Severity::Info, text: None }),
    ]
    .into();
    rule
}
