//! Writing: a consistent cut of what was committed, its position in the same transaction as the last of it; and checkpoints.

use std::collections::BTreeMap;

use surrealdb::types::{Array, Object, SurrealValue, Value};

use crate::catalog::stored::LayoutRecord;
use crate::reading::Seq;

use super::client::{escaped, refused};
use super::edges::table_of;
use super::rows::{
    AnswerRow, CheckpointRow, DeletedRow, EdgeRow, RejectionRow, TwinRow, answer_value, checkpoint_value, deleted_value, edge_value, field,
    rejection_value, signed, unsigned,
};
use super::{Error, FORMAT, Store};

/// What goes into one transaction. The embedded engine refuses one that does not fit its memtable, and a connection a message above 64 MiB;
/// a type may have thousands of slots, and a first start may begin a million edges.
const TRANSACTION_BYTES_MAX: usize = 8 << 20;
const TRANSACTION_ROWS_MAX: usize = 5_000;

/// A part of what was committed. Written twice it leaves the same as written once.
#[derive(Debug, Default)]
pub struct Batch {
    pub types: Vec<LayoutRecord>,
    pub twins: Vec<TwinRow>,
    /// Begun ones, and ended ones in their new form.
    pub edges: Vec<EdgeRow>,
    pub rejections: Vec<RejectionRow>,
    /// After the twins of the same cut, since an id may have been given again.
    pub deleted: Vec<DeletedRow>,
    pub answers: Vec<AnswerRow>,
    /// With the last part of a cut: everything up to here is in.
    pub upto: Option<Seq>,
}

/// Each row whole. Not `INSERT … ON DUPLICATE KEY UPDATE`: it takes more than twice the time, by failing first for every row that is there.
const TWINS: &str = "FOR $row IN $twins { UPSERT $row.id CONTENT $row RETURN NONE };\n";
/// Not a twin that has the id by now.
const DELETED: &str = "FOR $row IN $deleted { UPDATE $row.id SET deleted = $row.at, seq = $row.seq WHERE no = $row.no RETURN NONE };\n";
const CHECKPOINTS: &str = "FOR $row IN $checkpoints { UPSERT $row.id CONTENT $row RETURN NONE };\n";

impl Store {
    /// In as many transactions as it takes; the last of them moves the position.
    pub async fn project(&self, batch: &Batch) -> Result<(), Error> {
        let types = batch.types.iter().map(|record| (Target::Type, type_value(record)));
        let twins = batch.twins.iter().map(|row| (Target::Twin(row.no.0), row.content.clone()));
        let rejections = batch.rejections.iter().map(|row| (Target::Rejection, rejection_value(row)));
        let edges = batch.edges.iter().map(|row| {
            let table = table_of(&row.edge.relation);
            let value = edge_value(row, &table);
            (Target::Edge(table, row.edge.no.0), value)
        });
        let deleted = batch.deleted.iter().map(|row| (Target::Deleted, deleted_value(row)));
        let answers = batch.answers.iter().map(|row| (Target::Answer, answer_value(row)));
        let mut part = Part::default();
        for (target, row) in types.chain(twins).chain(deleted).chain(edges).chain(rejections).chain(answers) {
            if part.is_full() {
                self.write(std::mem::take(&mut part), None).await?;
            }
            part.put(target, row);
        }
        self.write(part, batch.upto).await?;
        batch.upto.into_iter().for_each(|upto| self.client.confirm(upto.0));
        Ok(())
    }

