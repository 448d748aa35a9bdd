//! A table: one row is one packet. Columns go to telemetry by the names of their header; one may name an event of the row's twin.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::sync::Arc;
use std::time::Duration;

use csv::{Reader, ReaderBuilder, StringRecord};
use serde_json::Value as Json;

use crate::catalog::layout::{Layout, Section, SlotSpec, ValueType};
use crate::catalog::{Catalog, Refusal};
use crate::codec::EventSaid;
use crate::reading::{Group, Raw, Reading, SlotNo, Timestamp, TwinId};

use super::{Error, Found, LINE_BYTES_MAX, Noted, Recorded, Refused, read_time, telemetry, twin_of, unknown};

#[derive(Debug, Clone)]
pub struct CsvOptions {
    /// For messages.
    pub file: Arc<str>,
    /// The twin that all rows are about, or the column that names it.
    pub twin: Which,
    pub times: Times,
    /// The column of receipt times, if they were recorded.
    pub received: Option<String>,
    /// Column and telemetry. Without any, columns go to the telemetry of their name.
    pub map: Vec<(String, String)>,
    /// The column that names an event, in the rows in which one happened.
    pub event: Option<String>,
}

#[derive(Debug, Clone)]
pub enum Which {
    One(String),
    Column(String),
}

#[derive(Debug, Clone)]
pub enum Times {
    Column(String),
    /// Of tables that hold no time: the first row is at the start.
    Every {
        start: Timestamp,
        every: Duration,
    },
}

/// Reads a table row by row.
#[derive(Debug)]
pub struct Csv<'c, R> {
    catalog: &'c Catalog,
    file: Arc<str>,
    reader: Reader<Bounded<R>>,
    row: StringRecord,
    header: StringRecord,
    rows: u64,
    twin: Twin,
    time: Time,
    received: Option<usize>,
    event: Option<usize>,
    map: Vec<(String, String)>,
    /// Which columns go where, for each type that has come up.
    routes: Vec<Route>,
    /// Of the last row, at most one for each cell.
    waiting: VecDeque<Found>,
    is_over: bool,
}

#[derive(Debug)]
enum Twin {
    One(TwinId, usize),
    Column(usize),
}

#[derive(Debug)]
enum Time {
    Column(usize),
    Every { start: Timestamp, every: i64 },
}

#[derive(Debug)]
struct Route {
    layout: Arc<Layout>,
    columns: Vec<(usize, SlotNo)>,
}

