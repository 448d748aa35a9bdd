//! The environment: `POLLUX_<SECTION>_<KEY>` for every setting, and the variables that settings name as the place of a secret.

use std::collections::BTreeMap;

use super::setting::{Refused, variable};
use super::{Config, Loaded, Origin};
use crate::source::{Diagnostic, Node, NodeKind, Scalar, Sources, Span, codes, did_you_mean, resolve_plain};

const PREFIX: &str = "POLLUX_";

/// Variables and their values. Those that are not text do not concern us.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    pub fn of_process() -> Environment {
        let pairs = std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        Environment(pairs.collect())
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// What is set here becomes lines of a pseudo-file, so that a problem with it is drawn like any other.
    pub(super) fn apply(&self, sources: &mut Sources, loaded: &mut Loaded) {
        let known = known_variables(&loaded.config);
        // A line break would shift the lines of the pseudo-file. What we do not know is not shown: it may be anything.
        let shown = |name: &str, value: &str| if known.contains_key(name) { value.replace(['\n', '\r'], " ") } else { "…".to_owned() };
        let ours: Vec<(&str, &str)> =
            self.0.iter().filter(|(name, _)| concerns_us(name, &known)).map(|(name, value)| (&**name, &**value)).collect();
        if ours.is_empty() {
            return;
        }
        let text: String = ours.iter().map(|(name, value)| format!("{name}={}\n", shown(name, value))).collect();
        let id = sources.add("environment", text.as_bytes());
        let mut start = 0;
        for (name, value) in ours {
            let name_end = start + name.len();
            let end = name_end + 1 + shown(name, value).len();
            match known.get(name) {
                Some((section, key)) => set(loaded, section, key, value, Span::new(id, name_end + 1, end)),
                None => loaded.problems.push(unknown(name, &known, Span::new(id, start, name_end))),
            }
            start = end + 1;
        }
    }
}

/// Names only: values may be secrets.
impl std::fmt::Debug for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.keys()).finish()
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Environment {
        Environment(pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

fn known_variables(config: &Config) -> BTreeMap<String, (&'static str, &'static str)> {
    let rows = config.sections().into_iter().flat_map(|section| section.settings().into_iter().map(|row| (section.name(), row.key)));
    rows.map(|(section, key)| (variable(section, key), (section, key))).collect()
}

/// What begins like ours and is near one of ours was meant to be it. All else is left alone: others use the prefix, too (Kubernetes
/// sets `POLLUX_SERVICE_HOST` if a service has our name), and a secret may have any name.
fn concerns_us(name: &str, known: &BTreeMap<String, (&'static str, &'static str)>) -> bool {
    known.contains_key(name) || near(name, known).is_some()
}

fn near<'a>(name: &str, known: &'a BTreeMap<String, (&'static str, &'static str)>) -> Option<&'a str> {
    // One word alone names a section at most.
    let rest = name.strip_prefix(PREFIX).filter(|rest| rest.contains('_') && !rest.contains("PASSWORD"))?;
    let suggestion = did_you_mean(rest, known.keys().filter_map(|variable| variable.strip_prefix(PREFIX)))?;
    known.keys().map(String::as_str).find(|variable| variable.strip_prefix(PREFIX) == Some(suggestion))
}

fn unknown(name: &str, known: &BTreeMap<String, (&'static str, &'static str)>, span: Span) -> Diagnostic {
    Diagnostic::new(&codes::SETTING_KEY, span, format!("no setting has the environment variable `{name}`")).suggest(near(name, known))
}

fn set(loaded: &mut Loaded, section: &'static str, key: &'static str, value: &str, span: Span) {
    let scalar = Scalar { text: value.into(), value: resolve_plain(value) };
    let node = Node { span, kind: NodeKind::Scalar(scalar) };
    let Some(table) = loaded.config.section_mut(section) else { return };
    match table.set(key, &node) {
        Ok(()) => {
            loaded.origins.insert((section, key), Origin::Environment(span));
        }
        Err(Refused::Value(why)) => {
            let message = format!("`{key}` in [{section}]: {why}");
            loaded.problems.push(Diagnostic::new(&codes::SETTING_VALUE, span, message));
        }
        Err(Refused::UnknownKey) => debug_assert!(false, "the table of a section knows its keys"),
    }
}
