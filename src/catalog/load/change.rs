//! Rules that are tried without being written into the workspace: they take their places in the trees of its files, before anything is read in
//! those, so that they are checked like all others and keep their own positions.

use crate::source::keys::RULE;
use crate::source::{
    Diagnostic, Diagnostics, Entry, FileId, Key, Mapping, Node, NodeKind, Scalar, ScalarValue, Sources, Span, codes, did_you_mean,
    list_some, read_yaml, wrong_kind,
};

use super::files::{Files, Tree};
use crate::catalog::Catalog;

/// How far up a rule is looked for.
const ANCESTORS_MAX: usize = 32;

/// One thing to be tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A file that says `type` and `rules`, or one rule with its `type`, or a whole type.
    File(FileId),
    /// Another value for a parameter or a setting of a rule.
    Setting(Setting),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// Without it the one rule that the other changes are about.
    pub rule: Option<RuleName>,
    pub key: String,
    /// The text of the value, as a file of its own.
    pub value: FileId,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RuleName {
    pub type_name: String,
    pub id: String,
}

impl RuleName {
    /// `Mixer.overheat`
    pub fn parse(text: &str) -> Option<RuleName> {
        let (type_name, id) = text.split_once('.')?;
        let is_name = super::is_type_name(type_name) && !id.is_empty() && !id.contains(['.', '/', '\\']);
        is_name.then(|| RuleName { type_name: type_name.to_owned(), id: id.to_owned() })
    }
}

impl RuleName {
    /// Whether there is such a rule; if not, what there is.
    pub fn check(&self, catalog: &Catalog) -> Result<(), String> {
        let meant = |near: Option<&str>| near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        let Some(layout) = catalog.layout(&self.type_name) else {
            let known = || catalog.types.iter().map(|layout| &*layout.name);
            let near = meant(did_you_mean(&self.type_name, known()));
            return Err(format!("there is no type `{}`{near} (types: {})", self.type_name, list_some(known())));
        };
        if layout.rule(&self.id).is_some() {
            return Ok(());
        }
        let known = || layout.logic.rules.iter().map(|spec| spec.rule.id.as_str());
        let near = meant(did_you_mean(&self.id, known()));
        Err(format!("{} has no rule `{}`{near} (rules: {})", self.type_name, self.id, list_some(known())))
    }
}

impl std::fmt::Display for RuleName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.type_name, self.id)
    }
}

/// Puts the changes into the files. Which rules they are about.
pub(super) fn apply(files: &mut Files, sources: &Sources, changes: &[Change], problems: &mut Diagnostics) -> Vec<RuleName> {
    let mut touched = Vec::new();
    for change in changes {
        match change {
            Change::File(file) => touched.extend(put_file(files, sources, *file, problems)),
            Change::Setting(setting) => {
                let rule = setting.rule.clone().or_else(|| Some(touched.first()?).filter(|_| touched.len() == 1).cloned());
                let span = Span::new(setting.value, 0, 0);
                let Some(value) = read_yaml(sources, setting.value, problems) else { continue };
                match rule {
                    Some(rule) => {
                        put_setting(files, &rule, &setting.key, value, span, problems);
                        touched.push(rule);
                    }
                    None => {
                        let message = format!("it is not clear of which rule `{}` is meant", setting.key);
                        let diagnostic = Diagnostic::new(&codes::RULE_UNKNOWN, span, message);
                        problems.push(diagnostic.help("name the rule, as in Mixer.overheat.hi=90"));
                    }
                }
            }
        }
    }
    touched.sort();
    touched.dedup();
    touched
}

