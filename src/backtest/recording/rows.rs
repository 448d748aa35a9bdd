//! Rows of JSON: the native payload, with the twin and the time in it. One row per line, or a list of rows in a file. A row may also say that an
//! event of the type has happened: `{"twin": "pump-1", "ts": …, "event": "serviced", "data": {…}}`.

use std::collections::VecDeque;
use std::io::BufRead;
use std::sync::Arc;

use serde_json::value::RawValue;
use serde_json::{Map, Value as Json};

use crate::catalog::binding::Unmapped;
use crate::catalog::layout::Section;
use crate::catalog::{Catalog, TwinSpec};
use crate::codec::{Decoded, EventSaid, native};
use crate::reading::{Raw, Timestamp};

use super::{Error, Found, LINE_BYTES_MAX, Noted, Recorded, Refused, read_time, twin_of, unknown};

/// The largest file that is one JSON text; as lines of JSON it may have any size.
pub const ROWS_BYTES_MAX: usize = 256 << 20;

/// Event time and receipt time.
type Said = (Option<Timestamp>, Option<Timestamp>);

/// Where the twin stands in a row, unless all rows are about one.
const TWIN: &str = "twin";
/// Where the receipt time stands, if it was recorded.
const RECEIVED: &str = "received";
/// Where an event of the type is named, unless that has telemetry of this name; and what is said of it.
const EVENT: &str = "event";
const DATA: &str = "data";
/// Where the time stands, unless another key is given: as the native payload has it, and as people write it.
const TIMES: [&str; 2] = ["ts", "time"];

#[derive(Debug, Clone)]
pub struct RowsOptions {
    /// For messages.
    pub file: Arc<str>,
    /// The twin that all rows are about; without it each row names its own.
    pub twin: Option<String>,
    /// The key of the time; without it `ts` or `time`.
    pub time: Option<String>,
    /// Key and telemetry, where they differ.
    pub map: Vec<(String, String)>,
}

/// Reads rows one after the other.
#[derive(Debug)]
pub struct Rows<'c, R> {
    catalog: &'c Catalog,
    options: RowsOptions,
    one: Option<&'c TwinSpec>,
    lines: Lines<R>,
    decoded: Decoded,
    waiting: VecDeque<Found>,
}

#[derive(Debug)]
enum Lines<R> {
    /// With the number of the line that was read last.
    Read(R, u64),
    /// Of a whole text: rows with their lines.
    Whole(std::vec::IntoIter<(u64, Box<str>)>),
    Over,
}