impl<'c, R: Read> Csv<'c, R> {
    /// Reads the header and looks all names up.
    pub fn open(from: R, catalog: &'c Catalog, options: CsvOptions) -> Result<Csv<'c, R>, Error> {
        let CsvOptions { file, twin, times, received, map, event } = options;
        let fail = |message: String| Error::Line { file: file.clone(), line: 1, message };
        let bounded = Bounded { from, left: LINE_BYTES_MAX };
        // Rows of another length are refused one by one.
        let mut reader = ReaderBuilder::new().flexible(true).trim(csv::Trim::All).buffer_capacity(64 << 10).from_reader(bounded);
        let header = reader.headers().map_err(|error| fail(unreadable(&error)))?.clone();
        let column = |name: &str| {
            let place = header.iter().position(|column| column == name);
            place.ok_or_else(|| fail(unknown("there is no column", name, header.iter())))
        };
        let time = match times {
            Times::Column(name) => Time::Column(column(&name)?),
            Times::Every { start, every } => Time::Every { start, every: i64::try_from(every.as_micros()).unwrap_or(i64::MAX) },
        };
        let received = received.as_deref().map(column).transpose()?;
        let event = event.as_deref().map(column).transpose()?;
        let mut csv = Csv {
            catalog,
            file: file.clone(),
            reader,
            row: StringRecord::new(),
            rows: 0,
            twin: Twin::Column(0),
            time,
            received,
            event,
            map,
            routes: Vec::new(),
            waiting: VecDeque::new(),
            is_over: false,
            header: header.clone(),
        };
        csv.twin = match twin {
            Which::One(id) => {
                let spec = twin_of(catalog, &id).map_err(|message| Error::File { file: file.clone(), message })?;
                Twin::One(spec.id.clone(), csv.route(&spec.layout)?)
            }
            Which::Column(name) => Twin::Column(column(&name)?),
        };
        Ok(csv)
    }

    /// The place of the routes for a type, made where they are not there yet.
    fn route(&mut self, layout: &Arc<Layout>) -> Result<usize, Error> {
        if let Some(place) = self.routes.iter().position(|route| Arc::ptr_eq(&route.layout, layout)) {
            return Ok(place);
        }
        let fail = |message: String| Error::Line { file: self.file.clone(), line: 1, message };
        let member = |name: &str| layout.slot_by_path(name).filter(|slot| layout.slot(*slot).section == Section::Telemetry);
        let mut columns: Vec<(usize, SlotNo)> = Vec::new();
        if self.map.is_empty() {
            let named = self.header.iter().enumerate().filter_map(|(column, name)| Some((column, member(name)?)));
            columns.extend(named.filter(|(column, _)| self.event != Some(*column)));
            if columns.is_empty() && self.event.is_none() {
                let known: Vec<&str> = telemetry(layout).collect();
                let header: Vec<&str> = self.header.iter().collect();
                return Err(fail(format!(
                    "no column is called like telemetry of {} ({}); say what goes where: --map COLUMN=MEMBER (columns: {})",
                    layout.name,
                    known.join(", "),
                    header.join(", ")
                )));
            }
        }
        for (column, name) in &self.map {
            let place = self.header.iter().position(|known| known == column);
            let place = place.ok_or_else(|| fail(unknown("there is no column", column, self.header.iter())))?;
            let what = format!("{} has no telemetry", layout.name);
            let slot = member(name).ok_or_else(|| fail(unknown(&what, name, telemetry(layout))))?;
            if columns.iter().any(|(_, other)| *other == slot) {
                return Err(fail(format!("two columns are to go to `{name}`: one value at one time")));
            }
            columns.push((place, slot));
        }
        self.routes.push(Route { layout: layout.clone(), columns });
        Ok(self.routes.len() - 1)
    }

    /// Takes the row apart into `waiting`.
    fn take_row(&mut self) -> Result<(), Error> {
        let line = self.row.position().map_or(0, csv::Position::line);
        if self.row.len() != self.header.len() {
            let message = format!("the row has {} fields and the header {}", self.row.len(), self.header.len());
            self.refuse(line, message);
            return Ok(());
        }
        let row = std::mem::take(&mut self.row);
        let (twin, route) = match &self.twin {
            Twin::One(id, route) => (id.clone(), *route),
            Twin::Column(column) => match twin_of(self.catalog, &row[*column]) {
                Ok(spec) => (spec.id.clone(), self.route(&spec.layout)?),
                Err(message) => {
                    self.refuse(line, message);
                    self.row = row;
                    return Ok(());
                }
            },
        };
        let time = match &self.time {
            Time::Column(column) => read_time(&row[*column]),
            Time::Every { start, every } => {
                let nth = i64::try_from(self.rows - 1).unwrap_or(i64::MAX);
                Ok(start.shifted(every.saturating_mul(nth)))
            }
        };
        let received = self.received.map(|column| &row[column]).filter(|cell| !cell.is_empty()).map(read_time).transpose();
        match time.and_then(|time| received.map(|received| (time, received))) {
            Ok((time, received)) => self.take_cells(&row, line, twin, route, (time, received)),
            Err(message) => self.refuse(line, message),
        }
        self.row = row;
        Ok(())
    }

    fn take_cells(&mut self, row: &StringRecord, line: u64, twin: TwinId, route: usize, (time, received): (Timestamp, Option<Timestamp>)) {
        let Route { layout, columns } = &self.routes[route];
        let mut readings = Vec::with_capacity(columns.len());
        let mut refused = Vec::new();
        for (column, slot) in columns {
            let (cell, spec) = (&row[*column], layout.slot(*slot));
            match accept(spec, cell) {
                Ok(None) => {}
                Ok(Some((value, quality, reason))) => readings.push(Reading { slot: *slot, value, quality, reason }),
                Err(refusal) => refused.push(format!("`{}`: {refusal}", &self.header[*column])),
            }
        }
        if !readings.is_empty() {
            let (twin, group) = (twin.clone(), Group { time: Some(time), readings });
            self.waiting.push_back(Found::Recorded(Recorded { twin, layout: layout.clone(), group, received }));
        }
        if let Some(name) = self.event.map(|column| &row[column]).filter(|name| !name.is_empty()) {
            let said = EventSaid { name: name.to_owned(), time: Some(time), body: None };
            match Noted::event((twin, layout), said, received) {
                Ok(noted) => self.waiting.extend(noted.map(Found::Noted)),
                Err(message) => refused.push(message),
            }
        }
        refused.into_iter().for_each(|message| self.refuse(line, message));
    }

    fn refuse(&mut self, line: u64, message: String) {
        self.waiting.push_back(Found::Refused(Refused { file: self.file.clone(), line, message }));
    }
}

impl<R: Read> Iterator for Csv<'_, R> {
    type Item = Result<Found, Error>;

