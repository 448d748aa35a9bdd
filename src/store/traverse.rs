//! Following relations: the edges at many twins with one statement, however many twins and relations.
//!
//! The statements are paths (`$of->feeds.*`), which take a few microseconds an edge. `SELECT … FROM $of->…` takes a time that grows with the square
//! of the edges, and a condition or a choice of fields within the path costs more than the look that we take at each edge anyway. A path over a
//! table that is not there yet leads nowhere.
//!
//! Every statement is told at debug level under [`STATEMENTS`]: the query log.

use surrealdb::types::{Array, Object, SurrealValue, Value};
use tokio::time::Instant;
use tracing::debug;

use crate::reading::TwinId;
use crate::twin::{Edge, EdgeNo};

use super::client::{escaped, refused};
use super::edges::table_of;
use super::read::edge;
use super::rows::{edge_record, field, twin_record};
use super::{Error, Store};

/// The target of the query log.
pub const STATEMENTS: &str = "pollux::statements";

/// Twins in one statement; of more of them it takes several.
const TWINS_PER_STATEMENT_MAX: usize = 10_000;

/// Which edges of a twin are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Those that begin at it.
    Out,
    /// Those that end at it.
    In,
    Both,
}

/// Which edges to follow, and which way.
#[derive(Debug, Clone)]
pub struct Step<'a> {
    /// All relations if there are none.
    pub relations: Vec<&'a str>,
    pub direction: Direction,
}

/// The edges that were found, in no order. One between two of the twins may be there twice.
#[derive(Debug, Default)]
pub struct Traversed {
    pub edges: Vec<Edge>,
    /// How many it took.
    pub statements: u64,
    /// There are more edges than were wanted; some or all of the others are missing.
    pub is_cut: bool,
}

impl Store {
    /// The edges that any of these steps follows from any of these twins, whenever they hold. It stops some way behind `edges_max`.
    pub async fn traverse(&self, of: &[TwinId], steps: &[Step<'_>], edges_max: usize) -> Result<Traversed, Error> {
        let paths: Vec<String> = steps.iter().map(path).collect();
        let statement = format!("RETURN [{}]", paths.join(", "));
        let mut found = Traversed::default();
        for twins in of.chunks(TWINS_PER_STATEMENT_MAX) {
            if found.edges.len() > edges_max {
                found.is_cut = true;
                break;
            }
            let records = twins.iter().map(|id| twin_record(id).into_value()).collect::<Vec<_>>();
            let began = Instant::now();
            let answer = self.client.read(statement.clone(), vec![("of", Value::Array(Array::from(records)))]).await;
            found.statements += 1;
            let before = found.edges.len();
            collect(answer?.take(0).map_err(refused)?, &mut found.edges)?;
            told(&statement, twins.len(), found.edges.len() - before, began);
        }
        found.is_cut |= found.edges.len() > edges_max;
        Ok(found)
    }

    /// The edges of these numbers.
    pub async fn edges(&self, numbers: &[EdgeNo]) -> Result<Traversed, Error> {
        let mut found = Traversed { statements: 2, ..Traversed::default() };
        let tables = self.relations().await?;
        let records = tables.iter().flat_map(|table| numbers.iter().map(move |no| edge_record(table, *no).into_value()));
        let records = Value::Array(Array::from(records.collect::<Vec<_>>()));
        let statement = "SELECT * FROM $records";
        let began = Instant::now();
        let mut answer = self.client.read(statement.to_owned(), vec![("records", records)]).await?;
        collect(answer.take(0).map_err(refused)?, &mut found.edges)?;
        told(statement, numbers.len(), found.edges.len(), began);
        Ok(found)
    }

    /// The tables of all relations that ever had an edge.
    pub(super) async fn relations(&self) -> Result<Vec<String>, Error> {
        let statement = "SELECT relations FROM meta:partition_0";
        let began = Instant::now();
        let mut answer = self.client.read(statement.to_owned(), Vec::new()).await?;
        let rows: Vec<Object> = answer.take(0).map_err(refused)?;
        told(statement, 1, rows.len(), began);
        let mut row = rows.into_iter().next().unwrap_or_default();
        Ok(field::<Option<Vec<String>>>(&mut row, "relations")?.unwrap_or_default())
    }
}

fn path(step: &Step<'_>) -> String {
    let arrow = match step.direction {
        Direction::Out => "->",
        Direction::In => "<-",
        Direction::Both => "<->",
    };
    let tables: Vec<String> = step.relations.iter().map(|relation| escaped(&table_of(relation))).collect();
    match &tables[..] {
        [] => format!("$of{arrow}?.*"),
        [table] => format!("$of{arrow}{table}.*"),
        tables => format!("$of{arrow}({}).*", tables.join(", ")),
    }
}

/// A path answers with lists in lists, as deep as it has steps.
fn collect(value: Value, edges: &mut Vec<Edge>) -> Result<(), Error> {
    match value {
        Value::Object(row) => edges.push(edge(row)?),
        Value::Array(items) => {
            for item in items.into_iter() {
                collect(item, edges)?;
            }
        }
        Value::None
        | Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)
        | Value::Bytes(_)
        | Value::Duration(_)
        | Value::Datetime(_)
        | Value::Uuid(_)
        | Value::Geometry(_)
        | Value::Table(_)
        | Value::RecordId(_)
        | Value::File(_)
        | Value::Range(_)
        | Value::Regex(_)
        | Value::Set(_) => {}
    }
    Ok(())
}

fn told(statement: &str, given: usize, rows: usize, began: Instant) {
    let elapsed_us = began.elapsed().as_micros();
    debug!(target: STATEMENTS, given, rows, elapsed_us, "{statement}");
}
