//! The metrics page, in the text format of Prometheus (version 0.0.4).

use std::fmt::{Display, Write};

use super::metrics::{Kind, Metric};

#[derive(Debug, Default)]
pub struct Page {
    text: String,
    written: Vec<&'static str>,
}

/// How often which size occurred.
#[derive(Debug)]
pub struct Buckets<'a> {
    /// Upper bounds, ascending.
    pub bounds: &'a [f64],
    /// How many fell into each bucket alone; what is beyond the bounds is larger than all of them.
    pub counts: &'a [u64],
    pub sum: f64,
}

impl Page {
    /// To be sent along with it.
    pub const CONTENT_TYPE: &'static str = "text/plain; version=0.0.4; charset=utf-8";

    pub fn new() -> Page {
        Page::default()
    }

    pub fn finish(self) -> String {
        self.text
    }

    pub fn one(&mut self, metric: &'static Metric, value: impl Display) {
        debug_assert!(metric.label.is_none(), "{} has labels", metric.name);
        if self.begin(metric) {
            self.put(format_args!("{} {value}\n", metric.name));
        }
    }

    /// One series for each value of the metric's label.
    pub fn each<L: AsRef<str>, V: Display>(&mut self, metric: &'static Metric, series: impl IntoIterator<Item = (L, V)>) {
        debug_assert!(metric.label.is_some(), "{} has no label", metric.name);
        let Some(label) = metric.label else { return };
        if self.begin(metric) {
            for (name, value) in series {
                self.put(format_args!("{}{{{label}=\"{}\"}} {value}\n", metric.name, escaped(name.as_ref())));
            }
        }
    }

    pub fn histogram(&mut self, metric: &'static Metric, buckets: &Buckets<'_>) {
        if !self.begin(metric) {
            return;
        }
        let mut total = 0;
        for (bound, count) in buckets.bounds.iter().zip(buckets.counts) {
            total += count;
            self.put(format_args!("{}_bucket{{le=\"{bound}\"}} {total}\n", metric.name));
        }
        total += buckets.counts.iter().skip(buckets.bounds.len()).sum::<u64>();
        self.put(format_args!("{0}_bucket{{le=\"+Inf\"}} {total}\n{0}_sum {1}\n{0}_count {total}\n", metric.name, buckets.sum));
    }

    /// A name may stand on a page once; a second time would make the whole page unreadable.
    fn begin(&mut self, metric: &'static Metric) -> bool {
        if self.written.contains(&metric.name) {
            debug_assert!(false, "{} is on the page already", metric.name);
            return false;
        }
        self.written.push(metric.name);
        let kind = match metric.kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        self.put(format_args!("# HELP {0} {1}\n# TYPE {0} {kind}\n", metric.name, metric.help));
        true
    }

    fn put(&mut self, what: std::fmt::Arguments<'_>) {
        // Writing to a string cannot fail.
        self.text.write_fmt(what).unwrap_or_default();
    }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
