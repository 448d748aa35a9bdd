//! Which backend serves a model: the one it names, or the first that can.

use std::sync::Arc;

use super::ort::Ort;
use super::tract::Tract;
use super::trees::Trees;
use super::{Backend, Kind, Refusal};
use crate::model::library::Library;
use crate::model::onnx::Model;

/// The backends of a process, in the order in which `auto` asks them.
#[derive(Debug, Clone)]
pub struct Backends {
    all: Vec<Arc<dyn Backend>>,
}

pub type Chosen = Arc<dyn Backend>;

/// Why no backend takes a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotServed {
    /// The library is not there.
    Absent(Kind),
    /// The backend that was asked for, or the nearest one, with what it cannot run.
    Refuses { kind: Kind, refusals: Vec<Refusal>, needs_ort: bool },
}

impl Backends {
    pub fn new(library: &Library) -> Backends {
        let mut all: Vec<Arc<dyn Backend>> = Vec::new();
        if let Some(runtime) = &library.loaded {
            all.push(Arc::new(Ort::new(runtime.clone())));
        }
        all.push(Arc::new(Tract));
        all.push(Arc::new(Trees));
        Backends { all }
    }

    /// Of one's own: how tests bring theirs.
    pub fn of(all: Vec<Arc<dyn Backend>>) -> Backends {
        Backends { all }
    }

    pub fn has(&self, kind: Kind) -> bool {
        self.get(kind).is_some()
    }

    pub fn get(&self, kind: Kind) -> Option<&Chosen> {
        self.all.iter().find(|backend| backend.kind() == kind)
    }

    /// `None` asks for any.
    pub fn choose(&self, wanted: Option<Kind>, model: &Model) -> Result<Chosen, NotServed> {
        if let Some(kind) = wanted {
            let backend = self.get(kind).ok_or(NotServed::Absent(kind))?;
            let refusals = backend.refuses(model);
            return if refusals.is_empty() { Ok(Arc::clone(backend)) } else { Err(self.refused(kind, refusals)) };
        }
        let mut nearest: Option<(Kind, Vec<Refusal>)> = None;
        for backend in &self.all {
            let refusals = backend.refuses(model);
            if refusals.is_empty() {
                return Ok(Arc::clone(backend));
            }
            if nearest.as_ref().is_none_or(|(_, fewest)| refusals.len() < fewest.len()) {
                nearest = Some((backend.kind(), refusals));
            }
        }
        let (kind, refusals) = nearest.ok_or(NotServed::Absent(Kind::Ort))?;
        Err(self.refused(kind, refusals))
    }

    fn refused(&self, kind: Kind, refusals: Vec<Refusal>) -> NotServed {
        NotServed::Refuses { kind, refusals, needs_ort: !self.has(Kind::Ort) }
    }
}

impl std::fmt::Display for NotServed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            NotServed::Absent(kind) => write!(f, "{kind} is not there: `make onnxruntime` fetches it, health says where it was looked for"),
            NotServed::Refuses { kind, refusals, needs_ort } => {
                let shown: Vec<String> = refusals.iter().map(Refusal::to_string).collect();
                let remedy = if *needs_ort { "; needs ONNX Runtime, which is not there: `make onnxruntime` fetches it" } else { "" };
                write!(f, "{kind} cannot run {}{remedy}", shown.join(", "))
            }
        }
    }
}
