//! `System`: what the program says of itself.

use std::sync::Arc;

use serde_json::json;

use super::issue::{Issue, Severity};
use super::twin::session;
use crate::api::build::{Out, SchemaBuilder};
use crate::api::limits::{Introspection, Limits};
use crate::api::meter::Rates;
use crate::api::session::{Services, Session};
use crate::reading::{Seq, Timestamp};
use crate::runtime::HealthReport;

/// One state of the schema.
#[derive(Debug, Clone, PartialEq)]
pub struct SchemaRevision {
    pub revision: u64,
    /// Of its text.
    pub hash: String,
    pub at: Timestamp,
    /// What is not as it should be with it, or why a newer one could not be made.
    pub issues: Vec<Issue>,
}

/// The system at one moment.
#[derive(Debug, Clone)]
pub struct SystemNode {
    services: Arc<Services>,
    rates: Rates,
    seq: Seq,
}

impl SystemNode {
    pub fn of(session: &Session) -> SystemNode {
        let runtime = session.runtime();
        let rates = session.services.lasting.meter.read(runtime, session.now());
        SystemNode { services: session.services.clone(), rates, seq: runtime.view().seq() }
    }

    /// What can be told of it twice without telling anything new.
    pub fn sameness(&self) -> (Seq, Rates) {
        (self.seq, self.rates.clone())
    }
}

/// One part and whether it does what it should.
#[derive(Debug, Clone)]
struct Health {
    part: &'static str,
    detail: Option<String>,
}

const PARTS: [&str; 2] = ["journal", "store"];

fn health(report: &HealthReport) -> Vec<Health> {
    let part = |part| {
        let details: Vec<&str> = report.issues.iter().filter(|issue| issue.part == part).map(|issue| issue.message.as_str()).collect();
        Health { part, detail: (!details.is_empty()).then(|| details.join("; ")) }
    };
    PARTS.into_iter().map(part).collect()
}

/// What stands in the way of the system as a whole: trouble of its parts, and of the schema.
pub fn issues(session: &Session) -> Vec<Issue> {
    let report = session.runtime().health();
    let of_parts = report.issues.into_iter().map(|issue| {
        let severity = if issue.blocking { Severity::Critical } else { Severity::Major };
        Issue::new(&format!("{}_TROUBLE", issue.part.to_uppercase()), severity, issue.message)
    });
    // Of an edit that could not be taken over, too: it left the schema as it was.
    let of_schema = session.services.lasting.schema_changes.borrow().issues.clone();
    of_parts.chain(of_schema).collect()
}

/// Every bound of the API with its name: what the settings of `[graphql.limits]` are.
fn limits_json(limits: &Limits) -> serde_json::Value {
    let introspection = match limits.introspection {
        Introspection::On => "on",
        Introspection::Authenticated => "authenticated",
        Introspection::Off => "off",
    };
    let Limits {
        body_bytes_max,
        document_bytes_max,
        variables_bytes_max,
        nesting_max,
        tokens_max,
        depth_max,
        selections_max,
        aliases_max,
        root_fields_max,
        directives_max,
        cost_max,
        page_max,
        filter_terms_max,
        graph_ops_max,
        ingest_readings_max,
        bulk_inline_max,
        query_seconds_max,
        mutation_seconds_max,
        analytics_seconds_max,
        response_bytes_max,
        operations_in_flight_max,
        sockets_max,
        sockets_per_subject_max,
        operations_per_socket_max,
        series_per_subscription_max,
        frame_twins_max,
        rate_hz_max,
        outbound_bytes_per_socket_max,
        introspection: _,
    } = limits;
    json!({
        "body_bytes_max": body_bytes_max, "document_bytes_max": document_bytes_max, "variables_bytes_max": variables_bytes_max,
        "nesting_max": nesting_max, "tokens_max": tokens_max, "depth_max": depth_max, "selections_max": selections_max,
        "aliases_max": aliases_max, "root_fields_max": root_fields_max, "directives_max": directives_max, "cost_max": cost_max,
        "page_max": page_max, "filter_terms_max": filter_terms_max, "graph_ops_max": graph_ops_max,
        "ingest_readings_max": ingest_readings_max, "bulk_inline_max": bulk_inline_max,
        "query_seconds_max": query_seconds_max, "mutation_seconds_max": mutation_seconds_max,
        "analytics_seconds_max": analytics_seconds_max, "response_bytes_max": response_bytes_max,
        "operations_in_flight_max": operations_in_flight_max, "sockets_max": sockets_max,
        "sockets_per_subject_max": sockets_per_subject_max, "operations_per_socket_max": operations_per_socket_max,
        "series_per_subscription_max": series_per_subscription_max, "frame_twins_max": frame_twins_max, "rate_hz_max": rate_hz_max,
        "outbound_bytes_per_socket_max": outbound_bytes_per_socket_max, "introspection": introspection,
    })
}

