//! Recordings in files: which kind by the name, and what the arguments say of it.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, bail};

use crate::backtest::{Csv, CsvOptions, Error, Found, Rows, RowsOptions, Times, Which};
use crate::catalog::Catalog;

use super::DataArgs;

pub(super) fn read(path: &Path, args: &DataArgs, catalog: &Catalog, take: &mut dyn FnMut(Found)) -> anyhow::Result<()> {
    let name: Arc<str> = path.display().to_string().into();
    let open = || File::open(path).with_context(|| format!("cannot read {name}"));
    let kind = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default().to_ascii_lowercase();
    match kind.as_str() {
        "csv" => drain(Csv::open(open()?, catalog, table(name.clone(), args)?)?, take),
        "ndjson" | "jsonl" => drain(Rows::lines(BufReader::new(open()?), catalog, rows(name.clone(), args)?)?, take),
        "json" => drain(Rows::whole(BufReader::new(open()?), catalog, rows(name.clone(), args)?)?, take),
        _ => bail!("{name}: its kind is not known: name it .csv, .ndjson (a row of JSON per line) or .json (a list of rows)"),
    }
}

fn drain(found: impl Iterator<Item = Result<Found, Error>>, take: &mut dyn FnMut(Found)) -> anyhow::Result<()> {
    for one in found {
        take(one?);
    }
    Ok(())
}

fn table(file: Arc<str>, args: &DataArgs) -> anyhow::Result<CsvOptions> {
    let twin = match (&args.twin, &args.twin_column) {
        (Some(id), _) => Which::One(id.clone()),
        (None, Some(column)) => Which::Column(column.clone()),
        (None, None) => bail!("{file}: name the twin that it is about with --twin ID, or the column that does with --twin-column COLUMN"),
    };
    let times = match (args.start, args.every) {
        (Some(start), Some(every)) => Times::Every { start, every },
        (_, _) => Times::Column(args.time.clone().unwrap_or_else(|| "time".to_owned())),
    };
    Ok(CsvOptions { file, twin, times, received: args.received.clone(), map: args.map.clone(), event: args.event.clone() })
}

fn rows(file: Arc<str>, args: &DataArgs) -> anyhow::Result<RowsOptions> {
    for (given, name) in [
        (args.start.is_some(), "--start and --every"),
        (args.twin_column.is_some(), "--twin-column"),
        (args.received.is_some(), "--received"),
        (args.event.is_some(), "--event"),
    ] {
        if given {
            bail!("{file}: {name} are for tables: rows of JSON say `twin`, `ts` or `time`, `received`, and `event` with `data`");
        }
    }
    Ok(RowsOptions { file, twin: args.twin.clone(), time: args.time.clone(), map: args.map.clone() })
}
