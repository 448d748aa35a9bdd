//! The bounds of the API, as `[graphql.limits]` names them. Every refusal says which bound it was and its value.

use std::time::Duration;

use serde::Serialize;

/// Who may ask what the schema is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Introspection {
    On,
    /// Callers who have said who they are.
    Authenticated,
    Off,
}

/// One field for each setting, with the same name; clients are told them so, too.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Limits {
    pub body_bytes_max: usize,
    pub document_bytes_max: usize,
    pub variables_bytes_max: usize,
    pub nesting_max: usize,
    pub tokens_max: usize,
    pub depth_max: u64,
    pub selections_max: u64,
    pub aliases_max: u64,
    pub root_fields_max: u64,
    pub directives_max: u64,
    pub cost_max: u64,
    pub page_max: usize,
    pub filter_terms_max: usize,
    pub graph_ops_max: usize,
    pub ingest_readings_max: usize,
    pub bulk_inline_max: usize,
    pub query_seconds_max: u64,
    pub mutation_seconds_max: u64,
    pub analytics_seconds_max: u64,
    pub response_bytes_max: usize,
    pub operations_in_flight_max: usize,
    pub sockets_max: usize,
    pub sockets_per_subject_max: usize,
    pub operations_per_socket_max: usize,
    pub series_per_subscription_max: usize,
    pub frame_twins_max: usize,
    pub rate_hz_max: u32,
    pub outbound_bytes_per_socket_max: usize,
    pub introspection: Introspection,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            body_bytes_max: 2 << 20,
            document_bytes_max: 64 << 10,
            variables_bytes_max: 1 << 20,
            nesting_max: 64,
            tokens_max: 15_000,
            depth_max: 15,
            selections_max: 2_000,
            aliases_max: 100,
            root_fields_max: 50,
            directives_max: 100,
            cost_max: 10_000,
            page_max: 200,
            filter_terms_max: 200,
            graph_ops_max: 1_000,
            ingest_readings_max: 1_000,
            bulk_inline_max: 1_000,
            query_seconds_max: 10,
            mutation_seconds_max: 30,
            analytics_seconds_max: 60,
            response_bytes_max: 32 << 20,
            operations_in_flight_max: 256,
            sockets_max: 2_000,
            sockets_per_subject_max: 50,
            operations_per_socket_max: 64,
            series_per_subscription_max: 5_000,
            frame_twins_max: 1_000,
            rate_hz_max: 30,
            outbound_bytes_per_socket_max: 1 << 20,
            introspection: Introspection::On,
        }
    }
}

impl Limits {
    pub fn query_time_max(&self) -> Duration {
        Duration::from_secs(self.query_seconds_max)
    }

    pub fn mutation_time_max(&self) -> Duration {
        Duration::from_secs(self.mutation_seconds_max)
    }

    pub fn analytics_time_max(&self) -> Duration {
        Duration::from_secs(self.analytics_seconds_max)
    }
}
