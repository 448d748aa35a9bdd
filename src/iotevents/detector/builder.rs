//! Collects what a model is made of while it is compiled: expressions by number, things to send, the draft of the machine.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use smol_str::SmolStr;

use crate::rule::Expression;
use crate::rule::detector::{ActionDraft, DetectorDraft, VariableSpec, assemble};

use super::super::expression::{Reference, Step, Term, parameter, parse, parse_path};
use super::super::file::{PayloadType, Send};
use super::super::finding::{Findings, Kind};
use super::Detector;
use super::meaning::meaning;
use super::outgoing::{Body, OUTGOING_MAX, Outgoing};

/// Of one model.
const EXPRESSIONS_MAX: usize = 16_384;
/// Of an expression, in a message.
const SHOWN_CHARS_MAX: usize = 160;

#[derive(Debug, Default)]
pub(super) struct Builder {
    pub(super) draft: DetectorDraft,
    terms: Vec<Term>,
    /// Where each stands, by how it is written.
    places: BTreeMap<String, Expression>,
    outgoing: Vec<Outgoing>,
    variables: BTreeSet<SmolStr>,
}

impl Builder {
    /// Equal terms are one.
    pub(super) fn term(&mut self, term: Term, place: &str, findings: &mut Findings) -> Option<Expression> {
        let written = term.to_string();
        if let Some(known) = self.places.get(&written) {
            return Some(*known);
        }
        let at = u16::try_from(self.terms.len()).ok().filter(|_| self.terms.len() < EXPRESSIONS_MAX).map(Expression);
        match at {
            Some(at) => {
                self.terms.push(term);
                self.places.insert(written, at);
            }
            None => findings.error(Kind::ServiceLimits, place, format!("more than {EXPRESSIONS_MAX} expressions")),
        }
        at
    }

    pub(super) fn expression(&mut self, text: &str, place: &str, findings: &mut Findings) -> Option<Expression> {
        match parse(text) {
            Ok(term) => self.term(term, place, findings),
            Err(error) => {
                let more = if text.chars().count() > SHOWN_CHARS_MAX { "…" } else { "" };
                let shown: String = text.chars().take(SHOWN_CHARS_MAX).collect();
                findings.error(Kind::ExpressionSyntax, place, format!("`{shown}{more}` is no expression: {error}"));
                None
            }
        }
    }

    /// What does not parse is taken literally.
    pub(super) fn parameter(&mut self, text: &str, place: &str, findings: &mut Findings) -> Option<Expression> {
        let term = parameter(text);
        if parse(text).is_err() && text.contains("${") {
            let message = format!("`{text}` is taken literally, with `${{`: a template stands in quotes, as in \"'{text}'\"");
            findings.warning(Kind::ExpressionSyntax, place, message);
        }
        self.term(term, place, findings)
    }

    pub(super) fn variable(&mut self, name: &SmolStr) {
        self.variables.insert(name.clone());
    }

    /// The action that sends it; the same thing to the same target is one action.
    pub(super) fn send(&mut self, send: &Send, body: Option<Body>, place: &str, findings: &mut Findings) -> Option<ActionDraft> {
        let target = self.parameter(&send.target, place, findings);
        let body = match (body, &send.payload) {
            (Some(body), None) => Some(body),
            (_, Some(payload)) => {
                let content = self.expression(&payload.content, &payload.place, findings);
                content.map(|content| Body::Custom { content, is_json: payload.kind == PayloadType::Json })
            }
            (None, None) => Some(Body::Default),
        };
        let fields: Option<Vec<_>> = send.fields.iter().map(|(key, text)| Some((*key, self.parameter(text, place, findings)?))).collect();
        let outgoing = Outgoing { kind: send.kind, target: target?, body: body?, fields: fields?.into() };
        let known = self.outgoing.iter().position(|known| *known == outgoing);
        let at = known.unwrap_or(self.outgoing.len());
        if at >= OUTGOING_MAX {
            findings.error(Kind::ServiceLimits, place, format!("more than {OUTGOING_MAX} different things are sent"));
            return None;
        }
        if known.is_none() {
            self.outgoing.push(outgoing);
        }
        u8::try_from(at).ok().map(|action| ActionDraft::Act { action })
    }

    /// The path of the key; one that is no path is an error.
    pub(super) fn key(text: Option<&SmolStr>, place: &str, findings: &mut Findings) -> Option<Box<[Step]>> {
        let text = text?;
        parse_path(text).map_err(|error| findings.error(Kind::ExpressionSyntax, place, format!("the key is no path: {error}"))).ok()
    }

    /// With errors among the findings there is none.
    pub(super) fn finish(
        mut self,
        (name, version): (&SmolStr, &SmolStr),
        key: Option<Box<[Step]>>,
        place: &str,
        findings: &mut Findings,
    ) -> Option<Detector> {
        let untyped = |name| VariableSpec { name, initial: None, typed: false };
        self.draft.variables.extend(self.variables.into_iter().map(untyped));
        self.draft.variables.sort_by(|one, other| one.name.cmp(&other.name));
        if findings.has_errors() {
            return None;
        }
        let (definition, problems) = assemble(&self.draft);
        for problem in problems {
            findings.error(Kind::Structure, place, format!("{}: {}", problem.place, problem.message));
        }
        let names = self.draft.names();
        let meaning = meaning(&self.draft, &self.terms, key.as_deref());
        Some(Detector {
            name: name.clone(),
            version: version.clone(),
            key,
            definition: Arc::new(definition?),
            inputs: inputs_of(&self.terms),
            names,
            meaning,
            terms: self.terms.into(),
            outgoing: self.outgoing.into(),
        })
    }
}

/// All inputs that some expression reads or asks for.
fn inputs_of(terms: &[Term]) -> Box<[SmolStr]> {
    let mut inputs = BTreeSet::new();
    for reference in terms.iter().flat_map(Term::references) {
        match reference {
            Reference::Input { input, .. } | Reference::CurrentInput(input) => drop(inputs.insert(input.clone())),
            Reference::Variable(_) | Reference::Timeout(_) | Reference::TriggerType { .. } => {}
        }
    }
    inputs.into_iter().collect()
}
