//! Bindings: topics, the twins they belong to, and what becomes of what is unknown.

use std::collections::HashMap;
use std::sync::Arc;

use crate::catalog::binding::{Binding, Shape, Source, Template, TopicPattern, TwinSelector, UnknownTwin, Unmapped};
use crate::source::keys::{BINDING, BINDING_TWIN, PROVISION, TWINS_FILE, UNMAPPED};
use crate::source::{
    Diagnostic, Diagnostics, Fields, Node, NodeKind, Span, codes, did_you_mean, expect_list, expect_mapping, expect_text, list_some,
    wrong_kind,
};

use super::binding_map::{self, Targets};
use super::files::Files;
use super::layouts::Types;
use super::twin::Twins;

/// The codecs of this build. Whoever adds one to `codec` names it here.
const CODECS: &[&str] = &["json"];

pub(super) fn collect(files: &Files, types: &Types, twins: &Twins, problems: &mut Diagnostics) -> Vec<Arc<Binding>> {
    let mut reader = Reader { types, twins, targets: Targets::new(types), ids: HashMap::new(), shapes: HashMap::new(), problems };
    let mut bindings = Vec::new();
    for tree in &files.twins {
        // What is wrong with the file's own keys was said when its twins were read.
        let Some(file) = Fields::read(&TWINS_FILE, &tree.root, "the file", &mut Diagnostics::new()) else { continue };
        let node = file.get("bindings").filter(|node| !node.is_null());
        let items = node.and_then(|node| expect_list(node, "`bindings`", reader.problems));
        bindings.extend(items.into_iter().flatten().filter_map(|item| reader.binding(item)).map(Arc::new));
    }
    bindings
}

struct Reader<'a> {
    types: &'a Types,
    twins: &'a Twins,
    targets: Targets<'a>,
    ids: HashMap<String, Span>,
    /// Where each shape of topic pattern was seen, per source.
    shapes: HashMap<(Source, Shape), (String, Span)>,
    problems: &'a mut Diagnostics,
}