    fn next(&mut self) -> Option<Result<Found, Error>> {
        loop {
            if let Some(found) = self.waiting.pop_front() {
                return Some(Ok(found));
            }
            if self.is_over {
                return None;
            }
            self.reader.get_mut().left = LINE_BYTES_MAX;
            let read = self.reader.read_record(&mut self.row);
            let line = self.reader.position().line();
            let step = match read {
                Ok(false) => {
                    self.is_over = true;
                    continue;
                }
                Ok(true) => {
                    self.rows += 1;
                    self.take_row()
                }
                Err(error) => {
                    let line = error.position().map_or(line, csv::Position::line);
                    Err(Error::Line { file: self.file.clone(), line, message: unreadable(&error) })
                }
            };
            if let Err(error) = step {
                self.is_over = true;
                return Some(Err(error));
            }
        }
    }
}

type Said = (crate::reading::Value, crate::reading::Quality, crate::reading::Reason);

/// A cell as its slot takes it; an empty one says nothing.
fn accept(spec: &SlotSpec, cell: &str) -> Result<Option<Said>, Refusal> {
    if cell.is_empty() {
        return Ok(None);
    }
    let mut json = Json::Null;
    let accepted = spec.accept(raw(&spec.value_type, cell, &mut json), None)?;
    Ok(Some((accepted.value, accepted.quality, accepted.reason)))
}

/// All cells are text; what they would be in a payload follows from what they are for.
fn raw<'a>(value_type: &ValueType, cell: &'a str, json: &'a mut Json) -> Raw<'a> {
    let text = Raw::Text(cell);
    match value_type {
        ValueType::Double => cell.parse().map_or(text, Raw::Float),
        ValueType::Int | ValueType::Duration => match (cell.parse(), cell.parse()) {
            (Ok(whole), _) => Raw::Int(whole),
            (Err(_), Ok(number)) => Raw::Float(number),
            (Err(_), Err(_)) => text,
        },
        ValueType::Bool => match cell {
            "true" | "True" | "TRUE" | "1" => Raw::Bool(true),
            "false" | "False" | "FALSE" | "0" => Raw::Bool(false),
            _ => text,
        },
        ValueType::Enum(values) => {
            let is_number = values.iter().any(|value| matches!(value.wire, crate::catalog::layout::EnumWire::Int(_)));
            cell.parse().ok().filter(|_| is_number).map_or(text, Raw::Int)
        }
        ValueType::Geo(_) | ValueType::Json | ValueType::Object(_) | ValueType::Array(_) | ValueType::Map(_) => {
            match serde_json::from_str(cell) {
                Ok(read) => {
                    *json = read;
                    Raw::from(&*json)
                }
                Err(_) => text,
            }
        }
        ValueType::Decimal
        | ValueType::String
        | ValueType::Timestamp
        | ValueType::Date
        | ValueType::Time
        | ValueType::Bytes { .. }
        | ValueType::Unit { .. } => text,
    }
}

fn unreadable(error: &csv::Error) -> String {
    if let csv::ErrorKind::Utf8 { .. } = error.kind() {
        return "the line is not UTF-8: save the file as UTF-8".to_owned();
    }
    format!("it cannot be read: {error}")
}

/// A quote that is never closed must not take the whole file into memory.
#[derive(Debug)]
struct Bounded<R> {
    from: R,
    /// Of one row, how many bytes more may be asked for.
    left: usize,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            let message = format!("a row has more than {LINE_BYTES_MAX} bytes; is a quote not closed?");
            return Err(io::Error::other(message));
        }
        let count = self.from.read(out)?;
        self.left = self.left.saturating_sub(count);
        Ok(count)
    }
}
