//! Writing: a consistent cut of what was committed, in one transaction with its position; and checkpoints.

use std::collections::BTreeMap;

use surrealdb::types::{Array, Object, SurrealValue, Value};

use crate::catalog::stored::LayoutRecord;
use crate::reading::Seq;

use super::client::escaped;
use super::edges::table_of;
use super::rows::{CheckpointRow, EdgeRow, RejectionRow, TwinRow, checkpoint_value, edge_value, rejection_value, signed};
use super::{Error, FORMAT, Store};

/// A part of what was committed. Written twice it leaves the same as written once.
#[derive(Debug, Default)]
pub struct Batch {
    pub types: Vec<LayoutRecord>,
    pub twins: Vec<TwinRow>,
    /// Begun ones, and ended ones in their new form.
    pub edges: Vec<EdgeRow>,
    pub rejections: Vec<RejectionRow>,
    /// With the last part of a cut: everything up to here is in.
    pub upto: Option<Seq>,
}

const TWINS: &str = "INSERT INTO twin $twins ON DUPLICATE KEY UPDATE no = $input.no, name = $input.name, type = $input.type, kind = $input.kind, \
    revision = $input.revision, seq = $input.seq, updated = $input.updated, properties = $input.properties, values = $input.values, \
    externalIds = $input.externalIds RETURN NONE;\n";

impl Store {
    pub async fn project(&self, batch: &Batch) -> Result<(), Error> {
        let mut statements = String::from("BEGIN;\n");
        let mut variables: Vec<(&'static str, Value)> = Vec::new();
        if !batch.types.is_empty() {
            statements.push_str("INSERT IGNORE INTO type $types RETURN NONE;\n");
            variables.push(("types", list(batch.types.iter().map(type_value))));
        }
        if !batch.twins.is_empty() {
            statements.push_str(TWINS);
            variables.push(("twins", list(batch.twins.iter().map(|row| row.content.clone()))));
        }
        relate(&batch.edges, &mut statements, &mut variables);
        if !batch.rejections.is_empty() {
            statements.push_str("INSERT IGNORE INTO rejection $rejections RETURN NONE;\n");
            variables.push(("rejections", list(batch.rejections.iter().map(rejection_value))));
        }
        let mut meta = Object::new();
        meta.insert("format", FORMAT);
        if let Some(upto) = batch.upto {
            meta.insert("position", signed(upto.0));
        }
        variables.push(("meta", Value::Object(meta)));
        statements.push_str("UPSERT meta:partition_0 MERGE $meta RETURN NONE;\n");
        let highest_twin = batch.twins.iter().map(|row| i64::from(row.no.0)).max().unwrap_or(0);
        let highest_edge = batch.edges.iter().map(|row| signed(row.edge.no.0)).max().unwrap_or(0);
        if highest_twin > 0 || highest_edge > 0 {
            statements.push_str(
                "UPDATE meta:partition_0 SET last_twin = math::max([last_twin ?? 0, $last_twin]), last_edge = math::max([last_edge ?? 0, $last_edge]) RETURN NONE;\n",
            );
            variables.push(("last_twin", highest_twin.into_value()));
            variables.push(("last_edge", highest_edge.into_value()));
        }
        statements.push_str("COMMIT;");
        self.client.query(statements, variables).await.map(drop)
    }

    pub async fn save_checkpoints(&self, rows: &[CheckpointRow]) -> Result<(), Error> {
        if rows.is_empty() {
            return Ok(());
        }
        let highest = rows.iter().map(|row| i64::from(row.no.0)).max().unwrap_or(0);
        let statements = "BEGIN;
            INSERT INTO checkpoint $rows ON DUPLICATE KEY UPDATE seq = $input.seq, data = $input.data RETURN NONE;
            UPSERT meta:partition_0 SET last_twin = math::max([last_twin ?? 0, $last_twin]) RETURN NONE;
            COMMIT;";
        let variables = vec![("rows", list(rows.iter().map(checkpoint_value))), ("last_twin", highest.into_value())];
        self.client.query(statements.to_owned(), variables).await.map(drop)
    }

    /// From now on recovery need not look at commits up to `upto` for the sake of twins.
    pub async fn save_upto(&self, upto: Seq) -> Result<(), Error> {
        let statement = "UPSERT meta:partition_0 SET saved_upto = $upto RETURN NONE;".to_owned();
        self.client.query(statement, vec![("upto", signed(upto.0).into_value())]).await.map(drop)
    }

    /// Drops the oldest rejections if there are more than `rejections_max`.
    pub async fn trim_rejections(&self) -> Result<(), Error> {
        let kept = self.client.config.rejections_max;
        let statements = format!(
            "LET $first = (SELECT VALUE id FROM rejection ORDER BY id DESC LIMIT 1 START {kept})[0];
             IF $first != NONE {{ DELETE rejection WHERE id <= $first RETURN NONE }};"
        );
        self.client.query(statements, Vec::new()).await.map(drop)
    }
}

/// One statement per relation, since each is a table of its own.
fn relate(edges: &[EdgeRow], statements: &mut String, variables: &mut Vec<(&'static str, Value)>) {
    let mut by_table: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for row in edges {
        let table = table_of(&row.edge.relation);
        let value = edge_value(row, &table);
        by_table.entry(table).or_default().push(value);
    }
    if by_table.is_empty() {
        return;
    }
    let mut all = Object::new();
    let mut relations = Vec::new();
    for (table, rows) in by_table {
        let name = escaped(&table);
        statements.push_str(&format!(
            "DEFINE TABLE IF NOT EXISTS {name} TYPE RELATION FROM twin TO twin SCHEMALESS;\n\
             INSERT RELATION INTO {name} $edges.{name} ON DUPLICATE KEY UPDATE validFrom = $input.validFrom, validTo = $input.validTo, \
             properties = $input.properties, seq = $input.seq RETURN NONE;\n"
        ));
        relations.push(table.clone().into_value());
        all.insert(table, Value::Array(Array::from(rows)));
    }
    statements.push_str("UPSERT meta:partition_0 SET relations = array::union(relations ?? [], $relations) RETURN NONE;\n");
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
