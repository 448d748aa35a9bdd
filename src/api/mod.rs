//! The GraphQL API: what clients see at `/graphql` (the specification is `graphql/README.md`), apart from the transports, which live in
//! `http`.

pub mod error;
pub mod frames;
pub mod limits;
pub mod names;
pub mod prepare;
pub mod request;
pub mod session;
pub mod streams;

pub use error::{ApiError, Code};
pub use request::{Answer, Caller, OperationKind, Outcome, Request, Role};