fn put_file(files: &mut Files, sources: &Sources, file: FileId, problems: &mut Diagnostics) -> Vec<RuleName> {
    let Some(root) = read_yaml(sources, file, problems) else { return Vec::new() };
    let Some(mapping) = root.as_mapping() else {
        problems.push(wrong_kind(&root, "a file of rules", "a mapping with `type` and `rules`"));
        return Vec::new();
    };
    let Some(type_name) = mapping.get("type").and_then(|entry| entry.value.as_text()).map(str::to_owned) else {
        let diagnostic = Diagnostic::new(&codes::MISSING_KEY, Span::new(file, 0, 0), "the file does not say which type its rules are of");
        problems.push(diagnostic.help("begin it with `type: Mixer`"));
        return Vec::new();
    };
    let is_one_rule = mapping.get("id").is_some();
    let only_rules = mapping.entries.iter().all(|entry| matches!(&*entry.key.text, "type" | "rules"));
    let rules: Vec<Node> = if is_one_rule {
        let entries = mapping.entries.iter().filter(|entry| &*entry.key.text != "type").cloned().collect();
        vec![Node { span: root.span, kind: NodeKind::Mapping(Mapping { entries }) }]
    } else {
        mapping.get("rules").and_then(|entry| entry.value.as_sequence()).unwrap_or_default().to_vec()
    };
    let names = rules.iter().filter_map(|rule| Some(RuleName { type_name: type_name.clone(), id: id_of(rule)?.to_owned() })).collect();
    if !is_one_rule && !only_rules {
        files.broken_types.remove(&type_name);
        files.types.insert(type_name, Tree { file, root });
        return names;
    }
    let span = mapping.get("type").map_or(root.span, |entry| entry.value.span);
    if let Some(list) = rules_of(files, &type_name, span, problems) {
        for rule in rules {
            let standing = id_of(&rule).and_then(|id| list.iter().position(|known| id_of(known) == Some(id)));
            match standing {
                Some(place) => list[place] = rule,
                None => list.push(rule),
            }
        }
    }
    names
}

/// The rules that a type says itself; an empty list where it says none.
fn rules_of<'f>(files: &'f mut Files, type_name: &str, span: Span, problems: &mut Diagnostics) -> Option<&'f mut Vec<Node>> {
    if !files.types.contains_key(type_name) {
        if !files.broken_types.contains(type_name) {
            let known = || files.types.keys().map(String::as_str);
            let diagnostic = Diagnostic::new(&codes::UNKNOWN_TYPE, span, format!("there is no type `{type_name}`"));
            problems.push(diagnostic.suggest(did_you_mean(type_name, known())).help(format!("types: {}", list_some(known()))));
        }
        return None;
    }
    let tree = files.types.get_mut(type_name)?;
    let NodeKind::Mapping(mapping) = &mut tree.root.kind else { return None };
    match &mut entry_or_insert(mapping, "rules", NodeKind::Sequence(Vec::new()), span).value.kind {
        NodeKind::Sequence(items) => Some(items),
        NodeKind::Scalar(_) | NodeKind::Mapping(_) => None,
    }
}

