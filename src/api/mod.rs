//! The GraphQL API: what clients see at `/graphql` (the specification is `graphql/README.md`), apart from the transports, which live in
//! `http`.

pub mod access;
pub mod build;
pub mod cohort;
pub mod engine;
pub mod error;
pub mod executor;
pub mod frames;
pub mod generated;
pub mod input;
pub mod limits;
pub mod list;
pub mod live;
pub mod meter;
pub mod mutation;
pub mod mutations;
pub mod names;
pub mod prepare;
pub mod publish;
pub mod query;
pub mod relations;
pub mod request;
pub mod revision;
mod roles;
mod running;
pub mod scalars;
pub mod session;
pub mod streams;
pub mod subscription;
pub mod trial;
pub mod types;

pub use error::{ApiError, Code};
pub use executor::Api;
pub use request::{Answer, Caller, OperationKind, Outcome, Request, Role};
