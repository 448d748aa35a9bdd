//! The metrics page: the counters of all parts under the names of `observe::metrics`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::ingress::Permits;
use crate::ingress::counters::Counters;
use crate::ingress::remote::Remote;
use crate::journal::FSYNC_BUCKETS;
use crate::observe::{Buckets, Page, metrics, process};
use crate::runtime::{AreaFigures, Runtime};
use crate::webhook::Hooks;

pub(super) struct Sources {
    pub runtime: Arc<Runtime>,
    pub mqtt: Arc<Counters>,
    pub remotes: Vec<Arc<Remote>>,
    pub hooks: Arc<Hooks>,
    pub permits: Arc<Permits>,
    pub permits_max: usize,
}

pub(super) fn render(sources: &Sources) -> String {
    let Sources { runtime, mqtt, remotes, hooks, permits, permits_max } = sources;
    let mut page = Page::new();
    let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    let status = runtime.status();
    let journal = runtime.shared.journal.health();
    page.each(&metrics::READINGS, runtime.shared.tallies.each());
    page.one(&metrics::VIEW_LATE, read(&runtime.shared.tallies.late_for_view));
    page.one(&metrics::VIEW_REPLACED, read(&runtime.shared.tallies.replaced_in_view));
    page.one(&metrics::REJECTIONS, read(&runtime.refusals.total) + read(&runtime.shared.tallies.rejected));
    page.one(&metrics::REJECTIONS_NOT_STORED, read(&runtime.refusals.not_stored));

    let mut transports: Vec<(String, &Counters)> = vec![("mqtt".to_owned(), mqtt)];
    transports.extend(remotes.iter().map(|remote| (remote.name().to_owned(), remote.counters())));
    let mut per_transport = |metric, counter: fn(&Counters) -> &AtomicU64| {
        page.each(metric, transports.iter().map(|(name, counters)| (name, read(counter(counters)))));
    };
    per_transport(&metrics::CONNECTIONS, |counters| &counters.connections);
    per_transport(&metrics::CONNECTS, |counters| &counters.connects);
    per_transport(&metrics::CONNECTS_REFUSED, |counters| &counters.connects_refused);
    per_transport(&metrics::PACKETS, |counters| &counters.packets);
    per_transport(&metrics::BYTES_IN, |counters| &counters.bytes_in);
    per_transport(&metrics::BYTES_OUT, |counters| &counters.bytes_out);
    per_transport(&metrics::PACKETS_SHED, |counters| &counters.shed);
    per_transport(&metrics::PACKETS_MALFORMED, |counters| &counters.malformed);
    per_transport(&metrics::PACKETS_OFFERED_AGAIN, |counters| &counters.offered_again);
    per_transport(&metrics::ACKS, |counters| &counters.acks);
    per_transport(&metrics::ACKS_REFUSED, |counters| &counters.refused);
    page.each(&metrics::BROKER_CONNECTED, remotes.iter().map(|remote| (remote.name(), u8::from(remote.observe().connected))));
    page.each(&metrics::BROKER_UNACKNOWLEDGED, remotes.iter().map(|remote| (remote.name(), remote.observe().unacknowledged)));
    let figures = hooks.figures();
    page.each(&metrics::WEBHOOK_WAITING, figures.iter().map(|hook| (&hook.name, hook.waiting)));
    page.each(&metrics::WEBHOOK_IN_FLIGHT, figures.iter().map(|hook| (&hook.name, hook.in_flight)));
    page.each(&metrics::WEBHOOK_DELIVERED, figures.iter().map(|hook| (&hook.name, hook.delivered)));
    page.each(&metrics::WEBHOOK_ATTEMPTS_FAILED, figures.iter().map(|hook| (&hook.name, hook.failed_attempts)));
    page.each(&metrics::WEBHOOK_GIVEN_UP, figures.iter().map(|hook| (&hook.name, hook.given_up)));
    page.each(&metrics::PUBLISHES, [("0", read(&mqtt.publishes_qos0)), ("1", read(&mqtt.publishes_qos1))]);
    page.one(&metrics::SUBSCRIBER_SENT, read(&mqtt.sent_to_subscribers));
    page.one(&metrics::SUBSCRIBER_DROPPED, read(&mqtt.dropped_to_subscribers));
    page.one(&metrics::PERMITS_TAKEN, permits.taken());
    page.one(&metrics::PERMITS_MAX, permits_max);

    page.one(&metrics::JOURNAL_GROUPS, journal.groups);
    // The last bucket of the journal has no bound.
    let bounds: [f64; FSYNC_BUCKETS - 1] = std::array::from_fn(|bucket| (1_u64 << bucket) as f64 / 1e6);
    let fsyncs = Buckets { bounds: &bounds, counts: &journal.fsync_buckets, sum: journal.fsync_micros_total as f64 / 1e6 };
    page.histogram(&metrics::JOURNAL_FSYNC_SECONDS, &fsyncs);
    page.one(&metrics::JOURNAL_FSYNCS_FAILED, journal.fsyncs_failed);
    page.one(&metrics::JOURNAL_BYTES, journal.bytes_written);
    page.one(&metrics::JOURNAL_PENDING_BYTES, journal.pending_bytes);
    page.one(&metrics::JOURNAL_PENDING_BYTES_MAX, journal.pending_bytes_max);
    page.one(&metrics::JOURNAL_SEGMENTS, journal.segments);
    page.one(&metrics::JOURNAL_BYTES_ON_DISK, journal.bytes_on_disk);
    page.one(&metrics::JOURNAL_LAST_SEQ, journal.last_seq.0);

    areas(&mut page, runtime);
    page.each(&metrics::TWINS, runtime.twins_by_state());
    page.one(&metrics::RESTARTS, status.restarts);
    page.one(&metrics::PROJECTOR_POSITION, status.projected_seq);
    page.one(&metrics::PROJECTOR_LAG, status.seq.saturating_sub(status.projected_seq));
    page.one(&metrics::CHECKPOINT_POSITION, status.saved_seq);
    process::render(&mut page);
    page.finish()
}

fn areas(page: &mut Page, runtime: &Runtime) {
    let (areas, all) = runtime.area_figures();
    let of = |area: &AreaFigures| area.area.to_string();
    page.each(&metrics::AREA_FLOODED, areas.iter().map(|area| (of(area), u8::from(area.is_flooded))));
    page.each(&metrics::AREA_ALARMS, areas.iter().map(|area| (of(area), area.figures.per_ten_minutes)));
    page.each(&metrics::AREA_PEAK, areas.iter().map(|area| (of(area), area.figures.peak_per_ten_minutes)));
    page.each(&metrics::AREA_FLOOD_SHARE, areas.iter().map(|area| (of(area), area.figures.flood_share)));
    page.each(&metrics::AREA_CHATTERING, areas.iter().map(|area| (of(area), area.figures.chattering)));
    page.each(&metrics::AREA_STANDING, areas.iter().map(|area| (of(area), area.figures.standing)));
    let waits = areas.iter().filter_map(|area| Some((of(area), area.figures.mean_time_to_acknowledge?.as_secs_f64())));
    page.each(&metrics::AREA_ACKNOWLEDGE, waits);
    page.each(&metrics::ALARMS_FREQUENT, all.frequent);
}
