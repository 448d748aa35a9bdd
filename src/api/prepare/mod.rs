//! From a request to an operation that is known to be valid, bounded and allowed, before anything of it runs.
//!
//! ```text
//! request ─▶ persisted: whose text is it? ─▶ document: scan, parse, count, validate (kept per schema and text) ─▶ which operation
//!         ─▶ variables ─▶ bind: constant arguments, merged fields, cost ─▶ Operation, for the engine
//! ```
//!
//! The library that executes validates and coerces incompletely and walks fragments without a memo, so it is handed a document about which
//! nothing is left to decide: one operation, no variables, no directives, no named fragments, no key twice in an object of a known type.

mod bind;
mod cache;
mod coerce;
mod cost;
mod count;
mod document;
mod lines;
mod persisted;
mod scan;
mod schema;
#[cfg(test)]
mod tests;
mod usage;
mod variables;

use std::fmt;
use std::sync::Arc;

use apollo_compiler::Node;
use apollo_compiler::executable::{Operation as CheckedOperation, OperationType};
use async_graphql::parser::types::ExecutableDocument;
use parking_lot::Mutex;
use serde_json::{Map, Value as Json};

pub use bind::RootField;
pub use cost::{Cost, Weight, Weights};
pub use persisted::{TextHash, Trusted, TrustedError};
pub use schema::{Checker, InvalidSchema};

use self::bind::Bound;
use self::cache::Lru;
use self::document::Document;
use self::persisted::{Found, Persisted};
use super::error::{ApiError, Code};
use super::limits::{Introspection, Limits};
use super::request::{Caller, OperationKind, Request};

/// Checked documents that are kept.
const DOCUMENTS_MAX: usize = 1_000;
const DOCUMENTS_BYTES_MAX: usize = 64 << 20;

/// Why a request cannot run: everything that is wrong with it, as far as it was looked at. Never empty.
#[derive(Debug, Clone, PartialEq)]
pub struct Refused {
    pub errors: Vec<ApiError>,
}

impl From<ApiError> for Refused {
    fn from(error: ApiError) -> Refused {
        Refused { errors: vec![error] }
    }
}

impl From<Vec<ApiError>> for Refused {
    fn from(errors: Vec<ApiError>) -> Refused {
        Refused { errors }
    }
}

/// One for all schemas; what it keeps of a schema that is gone makes room by itself.
#[derive(Debug)]
pub struct Preparer {
    limits: Limits,
    persisted: Persisted,
    documents: Mutex<Lru<DocumentKey, Arc<Document>>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct DocumentKey {
    schema: TextHash,
    text: TextHash,
}

/// The operation that is meant, not yet with its variables: what a transport asks before it goes on.
#[derive(Debug, Clone)]
pub struct Chosen {
    checker: Arc<Checker>,
    document: Arc<Document>,
    operation: Node<CheckedOperation>,
}

/// What the engine runs.
#[derive(Clone)]
pub struct Operation {
    pub kind: OperationKind,
    pub name: Option<String>,
    /// In the order of the answer. Empty if all of it is skipped: the answer is then `{}`.
    pub root: Vec<RootField>,
    /// One operation with constant arguments; hand it to the library together with no variables.
    pub document: ExecutableDocument,
    /// As the operation sees them.
    pub variables: Map<String, Json>,
    pub cost: Cost,
    schema_hash: TextHash,
    document_hash: TextHash,
}

impl Preparer {
    /// With trusted documents nothing else is run.
    pub fn new(limits: Limits, trusted: Option<Trusted>) -> Preparer {
        let documents = Mutex::new(Lru::new(DOCUMENTS_MAX, DOCUMENTS_BYTES_MAX));
        Preparer { limits, persisted: Persisted::new(trusted), documents }
    }

    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// All steps at once, for those who run any kind of operation.
    pub fn prepare(&self, checker: &Arc<Checker>, request: &Request, caller: &Caller) -> Result<Operation, Refused> {
        let chosen = self.choose(checker, request)?;
        self.finish(&chosen, request, caller)
    }

    /// Finds the text, checks it unless it is known, and chooses the operation. A document that is new takes milliseconds.
    pub fn choose(&self, checker: &Arc<Checker>, request: &Request) -> Result<Chosen, Refused> {
        let found = self.persisted.find(request)?;
        let document = self.document(checker, &found)?;
        self.persisted.register(&found);
        let operation = document.choose(request.operation_name.as_deref())?;
        Ok(Chosen { checker: Arc::clone(checker), document, operation })
    }

