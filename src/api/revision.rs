//! A revision of the schema: what one reading of the workspace's types gives, in as many views as are asked for.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use foldhash::HashMap;
use parking_lot::Mutex;

use crate::catalog::Catalog;
use crate::reading::Timestamp;
use crate::runtime::Runtime;

use super::build::{Built, SchemaBuilder};
use super::error::{ApiError, Code};
use super::names::{self, ViewPlan};
use super::prepare::{Checker, TextHash};
use super::session::{Lasting, Services};
use super::types::issue::{Issue, Severity};
use super::types::system::SchemaRevision;
use super::{generated, mutation, query, scalars, subscription, types};

/// Which types are generated, as `[graphql]` says it.
#[derive(Debug, Clone, Default)]
pub struct Choice {
    /// Of the default view; without it all types, or those in use if there are too many.
    pub generate: Option<Vec<String>>,
    pub views: Vec<(String, Vec<String>)>,
    pub types_generated_max: usize,
}

/// What views are made of.
#[derive(Debug, Clone)]
pub struct Parts {
    pub lasting: Arc<Lasting>,
    pub runtime: Arc<Runtime>,
    pub choice: Choice,
    pub started: Timestamp,
}

/// The schema of one view.
pub struct View {
    pub built: Built,
    pub checker: Arc<Checker>,
    pub services: Arc<Services>,
    pub sdl: Arc<str>,
    pub hash: TextHash,
}

impl fmt::Debug for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("View").field("hash", &self.hash).finish_non_exhaustive()
    }
}

/// One per catalog. Views are made when they are first asked for, and kept.
#[derive(Debug)]
pub struct Revision {
    pub number: u64,
    pub at: Timestamp,
    pub catalog: Arc<Catalog>,
    /// What its owner should know of it.
    pub issues: Vec<Issue>,
    /// The types of the default view, chosen while the twins of the files were still known.
    used: BTreeSet<Arc<str>>,
    default: Arc<View>,
    views: Mutex<HashMap<String, Arc<View>>>,
    parts: Parts,
}

impl Revision {
    /// Makes the default view at once: a revision without it is none. `catalog` still has the twins of the files.
    pub fn new(number: u64, at: Timestamp, catalog: &Catalog, parts: Parts) -> Result<Revision, Vec<Issue>> {
        let mut notes = Vec::new();
        let used = default_types(catalog, &parts.choice, &mut notes)?;
        let lean = Arc::new(catalog.without_twins());
        let default = Arc::new(view(&lean, &used, &parts, (number, at, &notes))?);
        Ok(Revision { number, at, catalog: lean, issues: notes, used, default, views: Mutex::default(), parts })
    }

    pub fn default_view(&self) -> &Arc<View> {
        &self.default
    }

    /// The types of the default view.
    pub fn types(&self) -> &BTreeSet<Arc<str>> {
        &self.used
    }

    pub fn view(&self, name: Option<&str>) -> Result<Arc<View>, ApiError> {
        let Some(name) = name else { return Ok(self.default.clone()) };
        if let Some(known) = self.views.lock().get(name) {
            return Ok(known.clone());
        }
        let Some((_, patterns)) = self.parts.choice.views.iter().find(|(known, _)| known == name) else {
            let names: Vec<&str> = self.parts.choice.views.iter().map(|(name, _)| &**name).collect();
            let hint = match names.is_empty() {
                true => "the workspace declares no views; leave out `view`".to_owned(),
                false => format!("views: {}", names.join(", ")),
            };
            return Err(ApiError::new(Code::NotFound, format!("there is no view `{name}`")).hint(hint));
        };
        let made = names::select(&self.catalog, patterns)
            .map_err(|problems| problems.iter().map(|problem| fault("UNKNOWN_TYPE", problem.to_string())).collect::<Vec<_>>())
            .and_then(|chosen| view(&self.catalog, &chosen, &self.parts, (self.number, self.at, &self.issues)));
        match made {
            Ok(view) => Ok(self.views.lock().entry(name.to_owned()).or_insert_with(|| Arc::new(view)).clone()),
            Err(issues) => {
                let first = issues.first().map(|issue| issue.message.clone()).unwrap_or_default();
                Err(ApiError::new(Code::Unavailable, format!("the view `{name}` cannot be made: {first}")))
            }
        }
    }
}