pub fn declare(schema: &mut SchemaBuilder) {
    schema
        .object::<SystemNode>("System", "The running program.")
        .value("version", "String!", "", |_, _| env!("CARGO_PKG_VERSION"))
        .value("startedAt", "DateTime!", "", |system, _| Out::print(system.services.started))
        .value("seq", "Long!", "The newest commit that readers see.", |system, _| system.seq.0)
        .value("durability", "String!", "`fsync`: what is acknowledged survives a power cut; `os`: a crash of the program.", |system, _| {
            system.services.lasting.durability
        })
        .value("twins", "Int!", "", |system, _| system.rates.twins)
        .value("resident", "Int!", "Twins whose actor is in memory.", |system, _| system.rates.resident)
        .value("devicesOnline", "Int!", "Devices with a fresh reading.", |system, _| system.rates.online)
        .value("devicesOffline", "Int!", "Devices whose readings are all stale.", |system, _| system.rates.offline)
        .value("readingsPerSecond", "Float!", "Over the last seconds.", |system, _| system.rates.readings_per_second)
        .value("rejectionsPerSecond", "Float!", "Over the last seconds.", |system, _| system.rates.rejections_per_second)
        .value("subscriptions", "Int!", "That follow twins or changes, of all clients.", |system, _| system.rates.subscriptions)
        .value("schema", "SchemaRevision!", "The schema that this answer was made with.", |system, _| {
            Out::object(SchemaRevision::clone(&system.services.schema))
        })
        .value("health", "[Health!]!", "", |system, _| Out::objects(health(&system.services.runtime.health())))
        .value("limits", "JSON!", "Every bound of the API, by the name of its setting in `[graphql.limits]`.", |system, _| {
            Out::Json(limits_json(&system.services.limits))
        });
    schema
        .object::<Health>("Health", "A part of the program.")
        .value("part", "String!", "", |health, _| health.part)
        .value("ok", "Boolean!", "", |health, _| health.detail.is_none())
        .value("detail", "String", "What is wrong with it.", |health, _| health.detail.clone());
    schema
        .object::<SchemaRevision>("SchemaRevision", "A state of this schema: it follows the types of the workspace.")
        .value("revision", "Long!", "Counts from 1 when the program begins.", |schema, _| schema.revision)
        .value("hash", "String!", "Of its text: equal schemas have equal hashes.", |schema, _| schema.hash.clone())
        .value("at", "DateTime!", "When it was made.", |schema, _| Out::print(schema.at))
        .value("issues", "[Issue!]!", "What is not as it should be, or why a newer one could not be made.", |schema, _| {
            Out::objects(schema.issues.iter().cloned())
        });
}

/// The root field.
pub fn root(ctx: &crate::api::engine::RequestContext) -> Result<Out, crate::api::error::ApiError> {
    Ok(Out::object(SystemNode::of(session(ctx)?)))
}
