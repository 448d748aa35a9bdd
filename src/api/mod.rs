//! The GraphQL API: what clients see at `/graphql` (the specification is `graphql/README.md`), apart from the transports, which live in
//! `http`.

pub mod access;
pub mod error;
pub mod names;
pub mod request;

pub use error::{ApiError, Code};
pub use request::{Answer, Caller, OperationKind, Request, Role};
