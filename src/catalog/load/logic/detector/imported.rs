//! A rule whose machine is a file that was exported elsewhere: `detector: detectors/motor.json`. It runs as it is; its inputs are members of the
//! type that hold whole payloads.

use std::sync::Arc;

use smol_str::SmolStr;
use xxhash_rust::xxh3::xxh3_64;

use crate::catalog::detector::{DetectorSpec, Imported, Language};
use crate::catalog::layout::ValueType;
use crate::catalog::logic::RuleSpec;
use crate::iotevents::detector::{Detector, Sink, Sinks, alarm_action_input, compile, compile_alarm};
use crate::iotevents::file::{Document, read};
use crate::iotevents::{Finding, Level};
use crate::reading::SlotNo;
use crate::rule::detector::VARIABLES_MAX;
use crate::source::keys::SINK;
use crate::source::{Diagnostic, Diagnostics, Entry, Fields, Span, codes, did_you_mean, expect_mapping, expect_text, is_ignored};

use super::super::rules::{Reader, SEVERITIES};

/// Targets that one rule gives sinks.
const SINKS_MAX: usize = 4 * VARIABLES_MAX;
/// Findings of one file that are told; `pollux import iot-events --lint` tells all.
const FINDINGS_TOLD_MAX: usize = 20;

impl Reader<'_, '_, '_> {
    /// A hash of the file, for the version of the rule.
    pub(in crate::catalog::load::logic) fn imported(&mut self, spec: &mut RuleSpec) -> Option<u64> {
        let node = self.fields.get("detector")?;
        let path = expect_text(node, "`detector`", self.problems)?;
        let Some(text) = self.ground.detectors.get(path).cloned() else {
            let known = self.ground.detectors.keys().map(String::as_str);
            let message = format!("there is no file `{path}` in the workspace");
            let diagnostic = Diagnostic::new(&codes::DETECTOR_FILE, node.span, message).suggest(did_you_mean(path, known));
            self.problems.push(diagnostic.help("write its path from the folder of the workspace: detectors/motor.json"));
            return None;
        };
        let text = text?;
        let (detector, optional) = self.compiled(path, &text, node.span)?;
        let inputs = self.inputs(&detector, path, optional.as_deref(), node.span)?;
        let sinks = self.sinks()?;
        let mut rule = detector.rule(&spec.rule.id);
        rule.severity = spec.rule.severity;
        spec.rule = rule;
        spec.detector = Some(DetectorSpec {
            names: detector.names.clone(),
            language: Language::Imported(Arc::new(Imported { detector, inputs, sinks })),
        });
        Some(xxh3_64(text.as_bytes()))
    }

    /// The machine, and the input that it does not need.
    fn compiled(&mut self, path: &str, text: &str, span: Span) -> Option<(Detector, Option<SmolStr>)> {
        let (document, mut findings) = read(path, text);
        let (detector, more, optional) = match &document {
            Some(Document::DetectorModel(model)) => {
                let (detector, more) = compile(path, model);
                (detector, more, None)
            }
            Some(Document::AlarmModel(model)) => {
                let severity = self.fields.word("severity", SEVERITIES, &mut Diagnostics::new()).unwrap_or_default();
                let (detector, more) = compile_alarm(path, model, severity);
                (detector, more, Some(alarm_action_input(&model.name)))
            }
            Some(Document::Input(_) | Document::Samples { .. } | Document::TopicRule(_)) => {
                let message = format!("{path} is neither a detector model nor an alarm model");
                self.problems.push(Diagnostic::new(&codes::DETECTOR_FILE, span, message));
                return None;
            }
            None => (None, Vec::new(), None),
        };
        findings.extend(more);
        self.tell(&findings, span);
        Some((detector?, optional))
    }

    fn tell(&mut self, findings: &[Finding], span: Span) {
        let told = findings.iter().filter(|finding| finding.level > Level::Info).take(FINDINGS_TOLD_MAX);
        for finding in told {
            let code = if finding.level == Level::Error { &codes::DETECTOR_FILE } else { &codes::DETECTOR_FINDING };
            let place = if finding.path.is_empty() { String::new() } else { format!(" {}", finding.path) };
            self.problems.push(Diagnostic::new(code, span, format!("{}{place}: {}", finding.file, finding.message)));
        }
    }

    /// The members that hold its inputs. What operators do need not come in.
    fn inputs(&mut self, detector: &Detector, path: &str, optional: Option<&str>, span: Span) -> Option<Box<[(SmolStr, SlotNo)]>> {
        let mut inputs = Vec::new();
        let mut is_fine = true;
        for input in &detector.inputs {
            let place = self.ground.slots.iter().position(|slot| *slot.path == **input);
            let found = place.and_then(|place| u16::try_from(place).ok()).zip(place.and_then(|place| self.ground.slots.get(place)));
            match found {
                Some((place, slot)) if slot.telemetry.is_some() && matches!(slot.value_type, ValueType::Json) => {
                    inputs.push((input.clone(), SlotNo(place)));
                }
                Some(_) => {
                    let message =
                        format!("{path} reads the input {input}, so `{input}` of {} must be telemetry of type json", self.ground.type_name);
                    self.problems.push(Diagnostic::new(&codes::DETECTOR_FILE, span, message));
                    is_fine = false;
                }
                None if optional == Some(input.as_str()) => {}
                None => {
                    is_fine = false;
                    if !self.ground.blanks.any && !self.ground.blanks.members.contains(input.as_str()) {
                        let message =
                            format!("{path} reads the input {input}, and {} has no telemetry of that name", self.ground.type_name);
                        let diagnostic = Diagnostic::new(&codes::DETECTOR_FILE, span, message);
                        self.problems.push(diagnostic.help(format!("add it: telemetry: {{{input}: {{type: json}}}}")));
                    }
                }
            }
        }
        is_fine.then(|| inputs.into())
    }

    fn sinks(&mut self) -> Option<Sinks> {
        let mut sinks = Sinks::default();
        let Some(node) = self.fields.get("sinks") else { return Some(sinks) };
        let mapping = expect_mapping(node, "`sinks`", self.problems)?;
        if mapping.entries.len() > SINKS_MAX {
            let message = format!("`sinks` has {} targets; the most are {SINKS_MAX}", mapping.entries.len());
            self.problems.push(Diagnostic::new(&codes::LIMIT, node.span, message));
            return None;
        }
        for entry in mapping.entries.iter().filter(|entry| !is_ignored(&entry.key.text)) {
            let sink = self.sink(entry)?;
            sinks.0.insert(entry.key.text.to_string(), sink);
        }
        Some(sinks)
    }

    fn sink(&mut self, entry: &Entry) -> Option<Sink> {
        let fields = Fields::read(&SINK, &entry.value, format!("sink `{}`", entry.key.text), self.problems)?;
        let given: Vec<&str> = ["publish", "webhook", "command", "emit"].into_iter().filter(|key| fields.get(key).is_some()).collect();
        let [verb] = given[..] else {
            let said = if given.is_empty() { "none".to_owned() } else { given.join(" and ") };
            let message = format!("{} needs exactly one of `publish`, `webhook`, `command` and `emit`; it has {said}", fields.what);
            self.problems.push(Diagnostic::new(&codes::ACTION_TARGET, fields.span, message));
            return None;
        };
        let node = fields.get(verb)?;
        let name = expect_text(node, &format!("`{verb}`"), self.problems)?;
        let known: Vec<&str> = match verb {
            "publish" => return Some(Sink::Publish(name.to_owned())),
            "webhook" => return Some(Sink::Webhook(name.into())),
            "command" => self.ground.commands.iter().map(|command| &*command.name).collect(),
            _ => self.ground.events.iter().map(|event| &*event.name).collect(),
        };
        if !known.contains(&name) && !self.ground.blanks.any {
            let what = if verb == "command" { "command" } else { "event" };
            let message = format!("{} has no {what} `{name}`", self.ground.type_name);
            self.problems.push(Diagnostic::new(&codes::ACTION_TARGET, node.span, message).suggest(did_you_mean(name, known)));
            return None;
        }
        Some(if verb == "command" { Sink::Command(name.into()) } else { Sink::Log(name.into()) })
    }
}
