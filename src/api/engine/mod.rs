//! Executes operations. The library underneath neither bubbles nulls nor keeps the order of root fields, and loses errors; what the
//! specification of GraphQL says about these is done here.

mod body;
mod bubbling;
mod context;
mod faults;
mod run;
#[cfg(test)]
mod tests;

pub use bubbling::Bubbling;
pub use context::{Ctx, RESPONSE_BYTES_MAX, Receipt, ReceiptAsked, RequestContext};
pub use run::{run, run_stream};