fn put_setting(files: &mut Files, rule: &RuleName, key: &str, value: Node, span: Span, problems: &mut Diagnostics) {
    let Some(declared) = declaration(files, rule) else {
        if rules_of(files, &rule.type_name, span, problems).is_some() {
            let known: Vec<String> = own_and_inherited(files, &rule.type_name);
            let known = || known.iter().map(String::as_str);
            let diagnostic = Diagnostic::new(&codes::RULE_UNKNOWN, span, format!("`{}` has no rule `{}`", rule.type_name, rule.id));
            problems.push(diagnostic.suggest(did_you_mean(&rule.id, known())).help(format!("its rules: {}", list_some(known()))));
        }
        return;
    };
    let params: Vec<String> = declared.get("params").and_then(|entry| entry.value.as_mapping()).map(keys).unwrap_or_default();
    let is_param = params.iter().any(|known| known == key);
    let is_setting = RULE.ready_keys().any(|known| known == key) && !matches!(key, "id" | "params" | "override" | "levels");
    if !is_param && !is_setting {
        let mut known: Vec<&str> = params.iter().map(String::as_str).collect();
        for setting in RULE.ready_keys() {
            known.push(setting);
        }
        let near = did_you_mean(key, known);
        let diagnostic = Diagnostic::new(&codes::EXPR_PARAM, span, format!("{rule} has neither a parameter nor a setting `{key}`"));
        let names = list_some(params.iter().map(String::as_str));
        problems.push(diagnostic.suggest(near).help(format!("its parameters: {names}; settings are onDelay, deadband, severity, …")));
        return;
    }
    let Some(list) = rules_of(files, &rule.type_name, span, problems) else { return };
    let own = match list.iter().position(|known| id_of(known) == Some(&rule.id)) {
        Some(place) => &mut list[place],
        None => {
            // Inherited: it is given other settings here.
            let mut changed = Mapping::default();
            entry_or_insert(&mut changed, "id", text(&rule.id), span);
            let yes = Scalar { text: "true".into(), value: ScalarValue::Bool(true) };
            entry_or_insert(&mut changed, "override", NodeKind::Scalar(yes), span);
            list.push(Node { span, kind: NodeKind::Mapping(changed) });
            let last = list.len() - 1;
            &mut list[last]
        }
    };
    let NodeKind::Mapping(own) = &mut own.kind else { return };
    if !is_param {
        entry_or_insert(own, key, text(""), span).value = value;
        return;
    }
    if let NodeKind::Mapping(params) = &mut entry_or_insert(own, "params", NodeKind::Mapping(Mapping::default()), span).value.kind {
        let param = &mut entry_or_insert(params, key, text(""), span).value;
        match &mut param.kind {
            NodeKind::Mapping(described) => entry_or_insert(described, "default", text(""), span).value = value,
            NodeKind::Scalar(_) | NodeKind::Sequence(_) => *param = value,
        }
    }
}

/// Where the rule says what it means: in the type, or in the nearest that it extends.
fn declaration(files: &Files, rule: &RuleName) -> Option<Mapping> {
    let rules = lineage(files, &rule.type_name).into_iter().flat_map(rules_in);
    let mut mine = rules.filter(|node| id_of(node) == Some(&rule.id)).filter_map(Node::as_mapping);
    mine.find(|mapping| mapping.get("override").is_none()).cloned()
}

fn own_and_inherited(files: &Files, type_name: &str) -> Vec<String> {
    let rules = lineage(files, type_name).into_iter().flat_map(rules_in);
    rules.filter_map(id_of).map(str::to_owned).collect()
}

/// The type and those that it extends, nearest first.
fn lineage<'f>(files: &'f Files, type_name: &str) -> Vec<&'f Mapping> {
    let mut found = Vec::new();
    let mut next = Some(type_name.to_owned());
    while let Some(root) = next.take().and_then(|name| files.types.get(&name)).and_then(|tree| tree.root.as_mapping()) {
        if found.len() >= ANCESTORS_MAX {
            break;
        }
        found.push(root);
        let parent = root.get("extends").and_then(|entry| entry.value.items_or_one().first());
        next = parent.and_then(Node::as_text).map(str::to_owned);
    }
    found
}

fn rules_in(root: &Mapping) -> &[Node] {
    root.get("rules").and_then(|entry| entry.value.as_sequence()).unwrap_or_default()
}

fn id_of(rule: &Node) -> Option<&str> {
    rule.as_mapping()?.get("id")?.value.as_text()
}

fn keys(mapping: &Mapping) -> Vec<String> {
    mapping.entries.iter().map(|entry| entry.key.text.to_string()).collect()
}

fn text(text: &str) -> NodeKind {
    NodeKind::Scalar(Scalar { text: text.into(), value: ScalarValue::Text })
}

fn entry_or_insert<'m>(mapping: &'m mut Mapping, key: &str, kind: NodeKind, span: Span) -> &'m mut Entry {
    let place = mapping.entries.iter().position(|entry| &*entry.key.text == key);
    let place = place.unwrap_or_else(|| {
        mapping.entries.push(Entry { key: Key { text: key.into(), span }, value: Node { span, kind } });
        mapping.entries.len() - 1
    });
    &mut mapping.entries[place]
}