    async fn write(&self, part: Part, upto: Option<Seq>) -> Result<(), Error> {
        let mut statements = String::new();
        let mut meta = format!("UPSERT meta:partition_0 SET format = {FORMAT}");
        let mut variables: Vec<(&'static str, Value)> = Vec::new();
        if !part.types.is_empty() {
            statements.push_str("INSERT IGNORE INTO type $types RETURN NONE;\n");
            variables.push(("types", list(part.types)));
        }
        if !part.twins.is_empty() {
            statements.push_str(TWINS);
            variables.push(("twins", list(part.twins)));
            meta.push_str(&format!(", last_twin = math::max([last_twin ?? 0, {}])", part.last_twin));
        }
        if !part.deleted.is_empty() {
            statements.push_str(DELETED);
            variables.push(("deleted", list(part.deleted)));
        }
        if !part.edges.is_empty() {
            relate(part.edges, &mut statements, &mut variables);
            meta.push_str(&format!(", last_edge = math::max([last_edge ?? 0, {}])", part.last_edge));
            meta.push_str(", relations = array::union(relations ?? [], $relations)");
        }
        if !part.rejections.is_empty() {
            statements.push_str("INSERT IGNORE INTO rejection $rejections RETURN NONE;\n");
            variables.push(("rejections", list(part.rejections)));
        }
        if !part.answers.is_empty() {
            statements.push_str("INSERT IGNORE INTO idempotency $answers RETURN NONE;\n");
            variables.push(("answers", list(part.answers)));
        }
        if let Some(upto) = upto {
            meta.push_str(&format!(", position = {}", signed(upto.0)));
        }
        statements.push_str(&format!("{meta} RETURN NONE;\n"));
        self.client.commit(&statements, variables).await
    }

    pub async fn save_checkpoints(&self, rows: &[CheckpointRow]) -> Result<(), Error> {
        let mut part = Part::default();
        for row in rows {
            if part.is_full() {
                self.write_checkpoints(std::mem::take(&mut part)).await?;
            }
            part.put(Target::Twin(row.no.0), checkpoint_value(row));
        }
        if part.twins.is_empty() { Ok(()) } else { self.write_checkpoints(part).await }
    }

    async fn write_checkpoints(&self, part: Part) -> Result<(), Error> {
        let meta = format!("UPSERT meta:partition_0 SET last_twin = math::max([last_twin ?? 0, {}]) RETURN NONE;\n", part.last_twin);
        self.client.commit(&format!("{CHECKPOINTS}{meta}"), vec![("checkpoints", list(part.twins))]).await
    }

    /// From now on recovery need not look at commits up to `upto` for the sake of twins.
    pub async fn save_upto(&self, upto: Seq) -> Result<(), Error> {
        let statement = format!("UPSERT meta:partition_0 SET saved_upto = {} RETURN NONE;\n", signed(upto.0));
        self.client.commit(&statement, Vec::new()).await
    }

    /// Drops the answers of commits before `seq`.
    pub async fn forget_answers_before(&self, seq: Seq) -> Result<(), Error> {
        let statement = format!("DELETE idempotency:..{} RETURN NONE;\n", signed(seq.0));
        self.client.commit(&statement, Vec::new()).await
    }

    /// Drops the oldest rejections if there are more than `rejections_max`.
    pub async fn trim_rejections(&self) -> Result<(), Error> {
        let mut excess = self.count_rejections().await?.saturating_sub(self.client.config.rejections_max);
        while excess > 0 {
            let some = excess.min(TRANSACTION_ROWS_MAX as u64);
            let statements =
                format!("LET $oldest = SELECT VALUE id FROM rejection ORDER BY id LIMIT {some};\nDELETE $oldest RETURN NONE;\n");
            self.client.commit(&statements, Vec::new()).await?;
            excess -= some;
        }
        Ok(())
    }

    async fn count_rejections(&self) -> Result<u64, Error> {
        let mut answer = self.client.query("SELECT count() AS rows FROM rejection GROUP ALL".to_owned(), Vec::new()).await?;
        let rows: Vec<Object> = answer.take(0).map_err(refused)?;
        rows.into_iter().next().map_or(Ok(0), |mut row| Ok(unsigned(field(&mut row, "rows")?)))
    }
}

/// Rows for one transaction.
#[derive(Default)]
struct Part {
    types: Vec<Value>,
    twins: Vec<Value>,
    /// By table.
    edges: BTreeMap<String, Vec<Value>>,
    rejections: Vec<Value>,
    deleted: Vec<Value>,
    answers: Vec<Value>,
    last_twin: u32,
    last_edge: u64,
    rows: usize,
    bytes: usize,
}

/// Where a row goes, with the number to remember.
enum Target {
    Type,
    Twin(u32),
    Edge(String, u64),
    Rejection,
    Deleted,
    Answer,
}

impl Part {
    fn is_full(&self) -> bool {
        self.rows >= TRANSACTION_ROWS_MAX || self.bytes >= TRANSACTION_BYTES_MAX
    }

    fn put(&mut self, target: Target, row: Value) {
        self.rows += 1;
        self.bytes += bytes_of(&row);
        match target {
            Target::Type => self.types.push(row),
            Target::Rejection => self.rejections.push(row),
            Target::Deleted => self.deleted.push(row),
            Target::Answer => self.answers.push(row),
            Target::Twin(no) => {
                self.last_twin = self.last_twin.max(no);
                self.twins.push(row);
            }
            Target::Edge(table, no) => {
                self.last_edge = self.last_edge.max(no);
                self.edges.entry(table).or_default().push(row);
            }
        }
    }
}

/// About what a value takes when it is written.
fn bytes_of(value: &Value) -> usize {
    if let Value::Object(members) = value {
        members.iter().map(|(name, member)| name.len() + bytes_of(member)).sum()
    } else if let Value::Array(items) = value {
        items.iter().map(bytes_of).sum()
    } else if let Value::String(text) = value {
        text.len()
    } else if let Value::Bytes(bytes) = value {
        bytes.len()
    } else {
        16
    }
}

/// One statement per relation, since each is a table of its own.
fn relate(edges: BTreeMap<String, Vec<Value>>, statements: &mut String, variables: &mut Vec<(&'static str, Value)>) {
    let mut all = Object::new();
    let mut relations = Vec::new();
    for (table, rows) in edges {
        let name = escaped(&table);
        statements.push_str(&format!(
            "DEFINE TABLE IF NOT EXISTS {name} TYPE RELATION FROM twin TO twin SCHEMALESS;\n\
             INSERT RELATION INTO {name} $edges.{name} ON DUPLICATE KEY UPDATE validFrom = $input.validFrom, validTo = $input.validTo, \
             properties = $input.properties, live = $input.live, seq = $input.seq RETURN NONE;\n"
        ));
        relations.push(table.clone().into_value());
        all.insert(table, list(rows));
    }
    variables.push(("edges", Value::Object(all)));
    variables.push(("relations", list(relations)));
}

fn type_value(record: &LayoutRecord) -> Value {
    let mut content = Object::new();
    content.insert("id", surrealdb::types::RecordId::new("type", format!("{:016x}", record.fingerprint)));
    content.insert("name", record.name.clone());
    // A number beyond 2^63 has no place in the store's integers, so the record travels as text.
    content.insert("layout", serde_json::to_string(record).unwrap_or_default());
    Value::Object(content)
}

fn list(values: impl IntoIterator<Item = Value>) -> Value {
    Value::Array(Array::from(values.into_iter().collect::<Vec<_>>()))
}