impl<'c, R: BufRead> Rows<'c, R> {
    /// One JSON value per line.
    pub fn lines(from: R, catalog: &'c Catalog, options: RowsOptions) -> Result<Rows<'c, R>, Error> {
        Rows::open(Lines::Read(from, 0), catalog, options)
    }

    /// A file that is one row or a list of rows.
    pub fn whole(mut from: R, catalog: &'c Catalog, options: RowsOptions) -> Result<Rows<'c, R>, Error> {
        let file = options.file.clone();
        let fail = |line: usize, message: String| Error::Line { file: file.clone(), line: line as u64, message };
        let mut text = String::new();
        let mut limited = std::io::Read::take(&mut from, ROWS_BYTES_MAX as u64 + 1);
        std::io::Read::read_to_string(&mut limited, &mut text).map_err(|error| fail(1, format!("it cannot be read: {error}")))?;
        if text.len() > ROWS_BYTES_MAX {
            return Err(fail(1, format!("it has more than {ROWS_BYTES_MAX} bytes: write one row per line, and name it .ndjson")));
        }
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let is_list = text.trim_start().starts_with('[');
        let read: Result<Vec<&RawValue>, _> =
            if is_list { serde_json::from_str(text) } else { serde_json::from_str(text).map(|row| vec![row]) };
        let rows = read.map_err(|error| fail(error.line(), format!("it is not JSON: {error}")))?;
        let (mut line, mut behind) = (1, 0);
        let mut placed = Vec::with_capacity(rows.len());
        for row in rows {
            // Rows are pieces of the text, so their places are where they begin in it.
            let start = (row.get().as_ptr() as usize).saturating_sub(text.as_ptr() as usize).min(text.len());
            line += text.as_bytes()[behind..start].iter().filter(|byte| **byte == b'\n').count() as u64;
            behind = start;
            placed.push((line, row.get().into()));
        }
        Rows::open(Lines::Whole(placed.into_iter()), catalog, options)
    }

    fn open(lines: Lines<R>, catalog: &'c Catalog, options: RowsOptions) -> Result<Rows<'c, R>, Error> {
        let one = options.twin.as_deref().map(|id| twin_of(catalog, id)).transpose();
        let one = one.map_err(|message| Error::of_file(options.file.clone(), message))?;
        Ok(Rows { catalog, options, one, lines, decoded: Decoded::default(), waiting: VecDeque::new() })
    }

    /// The next row with its line.
    fn read(&mut self) -> Result<Option<(u64, Box<str>)>, Error> {
        let fail = |line: u64, message: String| Error::Line { file: self.options.file.clone(), line, message };
        match &mut self.lines {
            Lines::Over => Ok(None),
            Lines::Whole(rows) => Ok(rows.next()),
            Lines::Read(from, number) => loop {
                let mut line = Vec::new();
                let mut limited = std::io::Read::take(&mut *from, LINE_BYTES_MAX as u64 + 1);
                let read =
                    limited.read_until(b'\n', &mut line).map_err(|error| fail(*number + 1, format!("it cannot be read: {error}")))?;
                if read == 0 {
                    return Ok(None);
                }
                *number += 1;
                if line.len() > LINE_BYTES_MAX {
                    return Err(fail(*number, format!("the line has more than {LINE_BYTES_MAX} bytes")));
                }
                let text =
                    String::from_utf8(line).map_err(|_| fail(*number, "the line is not UTF-8: save the file as UTF-8".to_owned()))?;
                let text = text.trim().trim_start_matches('\u{feff}');
                if !text.is_empty() {
                    return Ok(Some((*number, text.into())));
                }
            },
        }
    }

    fn take(&mut self, line: u64, text: &str) -> Result<(), Error> {
        let read: Json = match serde_json::from_str(text) {
            Ok(read) => read,
            Err(error) => {
                self.refuse(line, format!("it is not JSON: {error}"));
                return Ok(());
            }
        };
        // A line may hold several rows, but no lists of lists.
        let rows = if let Json::Array(rows) = read { rows } else { vec![read] };
        for row in rows {
            if let Json::Object(row) = row {
                self.row(line, row)?;
            } else {
                self.refuse(line, format!("a row is an object of values by name, not {}", Raw::from(&row)));
            }
        }
        Ok(())
    }

    fn row(&mut self, line: u64, mut row: Map<String, Json>) -> Result<(), Error> {
        let spec = match (self.one, row.remove(TWIN)) {
            (Some(spec), _) => Ok(spec),
            (None, Some(Json::String(id))) => twin_of(self.catalog, &id),
            (None, _) => Err(format!("the row does not say its `{TWIN}`; if all rows are about one, name it with --twin")),
        };
        let times = self.times(&mut row);
        let (spec, (time, received)) = match spec.and_then(|spec| Ok((spec, times?))) {
            Ok(said) => said,
            Err(message) => {
                self.refuse(line, message);
                return Ok(());
            }
        };
        self.rename(spec, &mut row)?;
        let happened = event_in(spec, &mut row);
        if happened.is_none() || !row.is_empty() {
            self.readings(line, spec, row, (time, received));
        }
        if let Some(happened) = happened {
            self.event(line, spec, happened, (time, received));
        }
        Ok(())
    }

    fn event(&mut self, line: u64, spec: &TwinSpec, (name, body): (Json, Option<Json>), (time, received): Said) {
        let Json::String(name) = name else {
            return self.refuse(line, format!("`{EVENT}` is the name of an event, not {}", Raw::from(&name)));
        };
        match Noted::event((spec.id.clone(), &spec.layout), EventSaid { name, time, body }, received) {
            Ok(Some(noted)) => self.waiting.push_back(Found::Noted(noted)),
            Ok(None) => self.no_time(line),
            Err(message) => self.refuse(line, message),
        }
    }

    fn no_time(&mut self, line: u64) {
        self.refuse(line, format!("the row says no time: give it `{}`, or name the key with --time", TIMES[0]));
    }

    fn readings(&mut self, line: u64, spec: &TwinSpec, row: Map<String, Json>, (time, received): Said) {
        let payload = Json::Object(row).to_string();
        let layout = &spec.layout;
        let mut decoded = std::mem::take(&mut self.decoded);
        if let Err(problem) = native::decode(layout, &layout.telemetry_fields, &Unmapped::Count, payload.as_bytes(), &mut decoded) {
            self.refuse(line, problem.message);
        }
        for mut group in decoded.groups.drain(..) {
            group.time = group.time.or(time);
            if group.time.is_none() && received.is_none() {
                self.no_time(line);
            } else if !group.readings.is_empty() {
                self.waiting.push_back(Found::Recorded(Recorded { twin: spec.id.clone(), layout: layout.clone(), group, received }));
            }
        }
        for problem in decoded.problems.drain(..) {
            let field = problem.field.map(|field| format!("`{field}`: ")).unwrap_or_default();
            self.refuse(line, format!("{field}{}", problem.message));
        }
        self.decoded = decoded;
    }

    /// The times, taken out of the row.
    fn times(&self, row: &mut Map<String, Json>) -> Result<Said, String> {
        let mut taken = |key: &str| row.remove(key).filter(|said| !said.is_null()).map(|said| time_of(&said)).transpose();
        let received = taken(RECEIVED)?;
        let time = match &self.options.time {
            Some(key) => taken(key)?,
            None => match taken(TIMES[0])? {
                Some(time) => Some(time),
                None => taken(TIMES[1])?,
            },
        };
        Ok((time, received))
    }

    /// Keys that mean telemetry of another name.
    fn rename(&self, spec: &TwinSpec, row: &mut Map<String, Json>) -> Result<(), Error> {
        for (key, name) in &self.options.map {
            let member = spec.layout.member(name).filter(|member| member.section == Section::Telemetry);
            let Some(member) = member else {
                let what = format!("{} has no telemetry", spec.layout.name);
                let known = spec.layout.members.iter().filter(|member| member.section == Section::Telemetry);
                return Err(Error::of_file(self.options.file.clone(), unknown(&what, name, known.map(|member| &*member.name))));
            };
            if let Some(value) = row.remove(key) {
                row.insert(member.wire.to_string(), value);
            }
        }
        Ok(())
    }

    fn refuse(&mut self, line: u64, message: String) {
        self.waiting.push_back(Found::Refused(Refused { file: self.options.file.clone(), line, message }));
    }
}

impl<R: BufRead> Iterator for Rows<'_, R> {
    type Item = Result<Found, Error>;

    fn next(&mut self) -> Option<Result<Found, Error>> {
        loop {
            if let Some(found) = self.waiting.pop_front() {
                return Some(Ok(found));
            }
            let taken = match self.read() {
                Ok(Some((line, text))) => self.take(line, &text),
                Ok(None) => return None,
                Err(error) => Err(error),
            };
            if let Err(error) = taken {
                self.lines = Lines::Over;
                return Some(Err(error));
            }
        }
    }
}

/// An event that the row names, taken out of it with what is said of it. Beside it may stand readings, which come first.
fn event_in(spec: &TwinSpec, row: &mut Map<String, Json>) -> Option<(Json, Option<Json>)> {
    if spec.layout.members.iter().any(|member| member.section == Section::Telemetry && *member.wire == *EVENT) {
        return None;
    }
    let name = row.remove(EVENT)?;
    Some((name, row.remove(DATA).filter(|body| !body.is_null())))
}

fn time_of(said: &Json) -> Result<Timestamp, String> {
    match said {
        Json::String(text) => read_time(text),
        Json::Number(number) => read_time(&number.to_string()),
        Json::Null | Json::Bool(_) | Json::Array(_) | Json::Object(_) => {
            Err(format!("expected a time, as text or as a number since 1970, got {}", Raw::from(said)))
        }
    }
}
