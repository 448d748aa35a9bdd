//! `[graphql]` and `[graphql.limits]`: the API of clients, and how much one of them may ask for.

use std::path::PathBuf;

use super::views::Views;
use crate::api::limits::{Introspection, Limits};
use crate::config::kind::{ByteCount, names};
use crate::config::setting::section;

names! {
    /// Who may ask what the schema is.
    IntrospectionSetting {
        On = "on",
        /// Callers who have said who they are.
        Authenticated = "authenticated",
        Off = "off",
    }
}

section! {
    /// The GraphQL API.
    Graphql = "graphql" {
        /// The types that the API generates: names, patterns as in `Air*`, or `extends:TYPE`; ancestors come along. Without it all, or
        /// those that twins and bindings use if there are more than `types_generated_max`.
        generate: Option<Vec<String>> = None,
        /// Further views, each with types of its own, at `/graphql?view=NAME`: a table `[graphql.views.NAME]` with `generate`.
        views: Views = Views::default(),
        /// With more types than this, only those in use are generated unless `generate` says otherwise.
        types_generated_max: usize [1..=100_000] = 200,
        /// Where pages that use the API may come from, as in `https://plant.example`. Without it: from here only.
        origins: Vec<String> = Vec::new(),
        /// A folder of `.graphql` files in the workspace. With it only these documents are run, by their SHA-256 or by their exact text.
        trusted_documents: Option<PathBuf> = None,
    }
}

section! {
    /// How much one client may ask of the GraphQL API. Every refusal names the setting.
    GraphqlLimits = "graphql.limits" {
        /// The largest body of a request and the largest message of a socket.
        body_bytes_max: ByteCount [ByteCount::kib(1)..=ByteCount::gib(1)] = ByteCount::mib(2),
        /// The longest document.
        document_bytes_max: ByteCount [ByteCount::kib(1)..=ByteCount::mib(16)] = ByteCount::kib(64),
        /// The largest set of variables.
        variables_bytes_max: ByteCount [ByteCount::kib(1)..=ByteCount::gib(1)] = ByteCount::mib(1),
        /// How deep braces, brackets and parentheses of a document may nest.
        nesting_max: usize [8..=128] = 64,
        /// Tokens of a document.
        tokens_max: usize [100..=1_000_000] = 15_000,
        /// How deep fields may nest, with fragments expanded and without introspection.
        depth_max: u64 [1..=128] = 15,
        /// Selections of an operation, with fragments expanded.
        selections_max: u64 [1..=100_000] = 2_000,
        /// Aliases of an operation, with fragments expanded.
        aliases_max: u64 [0..=100_000] = 100,
        /// Fields at the root of an operation.
        root_fields_max: u64 [1..=100_000] = 50,
        /// Directives of an operation, with fragments expanded.
        directives_max: u64 [0..=100_000] = 100,
        /// What an operation may cost.
        cost_max: u64 [1..=1_000_000_000] = 10_000,
        /// The largest page of a list.
        page_max: usize [1..=10_000] = 200,
        /// Terms of one filter.
        filter_terms_max: usize [1..=10_000] = 200,
        /// Operations of one `applyGraph`.
        graph_ops_max: usize [1..=100_000] = 1_000,
        /// Readings of one mutation; larger deliveries belong to `POST /ingest`.
        ingest_readings_max: usize [1..=100_000] = 1_000,
        /// Twins that one `updateTwins` or `deleteTwins` changes before it answers; more become a job.
        bulk_inline_max: usize [1..=10_000] = 1_000,
        /// Seconds a query may take.
        query_seconds_max: u64 [1..=3_600] = 10,
        /// Seconds a mutation may take.
        mutation_seconds_max: u64 [1..=3_600] = 30,
        /// Seconds that history, aggregates, SQL and dry runs may take.
        analytics_seconds_max: u64 [1..=3_600] = 60,
        /// The largest answer.
        response_bytes_max: ByteCount [ByteCount::kib(1)..=ByteCount::gib(1)] = ByteCount::mib(32),
        /// Operations that run at once; a further one waits a second and is then refused.
        operations_in_flight_max: usize [1..=100_000] = 256,
        /// WebSockets open at once.
        sockets_max: usize [0..=1_000_000] = 2_000,
        /// Those of one subject.
        sockets_per_subject_max: usize [0..=1_000_000] = 50,
        /// Operations of one socket that run at once.
        operations_per_socket_max: usize [1..=10_000] = 64,
        /// Series of one subscription.
        series_per_subscription_max: usize [1..=1_000_000] = 5_000,
        /// Twins of one frame.
        frame_twins_max: usize [1..=100_000] = 1_000,
        /// Frames per second of one subscription.
        rate_hz_max: u32 [1..=1_000] = 30,
        /// Bytes that may wait for one socket; beyond that values are only folded together.
        outbound_bytes_per_socket_max: ByteCount [ByteCount::kib(64)..=ByteCount::gib(1)] = ByteCount::mib(1),
        /// Who may ask what the schema is.
        introspection: IntrospectionSetting = IntrospectionSetting::On,
    }
}

impl GraphqlLimits {
    pub fn limits(&self) -> Limits {
        Limits {
            body_bytes_max: self.body_bytes_max.as_usize(),
            document_bytes_max: self.document_bytes_max.as_usize(),
            variables_bytes_max: self.variables_bytes_max.as_usize(),
            nesting_max: self.nesting_max,
            tokens_max: self.tokens_max,
            depth_max: self.depth_max,
            selections_max: self.selections_max,
            aliases_max: self.aliases_max,
            root_fields_max: self.root_fields_max,
            directives_max: self.directives_max,
            cost_max: self.cost_max,
            page_max: self.page_max,
            filter_terms_max: self.filter_terms_max,
            graph_ops_max: self.graph_ops_max,
            ingest_readings_max: self.ingest_readings_max,
            bulk_inline_max: self.bulk_inline_max,
            query_seconds_max: self.query_seconds_max,
            mutation_seconds_max: self.mutation_seconds_max,
            analytics_seconds_max: self.analytics_seconds_max,
            response_bytes_max: self.response_bytes_max.as_usize(),
            operations_in_flight_max: self.operations_in_flight_max,
            sockets_max: self.sockets_max,
            sockets_per_subject_max: self.sockets_per_subject_max,
            operations_per_socket_max: self.operations_per_socket_max,
            series_per_subscription_max: self.series_per_subscription_max,
            frame_twins_max: self.frame_twins_max,
            rate_hz_max: self.rate_hz_max,
            outbound_bytes_per_socket_max: self.outbound_bytes_per_socket_max.as_usize(),
            introspection: match self.introspection {
                IntrospectionSetting::On => Introspection::On,
                IntrospectionSetting::Authenticated => Introspection::Authenticated,
                IntrospectionSetting::Off => Introspection::Off,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_those_of_the_api() {
        assert_eq!(GraphqlLimits::default().limits(), Limits::default());
    }
}
