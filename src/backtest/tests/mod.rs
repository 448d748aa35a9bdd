//! Trials on small recordings, and on the recorded data of the acceptance page where they are there.

mod acceptance;
mod comparing;
mod detectors;
mod fleet;
mod happening;
mod reading;
mod recorded;
mod reordered;
mod shuffled;

use std::sync::Arc;
use std::time::Duration;

use crate::catalog::{self, Catalog};
use crate::reading::Timestamp;
use crate::source::{Sources, render_text};

use super::recording::{Csv, CsvOptions, Error, Rows, RowsOptions, Times, Which};
use super::{Backtest, Found, Report, Selection};

const OVENS: &str = "twins: [{id: oven-1, type: Oven}, {id: oven-2, type: Oven}]";

pub(super) fn workspace(files: &[(&str, &str)]) -> Catalog {
    let mut sources = Sources::new();
    for (path, text) in files {
        sources.add(*path, text.as_bytes());
    }
    let (catalog, problems) = catalog::load(&sources);
    assert!(!problems.has_errors(), "{}", render_text(&sources, &problems, false));
    catalog
}

/// Two ovens whose type says these rules.
pub(super) fn ovens(rules: &str) -> Catalog {
    let text = format!(
        "type: Oven\ntelemetry:\n  temperature: {{type: double, unit: degC}}\n  mode: {{type: enum, values: [IDLE, RUN]}}\n  load: {{type: int}}\nrules:\n{rules}\n"
    );
    workspace(&[("schemas/Oven.yaml", &text), ("twins/ovens.yaml", OVENS)])
}

pub(super) fn at(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).unwrap()
}

/// A table about one twin, with its times in the column `time`.
pub(super) fn table(twin: &str) -> CsvOptions {
    let map = Vec::new();
    let times = Times::Column("time".to_owned());
    CsvOptions { file: "data.csv".into(), twin: Which::One(twin.to_owned()), times, received: None, map, event: None }
}

pub(super) fn lines(twin: Option<&str>) -> RowsOptions {
    RowsOptions { file: Arc::from("data.ndjson"), twin: twin.map(str::to_owned), time: None, map: Vec::new() }
}

pub(super) fn csv<'c>(catalog: &'c Catalog, text: &'c str, options: CsvOptions) -> Result<Csv<'c, &'c [u8]>, Error> {
    Csv::open(text.as_bytes(), catalog, options)
}

pub(super) fn ndjson<'c>(catalog: &'c Catalog, text: &'c str, options: RowsOptions) -> Result<Rows<'c, &'c [u8]>, Error> {
    Rows::lines(text.as_bytes(), catalog, options)
}

pub(super) fn run(
    catalog: &Catalog,
    against: Option<&Catalog>,
    source: impl Iterator<Item = Result<Found, Error>>,
    run_on: &str,
) -> Report {
    let mut backtest = Backtest::new(catalog, against);
    source.for_each(|found| backtest.take(found.unwrap()));
    let run_on = crate::reading::parse_duration(run_on).unwrap_or(Duration::ZERO);
    backtest.finish(run_on, &Selection::default())
}
