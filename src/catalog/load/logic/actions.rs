//! What rules do: `do`, `onClear`, `onLevel` and `onAcknowledge`, with the expressions that they say.

use smol_str::SmolStr;

use crate::alarm::Severity;
use crate::catalog::layout::{Section, Sync};
use crate::catalog::logic::{RuleSpec, Said};
use crate::expr::Expect;
use crate::reading::SlotNo;
use crate::rule::{ACTIONS_MAX, Action, ActionKind, Expression, On, Target};
use crate::source::keys::ACTION;
use crate::source::{Diagnostic, Fields, Node, codes, did_you_mean, expect_list, expect_mapping, expect_text};

use super::rules::{Reader, SEVERITIES};
use super::scope::shape_of;

/// What an action does; exactly one of them stands in it.
pub(super) const VERBS: [&str; 6] = ["set", "emit", "publish", "webhook", "command", "raise"];
const QOS_MAX: u64 = 2;

impl Reader<'_, '_, '_> {
    /// The actions of a rule. Those of its levels come with the levels.
    pub(super) fn actions(&mut self, spec: &mut RuleSpec) {
        for (key, on) in [("do", On::Raise), ("onClear", On::Clear), ("onLevel", On::Level), ("onAcknowledge", On::Acknowledge)] {
            if let Some(node) = self.fields.get(key) {
                let mut kept: Vec<Action> = std::mem::take(&mut spec.rule.actions).into_vec();
                kept.retain(|action| action.on != on);
                spec.rule.actions = kept.into();
                self.actions_at(node, on, spec);
            }
        }
    }

    pub(super) fn actions_at(&mut self, node: &Node, on: On, spec: &mut RuleSpec) {
        let Some(nodes) = expect_list(node, "a list of actions", self.problems) else { return };
        for node in nodes {
            let Some(kind) = self.action(node, spec) else { continue };
            // What a detector does of its own is bounded there.
            if spec.rule.actions.iter().filter(|action| action.on != On::DETECTOR).count() >= ACTIONS_MAX {
                let message = format!("{} has more than {ACTIONS_MAX} actions", self.fields.what);
                self.problems.push(Diagnostic::new(&codes::LIMIT, node.span, message));
                return;
            }
            let mut actions = std::mem::take(&mut spec.rule.actions).into_vec();
            actions.push(Action { on, kind });
            spec.rule.actions = actions.into();
        }
    }

    pub(super) fn action(&mut self, node: &Node, spec: &mut RuleSpec) -> Option<ActionKind> {
        let fields = Fields::read(&ACTION, node, format!("an action of {}", self.fields.what), self.problems)?;
        let verbs: Vec<&str> = VERBS.into_iter().filter(|verb| fields.get(verb).is_some()).collect();
        let [verb] = verbs[..] else {
            let said = if verbs.is_empty() { "none".to_owned() } else { verbs.join(" and ") };
            let message = format!("{} does exactly one thing: {}; it has {said}", fields.what, VERBS.join(", "));
            self.problems.push(Diagnostic::new(&codes::ACTION_TARGET, node.span, message));
            return None;
        };
        match verb {
            "set" => self.set(&fields, spec),
            "emit" => {
                let event = self.declared_event(&fields)?;
                Some(ActionKind::Emit { event, data: self.value_at(fields.get("data"), "data", spec)? })
            }
            "publish" => {
                let topic = self.text_at(fields.get("publish")?, "publish", spec)?;
                let qos = fields.whole("qos", QOS_MAX, self.problems).and_then(|qos| u8::try_from(qos).ok()).unwrap_or(1);
                let retain = fields.bool("retain", self.problems).unwrap_or(false);
                Some(ActionKind::Publish { topic, payload: self.value_at(fields.get("payload"), "payload", spec)?, qos, retain })
            }
            "webhook" => {
                let node = fields.get("webhook")?;
                let name = expect_text(node, "`webhook`", self.problems)?;
                self.ground.hooks.push((name.into(), node.span));
                Some(ActionKind::Webhook { name: name.into(), body: self.value_at(fields.get("body"), "body", spec)? })
            }
            "command" => self.command(&fields, spec),
            _ => {
                let target = target(expect_text(fields.get("raise")?, "`raise`", self.problems)?);
                let id = expect_text(fields.require("id", self.problems)?, "`id`", self.problems)?;
                let severity = fields.word("severity", SEVERITIES, self.problems).unwrap_or(Severity::Warning);
                let text = match fields.get("text") {
                    Some(node) => Some(self.text_at(node, "text", spec)?),
                    None => None,
                };
                Some(ActionKind::Raise { target, id: id.into(), severity, text })
            }
        }
    }

    /// A property, or what is asked of the device for a setting.
    fn set(&mut self, fields: &Fields<'_>, spec: &mut RuleSpec) -> Option<ActionKind> {
        let node = fields.get("set")?;
        let path = expect_text(node, "`set`", self.problems)?;
        let of_type = self.ground.type_name.clone();
        let slots = self.ground.slots;
        let Some(place) = slots.iter().position(|slot| *slot.path == *path) else {
            if !self.is_blank(path) {
                let settable = slots.iter().filter(|slot| slot.section == Section::Property).map(|slot| &*slot.path);
                let message = format!("{of_type} has no property `{path}`");
                self.problems.push(Diagnostic::new(&codes::ACTION_TARGET, node.span, message).suggest(did_you_mean(path, settable)));
            }
            return None;
        };
        let slot = &slots[place];
        let wrong = match (&slot.property, slot.section) {
            (Some(rules), Section::Property) if rules.sync == Sync::Reported => Some("is set by the device only"),
            (Some(rules), Section::Property) if rules.immutable => Some("is set at creation only"),
            (_, Section::Property) => None,
            (_, Section::Telemetry) => Some("is measured, and rules cannot set it"),
            (_, Section::Computed) => Some("is computed, and rules cannot set it"),
        };
        if let Some(wrong) = wrong {
            self.problems.push(Diagnostic::new(&codes::ACTION_TARGET, node.span, format!("`{path}` {wrong}")));
            return None;
        }
        let node = fields.require("value", self.problems)?;
        let shape = shape_of(slot);
        let what = format!("`value` of {}", fields.what);
        let expect = Expect::Value { name: path, shape: &shape };
        let checked = self.within(|expressions, scope, problems| expressions.read(node, &what, scope, expect, problems))?;
        Some(ActionKind::Set { slot: SlotNo(u16::try_from(place).ok()?), value: keep(spec, Said::Value(checked)) })
    }

    fn command(&mut self, fields: &Fields<'_>, spec: &mut RuleSpec) -> Option<ActionKind> {
        let node = fields.get("command")?;
        let name = expect_text(node, "`command`", self.problems)?;
        let target = target(fields.text("twin", self.problems).unwrap_or("this"));
        // What a parent or a related twin can be asked, its own type says when it is asked.
        if target == Target::This && !self.ground.commands.iter().any(|command| *command.name == *name) && !self.ground.blanks.any {
            let known = self.ground.commands.iter().map(|command| &*command.name);
            let message = format!("{} has no command `{name}`", self.ground.type_name);
            self.problems.push(Diagnostic::new(&codes::ACTION_TARGET, node.span, message).suggest(did_you_mean(name, known)));
            return None;
        }
        let mut args = Vec::new();
        if let Some(node) = fields.get("args") {
            for entry in &expect_mapping(node, "`args`", self.problems)?.entries {
                let said = self.value_at(Some(&entry.value), &entry.key.text, spec)??;
                args.push((SmolStr::new(&entry.key.text), said));
            }
        }
        Some(ActionKind::Command { name: name.into(), args: args.into(), target })
    }

    fn declared_event(&mut self, fields: &Fields<'_>) -> Option<SmolStr> {
        let node = fields.get("emit")?;
        let name = expect_text(node, "`emit`", self.problems)?;
        if !self.ground.events.iter().any(|event| *event.name == *name) && !self.ground.blanks.any {
            let known = self.ground.events.iter().map(|event| &*event.name);
            let message = format!("`{name}` is not an event of {}", self.ground.type_name);
            let diagnostic = Diagnostic::new(&codes::ACTION_TARGET, node.span, message).suggest(did_you_mean(name, known));
            self.problems.push(diagnostic.help(format!("declare it: events: {{{name}: }}")));
            return None;
        }
        Some(name.into())
    }

    fn is_blank(&self, path: &str) -> bool {
        let first = path.split('.').next().unwrap_or(path);
        self.ground.blanks.any || self.ground.blanks.members.contains(first)
    }

    /// An expression, if there is one. `None`: it is wrong.
    pub(super) fn value_at(&mut self, node: Option<&Node>, key: &str, spec: &mut RuleSpec) -> Option<Option<Expression>> {
        let Some(node) = node else { return Some(None) };
        let what = format!("`{key}` of an action of {}", self.fields.what);
        let read = |expressions: &mut super::Expressions, scope: &mut super::TypeScope<'_>, problems: &mut crate::source::Diagnostics| {
            expressions.read(node, &what, scope, Expect::Anything, problems)
        };
        let checked = self.within(read)?;
        Some(Some(keep(spec, Said::Value(checked))))
    }

    /// A text with expressions in braces.
    pub(super) fn text_at(&mut self, node: &Node, key: &str, spec: &mut RuleSpec) -> Option<Expression> {
        let what = format!("`{key}` of an action of {}", self.fields.what);
        let template = self.within(|expressions, scope, problems| expressions.template(node, &what, scope, problems))?;
        Some(keep(spec, Said::Text(template)))
    }
}

pub(super) fn keep(spec: &mut RuleSpec, said: Said) -> Expression {
    let mut all = std::mem::take(&mut spec.said).into_vec();
    all.push(said);
    spec.said = all.into();
    Expression(u16::try_from(spec.said.len() - 1).unwrap_or(u16::MAX))
}

fn target(text: &str) -> Target {
    match text {
        "this" => Target::This,
        "parent" => Target::Parent,
        relation => Target::Related(relation.into()),
    }
}
