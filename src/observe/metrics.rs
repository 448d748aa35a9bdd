//! Every metric there is: name, kind and help in one table.
//!
//! Each part of the program keeps plain counters of its own, which cost an addition where something happens. `app` reads them when somebody
//! asks for the page and puts them under these names. So no part knows how metrics are shown, and nothing is global.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Only grows.
    Counter,
    Gauge,
    Histogram,
}

#[derive(Debug, PartialEq, Eq)]
pub struct Metric {
    pub kind: Kind,
    pub name: &'static str,
    pub help: &'static str,
    /// The label that tells its series apart, if there are several.
    pub label: Option<&'static str>,
}

macro_rules! metrics {
    ($($kind:ident $constant:ident = $name:literal $({$label:ident})? $help:literal;)*) => {
        $(
            #[doc = $help]
            pub static $constant: Metric = Metric { kind: Kind::$kind, name: $name, help: $help, label: metrics!(@label $($label)?) };
        )*
        /// All of them, in the order of the page.
        pub static ALL: &[&Metric] = &[$(&$constant),*];
    };
    (@label) => { None };
    (@label $label:ident) => { Some(stringify!($label)) };
}

metrics! {
    Counter READINGS = "pollux_readings_total" {outcome} "Readings by what became of them.";
    Counter VIEW_LATE = "pollux_view_late_total" "Readings that came too late for rules that wait for older ones.";
    Counter VIEW_REPLACED = "pollux_view_replaced_total" "Readings that took the place of another one of their instant while rules waited.";
    Counter REJECTIONS = "pollux_rejections_total" "Payloads and values that could not be used.";
    Counter REJECTIONS_NOT_STORED = "pollux_rejections_not_stored_total" "Rejections over the rate that is stored.";
    Gauge PERMITS_TAKEN = "pollux_permits_taken" "Packets under way between the wire and the disk.";
    Gauge PERMITS_MAX = "pollux_permits_max" "The most packets that may be under way.";

    Gauge CONNECTIONS = "pollux_connections" {transport} "Connections open now.";
    Counter CONNECTS = "pollux_connects_total" {transport} "Connections accepted.";
    Counter CONNECTS_REFUSED = "pollux_connects_refused_total" {transport} "Connections turned away.";
    Counter PACKETS = "pollux_packets_total" {transport} "Packets and requests that came in.";
    Counter PACKETS_SHED = "pollux_packets_shed_total" {transport} "QoS 0 messages dropped because too much was under way.";
    Counter PACKETS_MALFORMED = "pollux_packets_malformed_total" {transport} "Connections ended because of what they sent.";
    Counter PACKETS_OFFERED_AGAIN = "pollux_packets_offered_again_total" {transport} "Packets offered again because nobody had dealt with them.";
    Counter PUBLISHES = "pollux_publishes_total" {qos} "MQTT messages that came in, by quality of service.";
    Counter ACKS = "pollux_acks_total" {transport} "Acknowledgements sent.";
    Counter ACKS_REFUSED = "pollux_acks_refused_total" {transport} "Acknowledgements that carried a refusal.";
    Counter BYTES_IN = "pollux_received_bytes_total" {transport} "Bytes that came in.";
    Counter BYTES_OUT = "pollux_sent_bytes_total" {transport} "Bytes that went out.";
    Counter SUBSCRIBER_SENT = "pollux_subscriber_messages_total" "Messages sent to MQTT subscribers.";
    Counter SUBSCRIBER_DROPPED = "pollux_subscriber_messages_dropped_total" "Messages that slow MQTT subscribers missed.";
    Gauge BROKER_CONNECTED = "pollux_broker_connected" {broker} "Whether the external broker is connected.";
    Gauge BROKER_UNACKNOWLEDGED = "pollux_broker_unacknowledged" {broker} "Messages of the external broker that wait for their commit.";
    Gauge WEBHOOK_WAITING = "pollux_webhook_waiting" {webhook} "Deliveries that wait for their first or next attempt.";
    Gauge WEBHOOK_IN_FLIGHT = "pollux_webhook_in_flight" {webhook} "Deliveries under way.";
    Counter WEBHOOK_DELIVERED = "pollux_webhook_delivered_total" {webhook} "Deliveries that the receiver has taken.";
    Counter WEBHOOK_ATTEMPTS_FAILED = "pollux_webhook_attempts_failed_total" {webhook} "Attempts without success.";
    Counter WEBHOOK_GIVEN_UP = "pollux_webhook_given_up_total" {webhook} "Deliveries that were given up.";

    Gauge AREA_FLOODED = "pollux_alarm_area_flooded" {area} "Whether alarms of the area come in a flood now.";
    Gauge AREA_ALARMS = "pollux_alarm_area_per_ten_minutes" {area} "Alarms per ten minutes, the mean of the last 24 hours.";
    Gauge AREA_PEAK = "pollux_alarm_area_per_ten_minutes_max" {area} "The most alarms in ten minutes of the last 24 hours.";
    Gauge AREA_FLOOD_SHARE = "pollux_alarm_area_flood_ratio" {area} "The share of the last 24 hours that was flood.";
    Gauge AREA_CHATTERING = "pollux_alarm_area_chattering" {area} "Alarms that came and went too often in the last 24 hours.";
    Gauge AREA_STANDING = "pollux_alarm_area_standing" {area} "Alarms that have been active for more than 24 hours.";
    Gauge AREA_ACKNOWLEDGE = "pollux_alarm_area_acknowledge_seconds" {area} "The mean time until an alarm of the last 24 hours was acknowledged.";
    Gauge ALARMS_FREQUENT = "pollux_alarms_frequent" {rule} "The ten rules with the most alarms in the last 24 hours.";

    Histogram JOURNAL_FSYNC_SECONDS = "pollux_journal_fsync_seconds" "How long bringing a group to the disk took.";
    Counter JOURNAL_FSYNCS_FAILED = "pollux_journal_fsyncs_failed_total" "Groups that the disk did not take at the first try.";
    Counter JOURNAL_GROUPS = "pollux_journal_groups_total" "Groups committed; commits per group are pollux_journal_last_seq by this.";
    Counter JOURNAL_BYTES = "pollux_journal_bytes_total" "Bytes written to the journal.";
    Gauge JOURNAL_LAST_SEQ = "pollux_journal_last_seq" "The last commit.";
    Gauge JOURNAL_PENDING_BYTES = "pollux_journal_pending_bytes" "What waits to be written.";
    Gauge JOURNAL_PENDING_BYTES_MAX = "pollux_journal_pending_bytes_max" "The most that may wait to be written.";
    Gauge JOURNAL_SEGMENTS = "pollux_journal_segments" "Segment files that are kept.";
    Gauge JOURNAL_BYTES_ON_DISK = "pollux_journal_disk_bytes" "What the segments take on disk.";

    Gauge TWINS = "pollux_twins" {state} "Twins by the state of their actor.";
    Counter RESTARTS = "pollux_actor_restarts_total" "Actors restarted after a crash.";
    Gauge PROJECTOR_POSITION = "pollux_projector_position" "The last commit that is in the graph store.";
    Gauge PROJECTOR_LAG = "pollux_projector_lag" "Commits that are not yet in the graph store.";
    Gauge CHECKPOINT_POSITION = "pollux_checkpoint_position" "The commit from which a restart would replay.";

    Counter CPU_SECONDS = "process_cpu_seconds_total" "Processor time used, by user and system together.";
    Gauge RESIDENT_BYTES = "process_resident_memory_bytes" "Memory in use.";
    Gauge OPEN_FILES = "process_open_fds" "Open files and sockets.";
}