    fn document(&self, checker: &Checker, found: &Found) -> Result<Arc<Document>, Refused> {
        let key = DocumentKey { schema: checker.hash(), text: found.hash };
        if let Some(known) = self.documents.lock().get(&key) {
            return Ok(known);
        }
        // Not under the lock. Two who come with the same new document check it both.
        let document = Arc::new(Document::check(checker, &found.text, found.hash, &self.limits)?);
        self.documents.lock().insert(key, Arc::clone(&document), document.bytes);
        Ok(document)
    }

    /// What it would cost, also where that is more than may run.
    pub fn weigh(&self, chosen: &Chosen, request: &Request) -> Result<Cost, Refused> {
        let (_, bound) = self.bind(chosen, request)?;
        Ok(Cost { limit: self.limits.cost_max, ..bound.cost })
    }

    /// Variables, arguments, cost.
    pub fn finish(&self, chosen: &Chosen, request: &Request, caller: &Caller) -> Result<Operation, Refused> {
        let (variables, bound) = self.bind(chosen, request)?;
        let cost = Cost { limit: self.limits.cost_max, ..bound.cost };
        if cost.cost > cost.limit {
            let message = format!("the operation costs {}; the limit is {}", cost.cost, cost.limit);
            let error = ApiError::limit("cost_max", cost.limit, message);
            return Err(error.hint("ask for smaller pages (`first`, `limit`) or fewer nested lists").into());
        }
        self.check_introspection(&bound.root, caller)?;
        Ok(Operation {
            kind: chosen.kind(),
            name: chosen.name().map(str::to_owned),
            root: bound.root,
            document: bound.engine,
            variables,
            cost,
            schema_hash: chosen.checker.hash(),
            document_hash: chosen.document.hash,
        })
    }

    fn bind(&self, chosen: &Chosen, request: &Request) -> Result<(Map<String, Json>, Bound), Refused> {
        let Chosen { checker, document, operation } = chosen;
        let variables = variables::coerce(checker, operation, &document.lines, request.variables.as_ref(), &self.limits)?;
        let bound = bind::bind(checker, document, operation, &variables)?;
        Ok((variables, bound))
    }

    fn check_introspection(&self, root: &[RootField], caller: &Caller) -> Result<(), ApiError> {
        let is_allowed = match self.limits.introspection {
            Introspection::On => true,
            Introspection::Authenticated => !caller.subject.is_empty(),
            Introspection::Off => false,
        };
        match root.iter().find(|field| is_introspection(field)).filter(|_| !is_allowed) {
            Some(field) => {
                let error = ApiError::new(Code::Forbidden, "introspection is not open to you").hint("see `[graphql.limits] introspection`");
                Err(error.at(field.location.line, field.location.column))
            }
            None => Ok(()),
        }
    }
}

fn is_introspection(field: &RootField) -> bool {
    matches!(field.name.as_str(), "__schema" | "__type")
}

impl Chosen {
    pub fn kind(&self) -> OperationKind {
        match self.operation.operation_type {
            OperationType::Query => OperationKind::Query,
            OperationType::Mutation => OperationKind::Mutation,
            OperationType::Subscription => OperationKind::Subscription,
        }
    }

    pub fn name(&self) -> Option<&str> {
        self.operation.name.as_ref().map(|name| name.as_str())
    }
}

impl Operation {
    /// The answer depends on nothing but the schema and what `answer_key` names.
    pub fn is_introspection_only(&self) -> bool {
        self.root.iter().any(is_introspection) && self.root.iter().all(|field| field.name.starts_with("__"))
    }

    /// The same for equal operations of one schema, and differs for others: what answers may be kept by.
    pub fn answer_key(&self) -> TextHash {
        let name = self.name.as_deref().unwrap_or_default();
        let variables = Json::Object(self.variables.clone());
        TextHash::of(&format!("{} {} {name} {variables}", self.schema_hash, self.document_hash))
    }

    /// Of its text: what logs and lists of recent operations name it by.
    pub fn document_hash(&self) -> TextHash {
        self.document_hash
    }
}

impl fmt::Debug for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Operation").field("kind", &self.kind).field("name", &self.name).field("root", &self.root).finish_non_exhaustive()
    }
}