impl Reader<'_> {
    fn binding(&mut self, node: &Node) -> Option<Binding> {
        let id = node.as_mapping().and_then(|mapping| mapping.get("id")).and_then(|entry| entry.value.as_text());
        let what = id.map_or_else(|| "a binding".to_owned(), |id| format!("binding `{id}`"));
        let fields = Fields::read(&BINDING, node, what, self.problems)?;
        let id = fields.require("id", self.problems).and_then(|node| self.id(node));
        let source = self.source(&fields);
        let topic = self.topic(&fields, source.as_ref());
        let twin = topic.as_ref().and_then(|topic| self.selector(&fields, topic));
        let codec = self.codec(&fields);
        let time = fields.get("time").and_then(|node| binding_map::time(node, &fields.what, self.problems));
        let quality = fields.get("quality").and_then(|node| binding_map::quality(node, &fields.what, self.problems));
        let map = fields.get("map").map(|node| self.targets.map(node, &fields.what, self.problems)).unwrap_or_default();
        let unknown_twin = self.unknown_twin(&fields);
        let unmapped = self.unmapped(&fields);
        Some(Binding {
            id: id?,
            source: source?,
            topic: topic?,
            twin: twin?,
            codec: codec?,
            time,
            quality,
            map,
            unknown_twin: unknown_twin?,
            unmapped: unmapped?,
            source_span: fields.get("source").map_or(fields.span, |node| node.span),
        })
    }

    fn id(&mut self, node: &Node) -> Option<Arc<str>> {
        let id = expect_text(node, "`id`", self.problems)?;
        if let Some(first) = self.ids.insert(id.to_owned(), node.span) {
            let diagnostic = Diagnostic::new(&codes::BINDING_TWICE, node.span, format!("there are two bindings `{id}`"));
            self.problems.push(diagnostic.related(first, "the first one"));
            return None;
        }
        Some(Arc::from(id))
    }

    fn source(&mut self, fields: &Fields<'_>) -> Option<Source> {
        let node = fields.require("source", self.problems)?;
        let text = expect_text(node, &format!("`source` of {}", fields.what), self.problems)?;
        Some(match text {
            "mqtt" => Source::Embedded,
            "http" => Source::Http,
            name => Source::Broker(Arc::from(name)),
        })
    }

    fn topic(&mut self, fields: &Fields<'_>, source: Option<&Source>) -> Option<TopicPattern> {
        let node = fields.require("topic", self.problems)?;
        let text = expect_text(node, &format!("`topic` of {}", fields.what), self.problems)?;
        let pattern = TopicPattern::parse(text).map_err(|invalid| {
            let message = format!("not a topic pattern: {invalid}");
            self.problems.push(Diagnostic::new(&codes::BAD_TOPIC, node.char_span(invalid.offset), message));
        });
        let pattern = pattern.ok()?;
        let key = (source?.clone(), pattern.shape());
        if let Some((other, first)) = self.shapes.get(&key) {
            let message = format!("`{text}` and `{other}` match the same topics with equal rank");
            self.problems.push(Diagnostic::new(&codes::TOPIC_TIE, node.span, message).related(*first, "the other pattern"));
        } else {
            self.shapes.insert(key, (text.to_owned(), node.span));
        }
        Some(pattern)
    }

    fn selector(&mut self, fields: &Fields<'_>, topic: &TopicPattern) -> Option<TwinSelector> {
        let node = fields.require("twin", self.problems)?;
        if let Some(text) = node.as_text() {
            return self.template(text, node, topic).map(TwinSelector::Id);
        }
        let what = format!("`twin` of {}", fields.what);
        if node.as_mapping().is_none() {
            self.problems.push(wrong_kind(
                node,
                &what,
                "a template such as \"{tag}\", {externalId: {nameSpace: \"{tag}\"}} or {path: $.id}",
            ));
            return None;
        }
        let inner = Fields::read(&BINDING_TWIN, node, what, self.problems)?;
        match (inner.get("externalId"), inner.get("path")) {
            (Some(external), None) => {
                let mapping = expect_mapping(external, "`externalId`", self.problems)?;
                let [entry] = mapping.entries.as_slice() else {
                    self.problems.push(wrong_kind(external, "`externalId`", "one name space with a template"));
                    return None;
                };
                let text = expect_text(&entry.value, "the external id", self.problems)?;
                let id = self.template(text, &entry.value, topic)?;
                Some(TwinSelector::ExternalId { namespace: entry.key.text.clone(), id })
            }
            (None, Some(path)) => binding_map::path(path, false, self.problems).map(TwinSelector::Path),
            (Some(_), Some(_)) | (None, None) => {
                let message = format!("{} needs either `externalId` or `path`", inner.what);
                self.problems.push(Diagnostic::new(&codes::MISSING_KEY, node.span, message));
                None
            }
        }
    }

    fn template(&mut self, text: &str, node: &Node, topic: &TopicPattern) -> Option<Template> {
        let template = Template::parse(text, topic).map_err(|invalid| {
            let message = format!("not a template: {invalid}");
            self.problems.push(Diagnostic::new(&codes::BAD_TEMPLATE, node.char_span(invalid.offset), message));
        });
        template.ok()
    }

    fn codec(&mut self, fields: &Fields<'_>) -> Option<Arc<str>> {
        let Some(node) = fields.get("codec") else { return Some(Arc::from("json")) };
        let name = fields.text("codec", self.problems)?;
        if !CODECS.contains(&name) {
            let diagnostic = Diagnostic::new(&codes::UNKNOWN_CODEC, node.span, format!("there is no codec `{name}`"));
            self.problems.push(
                diagnostic
                    .suggest(did_you_mean(name, CODECS.iter().copied()))
                    .help(format!("codecs: {}", list_some(CODECS.iter().copied()))),
            );
            return None;
        }
        Some(Arc::from(name))
    }

    fn unknown_twin(&mut self, fields: &Fields<'_>) -> Option<UnknownTwin> {
        let Some(node) = fields.get("unknownTwin") else { return Some(UnknownTwin::Reject) };
        if let NodeKind::Mapping(_) = &node.kind {
            let inner = Fields::read(&PROVISION, node, format!("`unknownTwin` of {}", fields.what), self.problems)?;
            return self.provision(&inner);
        }
        let words = [("reject", false), ("quarantine", true)];
        let quarantine = fields.word("unknownTwin", &words, self.problems)?;
        Some(if quarantine { UnknownTwin::Quarantine } else { UnknownTwin::Reject })
    }

    fn provision(&mut self, fields: &Fields<'_>) -> Option<UnknownTwin> {
        let node = fields.require("provision", self.problems)?;
        let name = fields.text("provision", self.problems)?;
        let entry = self.types.get(name);
        if entry.is_none() && !self.types.is_broken(name) {
            let diagnostic = Diagnostic::new(&codes::UNKNOWN_TYPE, node.span, format!("there is no type `{name}`"));
            self.problems.push(diagnostic.suggest(self.types.nearest(name)));
        }
        if entry.is_some_and(|entry| entry.layout.is_abstract) {
            self.problems.push(Diagnostic::new(
                &codes::ABSTRACT_TYPE,
                node.span,
                format!("`{name}` is abstract: it has no twins of its own"),
            ));
        }
        let inside = match fields.get("in") {
            Some(node) => Some(self.twins.resolve(node, &format!("`in` of {}", fields.what), self.problems)?),
            None => None,
        };
        Some(UnknownTwin::Provision { type_name: Arc::from(name), inside })
    }

    fn unmapped(&mut self, fields: &Fields<'_>) -> Option<Unmapped> {
        let Some(node) = fields.get("unmapped") else { return Some(Unmapped::Count) };
        if let NodeKind::Mapping(_) = &node.kind {
            let inner = Fields::read(&UNMAPPED, node, format!("`unmapped` of {}", fields.what), self.problems)?;
            let target = inner.require("json", self.problems)?;
            let name = inner.text("json", self.problems)?;
            return self.targets.json(name, target.span, self.problems).then(|| Unmapped::Json(name.into()));
        }
        let words = [("count", false), ("reject", true)];
        let reject = fields.word("unmapped", &words, self.problems)?;
        Some(if reject { Unmapped::Reject } else { Unmapped::Count })
    }
}
