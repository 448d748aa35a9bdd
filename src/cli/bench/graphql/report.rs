//! What the scenarios have measured, a line each, as text or JSON.

use std::io::Write;

use serde::Serialize;

use crate::cli::bench::report::{Spent, Tally, mebibytes};

/// One scenario against one server.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Row {
    pub(super) scenario: &'static str,
    pub(super) server: &'static str,
    /// Connections or sockets.
    pub(super) clients: usize,
    /// `requests` or `frames`: what is counted.
    pub(super) counted: &'static str,
    pub(super) count: u64,
    pub(super) per_second: f64,
    pub(super) p50_ms: f64,
    pub(super) p95_ms: f64,
    pub(super) p99_ms: f64,
    pub(super) max_ms: f64,
    pub(super) cost: Option<Cost>,
    /// Processors that the generator kept busy: near one, it is the limit.
    pub(super) client_cores: f64,
    pub(super) published: Option<Published>,
    /// From one frame of a subscriber to its next.
    pub(super) gap: Option<Gap>,
    pub(super) errors: u64,
    pub(super) first_errors: Vec<String>,
}

/// What the server used.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Cost {
    cpu_seconds_per_thousand: f64,
    cores: f64,
    rss_start_bytes: u64,
    rss_end_bytes: u64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Published {
    messages_per_second: f64,
    /// Of the server, for all that it did meanwhile.
    cpu_seconds_per_million: Option<f64>,
    ack_p99_ms: f64,
    /// Due by the rate asked for and not sent, because the server did not answer.
    behind: u64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Gap {
    p50_ms: f64,
    p99_ms: f64,
    max_ms: f64,
}

impl Row {
    /// `client` and `server` are what they have used in `seconds`.
    pub(super) fn new(
        (scenario, server, counted): (&'static str, &'static str, &'static str),
        clients: usize,
        seconds: u64,
        tally: &Tally,
        client: Spent,
        used: Option<Spent>,
    ) -> Row {
        let seconds = seconds as f64;
        let (errors, first_errors) = tally.errors();
        let cost = used.map(|spent| Cost {
            cpu_seconds_per_thousand: spent.cpu_seconds() * 1e3 / tally.messages.max(1) as f64,
            cores: spent.cpu_seconds() / seconds,
            rss_start_bytes: spent.before.rss_bytes,
            rss_end_bytes: spent.after.rss_bytes,
        });
        Row {
            scenario,
            server,
            clients,
            counted,
            count: tally.messages,
            per_second: tally.messages as f64 / seconds,
            p50_ms: tally.quantile_ms(0.5),
            p95_ms: tally.quantile_ms(0.95),
            p99_ms: tally.quantile_ms(0.99),
            max_ms: tally.latency_max_ms(),
            cost,
            client_cores: client.cpu_seconds() / seconds,
            published: None,
            gap: None,
            errors,
            first_errors: first_errors.to_vec(),
        }
    }

    pub(super) fn published(mut self, seconds: u64, tally: &Tally) -> Row {
        let cpu_seconds = self.cost.as_ref().map(|cost| cost.cores * seconds as f64);
        self.published = Some(Published {
            messages_per_second: tally.messages as f64 / seconds as f64,
            cpu_seconds_per_million: cpu_seconds.map(|cpu| cpu * 1e6 / tally.messages.max(1) as f64),
            ack_p99_ms: tally.quantile_ms(0.99),
            behind: tally.behind,
        });
        let (errors, first_errors) = tally.errors();
        self.errors += errors;
        self.first_errors.extend_from_slice(first_errors);
        self
    }

    pub(super) fn gaps(mut self, tally: &Tally) -> Row {
        self.gap = Some(Gap { p50_ms: tally.quantile_ms(0.5), p99_ms: tally.quantile_ms(0.99), max_ms: tally.latency_max_ms() });
        self
    }

    /// Whether the run says something about the server's normal work.
    pub(super) fn is_clean(&self) -> bool {
        self.errors == 0 && self.count > 0
    }

    pub(super) fn write_heading(out: &mut dyn Write) -> anyhow::Result<()> {
        Ok(writeln!(
            out,
            "{:<9} {:<7} {:>7} {:>17} {:>9} {:>9} {:>9} {:>9} {:>13} {:>6} {:>9} {:>7}",
            "scenario", "server", "clients", "rate", "p50 ms", "p95 ms", "p99 ms", "max ms", "CPU s/1,000", "cores", "RSS MiB", "client"
        )?)
    }

    pub(super) fn write_text(&self, out: &mut dyn Write) -> anyhow::Result<()> {
        let rate = format!("{:.0} {}/s", self.per_second, self.counted);
        let cost = |text: &dyn Fn(&Cost) -> String| self.cost.as_ref().map_or_else(|| "-".to_owned(), text);
        writeln!(
            out,
            "{:<9} {:<7} {:>7} {:>17} {:>9.2} {:>9.2} {:>9.2} {:>9.2} {:>13} {:>6} {:>9} {:>7.2}",
            self.scenario,
            self.server,
            self.clients,
            rate,
            self.p50_ms,
            self.p95_ms,
            self.p99_ms,
            self.max_ms,
            cost(&|cost| format!("{:.4}", cost.cpu_seconds_per_thousand)),
            cost(&|cost| format!("{:.2}", cost.cores)),
            cost(&|cost| format!("{:.0}", mebibytes(cost.rss_end_bytes))),
            self.client_cores,
        )?;
        if let Some(published) = &self.published {
            let cpu = published.cpu_seconds_per_million.map_or_else(String::new, |cpu| format!(", server CPU {cpu:.1} s per million"));
            writeln!(
                out,
                "    published {:.0} messages/s{cpu}, acknowledged p99 {:.2} ms, behind {}",
                published.messages_per_second, published.ack_p99_ms, published.behind
            )?;
        }
        if let Some(gap) = &self.gap {
            writeln!(out, "    from frame to frame p50 {:.1} ms, p99 {:.1}, max {:.1}", gap.p50_ms, gap.p99_ms, gap.max_ms)?;
        }
        if self.errors > 0 {
            writeln!(out, "    {} errors", self.errors)?;
        }
        for error in &self.first_errors {
            writeln!(out, "      {error}")?;
        }
        Ok(())
    }

    /// How this server stands beside another that was asked the same.
    pub(super) fn write_share(&self, bare: &Row, out: &mut dyn Write) -> anyhow::Result<()> {
        let cpu = self.cost.as_ref().zip(bare.cost.as_ref());
        let cpu = cpu.map_or_else(String::new, |(ours, bare)| {
            format!("; {:.2} x by processor time", bare.cpu_seconds_per_thousand / ours.cpu_seconds_per_thousand)
        });
        Ok(writeln!(out, "    {:.2} x the bare server{cpu}", self.per_second / bare.per_second)?)
    }
}