/// The number of a revision, when it was made, and what is to be said of it.
type About<'a> = (u64, Timestamp, &'a [Issue]);

fn fault(code: &str, message: impl Into<String>) -> Issue {
    Issue::new(code, Severity::Major, message)
}

/// The types of the default view.
pub fn default_types(catalog: &Catalog, choice: &Choice, notes: &mut Vec<Issue>) -> Result<BTreeSet<Arc<str>>, Vec<Issue>> {
    if let Some(patterns) = &choice.generate {
        let unknown = |problem: &names::NoSuchType| fault("UNKNOWN_TYPE", problem.to_string());
        return names::select(catalog, patterns).map_err(|problems| problems.iter().map(unknown).collect());
    }
    if catalog.types.len() <= choice.types_generated_max {
        return Ok(catalog.types.iter().map(|layout| layout.name.clone()).collect());
    }
    let used = names::select_used(catalog);
    let mut note = Issue::new(
        "VIEW_SUGGESTED",
        Severity::Info,
        format!(
            "the workspace has {} types, more than `graphql.types_generated_max` ({}): only the {} that twins and bindings use are generated",
            catalog.types.len(),
            choice.types_generated_max,
            used.len()
        ),
    );
    note.hint = Some("choose types with `generate` in [graphql], or declare views in [graphql.views.NAME]".to_owned());
    notes.push(note);
    Ok(used)
}

fn view(catalog: &Arc<Catalog>, chosen: &BTreeSet<Arc<str>>, parts: &Parts, about: About<'_>) -> Result<View, Vec<Issue>> {
    let plan = names::plan(catalog, chosen)
        .map_err(|clashes| clashes.iter().map(|clash| fault("NAME_CLASH", clash.to_string())).collect::<Vec<_>>())?;
    make(catalog, Arc::new(plan), parts, about)
}

fn make(catalog: &Arc<Catalog>, plan: Arc<ViewPlan>, parts: &Parts, (revision, at, issues): About<'_>) -> Result<View, Vec<Issue>> {
    let built = declare(catalog, &plan).build();
    let built = built.map_err(|problems| problems.into_iter().map(|text| fault("SCHEMA_NOT_BUILT", text)).collect::<Vec<_>>())?;
    let checker = Checker::new(&built.sdl, built.weights()).map_err(|invalid| vec![fault("SCHEMA_NOT_BUILT", invalid.to_string())])?;
    let (checker, hash) = (Arc::new(checker), TextHash::of(&built.sdl));
    let schema = SchemaRevision { revision, hash: hash.to_string(), at, issues: issues.to_vec() };
    let services = Services {
        lasting: parts.lasting.clone(),
        runtime: parts.runtime.clone(),
        catalog: catalog.clone(),
        plan,
        limits: parts.lasting.preparer.limits().clone(),
        started: parts.started,
        schema: Arc::new(schema),
        checker: checker.clone(),
    };
    Ok(View { hash, checker, services: Arc::new(services), sdl: Arc::from(&*built.sdl), built })
}

/// The schema of the types that a plan names, or of the core alone if it names none.
pub fn declare(catalog: &Catalog, plan: &Arc<ViewPlan>) -> SchemaBuilder {
    let mut schema = SchemaBuilder::new();
    scalars::declare(&mut schema);
    types::declare(&mut schema, plan);
    query::declare(&mut schema);
    mutation::declare(&mut schema);
    subscription::declare(&mut schema);
    generated::declare(&mut schema, catalog, plan);
    schema
}
