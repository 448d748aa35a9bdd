//! What a run has measured: collected per thread, added up, and shown as text or JSON.

use std::io::Write;

use hdrhistogram::Histogram;
use serde::Serialize;

use super::server::Usage;

/// Ten minutes: what takes longer is shown as this.
const LATENCY_MICROS_MAX: u64 = 600_000_000;
const ERRORS_SHOWN_MAX: usize = 5;

/// What the connections of one thread have seen.
#[derive(Debug)]
pub(super) struct Tally {
    latencies: Histogram<u64>,
    pub(super) made: u64,
    /// Within the measured time: acknowledged at QoS 1, sent at QoS 0.
    pub(super) messages: u64,
    pub(super) received: u64,
    pub(super) unanswered: u64,
    pub(super) behind: u64,
    pub(super) reconnects: u64,
    errors: u64,
    first_errors: Vec<String>,
}

impl Tally {
    pub(super) fn new() -> anyhow::Result<Tally> {
        Ok(Tally {
            latencies: Histogram::new_with_bounds(1, LATENCY_MICROS_MAX, 3)?,
            made: 0,
            messages: 0,
            received: 0,
            unanswered: 0,
            behind: 0,
            reconnects: 0,
            errors: 0,
            first_errors: Vec::new(),
        })
    }

    pub(super) fn latency(&mut self, nanos: u64, count: u64) {
        self.latencies.saturating_record_n((nanos / 1000).max(1), count);
    }

    pub(super) fn quantile_ms(&self, quantile: f64) -> f64 {
        self.latencies.value_at_quantile(quantile) as f64 / 1000.0
    }

    pub(super) fn latency_max_ms(&self) -> f64 {
        self.latencies.max() as f64 / 1000.0
    }

    /// How many, and the first of them.
    pub(super) fn errors(&self) -> (u64, &[String]) {
        (self.errors, &self.first_errors)
    }

    pub(super) fn error(&mut self, error: &anyhow::Error) {
        self.errors += 1;
        let text = format!("{error:#}");
        if self.first_errors.len() < ERRORS_SHOWN_MAX && !self.first_errors.contains(&text) {
            self.first_errors.push(text);
        }
    }

    pub(super) fn lost_connection(&mut self, error: &anyhow::Error, unanswered: usize) {
        self.error(error);
        self.unanswered += unanswered as u64;
    }

    pub(super) fn add(&mut self, other: &Tally) -> anyhow::Result<()> {
        self.latencies.add(&other.latencies)?;
        self.made += other.made;
        self.messages += other.messages;
        self.received += other.received;
        self.unanswered += other.unanswered;
        self.behind += other.behind;
        self.reconnects += other.reconnects;
        self.errors += other.errors;
        for text in &other.first_errors {
            if self.first_errors.len() < ERRORS_SHOWN_MAX && !self.first_errors.contains(text) {
                self.first_errors.push(text.clone());
            }
        }
        Ok(())
    }
}

/// What was asked for, repeated in the report so that it can be read alone.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Setup {
    pub(super) target: String,
    pub(super) connections: usize,
    pub(super) twins: usize,
    pub(super) readings: u8,
    pub(super) qos: u8,
    pub(super) window: u16,
    /// Messages per second; 0: as fast as the server answers.
    pub(super) rate: u64,
    pub(super) seconds: u64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Report {
    setup: Setup,
    messages: u64,
    messages_per_second: f64,
    readings_per_second: f64,
    /// Absent at QoS 0, where nothing is acknowledged.
    ack: Option<Latency>,
    errors: u64,
    first_errors: Vec<String>,
    reconnects: u64,
    /// Never acknowledged, because the connection broke or the run ended.
    unanswered: u64,
    /// Due by the rate asked for and not sent, because the windows were full.
    behind: u64,
    server: Option<ServerCost>,
    client_cpu_seconds: f64,
    client_cpu_seconds_per_million: f64,
    subscriber: Option<Received>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Latency {
    p50_ms: f64,
    p90_ms: f64,
    p99_ms: f64,
    max_ms: f64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ServerCost {
    cpu_seconds: f64,
    cpu_seconds_per_million: f64,
    rss_start_bytes: u64,
    rss_end_bytes: u64,
    /// The most seen during the measurement.
    rss_max_bytes: u64,
    /// The most since the process began.
    rss_peak_bytes: u64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Received {
    messages: u64,
    messages_per_second: f64,
}

/// Usage of a process at the beginning and the end of the measurement, and the most memory seen between.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spent {
    pub(super) before: Usage,
    pub(super) after: Usage,
    pub(super) rss_max_bytes: u64,
}

impl Spent {
    pub(super) fn cpu_seconds(&self) -> f64 {
        self.after.cpu_seconds - self.before.cpu_seconds
    }
}

impl Report {
    pub(super) fn new(setup: Setup, tally: Tally, client: Spent, server: Option<Spent>, has_subscriber: bool) -> Report {
        let seconds = setup.seconds as f64;
        let per_million = |cpu_seconds: f64| if tally.messages == 0 { 0.0 } else { cpu_seconds * 1e6 / tally.messages as f64 };
        Report {
            messages: tally.messages,
            messages_per_second: tally.messages as f64 / seconds,
            readings_per_second: tally.messages as f64 * f64::from(setup.readings) / seconds,
            ack: (setup.qos > 0).then(|| Latency {
                p50_ms: tally.quantile_ms(0.5),
                p90_ms: tally.quantile_ms(0.9),
                p99_ms: tally.quantile_ms(0.99),
                max_ms: tally.latency_max_ms(),
            }),
            errors: tally.errors,
            reconnects: tally.reconnects,
            unanswered: tally.unanswered,
            behind: tally.behind,
            server: server.map(|spent| ServerCost {
                cpu_seconds: spent.cpu_seconds(),
                cpu_seconds_per_million: per_million(spent.cpu_seconds()),
                rss_start_bytes: spent.before.rss_bytes,
                rss_end_bytes: spent.after.rss_bytes,
                rss_max_bytes: spent.rss_max_bytes.max(spent.after.rss_bytes),
                rss_peak_bytes: spent.after.rss_peak_bytes,
            }),
            client_cpu_seconds: client.cpu_seconds(),
            client_cpu_seconds_per_million: per_million(client.cpu_seconds()),
            subscriber: has_subscriber.then(|| Received { messages: tally.received, messages_per_second: tally.received as f64 / seconds }),
            first_errors: tally.first_errors,
            setup,
        }
    }

    /// Whether the run says something about the server's normal work.
    pub(super) fn is_clean(&self) -> bool {
        self.errors == 0 && self.messages > 0
    }

    pub(super) fn write_json(&self, out: &mut dyn Write) -> anyhow::Result<()> {
        serde_json::to_writer_pretty(&mut *out, self)?;
        Ok(writeln!(out)?)
    }

    pub(super) fn write_text(&self, out: &mut dyn Write) -> anyhow::Result<()> {
        let setup = &self.setup;
        let rate = if setup.rate == 0 { "full speed".to_owned() } else { format!("{} messages/s", setup.rate) };
        writeln!(
            out,
            "{}: {} connections, {} twins, QoS {}, window {}, {rate}, {} s",
            setup.target, setup.connections, setup.twins, setup.qos, setup.window, setup.seconds
        )?;
        writeln!(out, "  messages     {:>12.0} /s   ({} in all)", self.messages_per_second, self.messages)?;
        writeln!(out, "  readings     {:>12.0} /s   ({} a message)", self.readings_per_second, setup.readings)?;
        if let Some(ack) = &self.ack {
            writeln!(
                out,
                "  ack          {:>12.2} ms   p50; p90 {:.2}, p99 {:.2}, max {:.2}",
                ack.p50_ms, ack.p90_ms, ack.p99_ms, ack.max_ms
            )?;
        }
        if let Some(received) = &self.subscriber {
            writeln!(out, "  subscriber   {:>12.0} /s   ({} in all)", received.messages_per_second, received.messages)?;
        }
        if let Some(server) = &self.server {
            writeln!(
                out,
                "  server CPU   {:>12.2} s    per million messages ({:.2} s in all)",
                server.cpu_seconds_per_million, server.cpu_seconds
            )?;
            writeln!(
                out,
                "  server RSS   {:>12.1} MiB  at the end; start {:.1}, max {:.1}, peak {:.1}",
                mebibytes(server.rss_end_bytes),
                mebibytes(server.rss_start_bytes),
                mebibytes(server.rss_max_bytes),
                mebibytes(server.rss_peak_bytes)
            )?;
        }
        writeln!(
            out,
            "  client CPU   {:>12.2} s    per million messages ({:.2} s in all)",
            self.client_cpu_seconds_per_million, self.client_cpu_seconds
        )?;
        writeln!(
            out,
            "  errors       {:>12}      reconnects {}, unanswered {}, behind {}",
            self.errors, self.reconnects, self.unanswered, self.behind
        )?;
        for error in &self.first_errors {
            writeln!(out, "    {error}")?;
        }
        Ok(())
    }
}

pub(super) fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / (1024.0 * 1024.0)
}
