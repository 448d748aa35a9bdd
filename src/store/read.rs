//! Reading: what a start needs, page by page; the list of rejections.

use std::sync::Arc;

use surrealdb::types::{Bytes, Object, SurrealValue, Value};

use crate::catalog::stored::LayoutRecord;
use crate::reading::{Seq, Timestamp, TwinId, TwinNo};
use crate::twin::{Edge, EdgeNo, Keyed, Rejection};

use super::client::{escaped, refused};
use super::rows::{AnswerRow, CheckpointRow, RejectionRow, field, twin_record, unsigned};
use super::{Error, Meta, Store};

/// Edges that are read at once at a start.
const EDGES_PER_PAGE: usize = 5_000;
/// A checkpoint of a type with thousands of slots takes a hundred kilobytes; a page of such still fits a message of a server (64 MiB).
const CHECKPOINTS_PER_PAGE: usize = 500;

/// Answers may carry a thousand ids each.
const ANSWERS_PER_PAGE: usize = 500;

/// Which rejections to list, newest first.
#[derive(Debug, Clone, Default)]
pub struct RejectionFilter {
    pub twin: Option<String>,
    /// Sent to one of these; empty: wherever.
    pub addresses: Vec<String>,
    /// With one of these codes; empty: whatever the code.
    pub codes: Vec<String>,
    pub since: Option<Timestamp>,
    /// Only those older than this one, by commit and part.
    pub before: Option<(Seq, u32)>,
    pub limit: usize,
}

impl RejectionFilter {
    fn condition(&self) -> (String, Vec<(&'static str, Value)>) {
        let mut conditions = Vec::new();
        let mut variables: Vec<(&'static str, Value)> = Vec::new();
        if let Some(twin) = &self.twin {
            conditions.push("twin = $twin");
            variables.push(("twin", twin.clone().into_value()));
        }
        if !self.addresses.is_empty() {
            conditions.push("address IN $addresses");
            variables.push(("addresses", self.addresses.clone().into_value()));
        }
        if !self.codes.is_empty() {
            conditions.push("code IN $codes");
            variables.push(("codes", self.codes.clone().into_value()));
        }
        if let Some(since) = self.since {
            conditions.push("at >= $since");
            variables.push(("since", since.0.into_value()));
        }
        if let Some((seq, part)) = self.before {
            conditions.push("(seq < $seq OR (seq = $seq AND part < $part))");
            variables.push(("seq", super::rows::signed(seq.0).into_value()));
            variables.push(("part", i64::from(part).into_value()));
        }
        let condition = if conditions.is_empty() { String::new() } else { format!("WHERE {}", conditions.join(" AND ")) };
        (condition, variables)
    }
}

impl Store {
    pub async fn load_meta(&self) -> Result<Meta, Error> {
        let mut answer = self.client.query("SELECT * FROM meta:partition_0".to_owned(), Vec::new()).await?;
        let rows: Vec<Object> = answer.take(0).map_err(refused)?;
        let Some(mut row) = rows.into_iter().next() else { return Ok(Meta::default()) };
        let mut number = |name| field::<Option<i64>>(&mut row, name).map(|number| unsigned(number.unwrap_or(0)));
        Ok(Meta {
            position: Seq(number("position")?),
            saved_upto: Seq(number("saved_upto")?),
            last_twin: u32::try_from(number("last_twin")?).unwrap_or(u32::MAX),
            last_edge: number("last_edge")?,
        })
    }

    pub async fn load_types(&self, f: &mut (dyn FnMut(LayoutRecord) + Send)) -> Result<(), Error> {
        let mut answer = self.client.query("SELECT VALUE layout FROM type".to_owned(), Vec::new()).await?;
        let texts: Vec<String> = answer.take(0).map_err(refused)?;
        for text in texts {
            f(serde_json::from_str(&text).map_err(|error| Error::Damaged(format!("a type: {error}")))?);
        }
        Ok(())
    }

    pub async fn load_checkpoints(&self, f: &mut (dyn FnMut(CheckpointRow) + Send)) -> Result<(), Error> {
        let last = u64::from(self.load_meta().await?.last_twin);
        for first in (1..=last).step_by(CHECKPOINTS_PER_PAGE) {
            let page = format!("SELECT no, seq, data FROM checkpoint:{first}..{}", first + CHECKPOINTS_PER_PAGE as u64);
            let mut answer = self.client.query(page, Vec::new()).await?;
            let rows: Vec<Object> = answer.take(0).map_err(refused)?;
            for row in rows {
                f(checkpoint(row)?);
            }
        }
        Ok(())
    }

    pub async fn load_checkpoint(&self, no: TwinNo) -> Result<Option<CheckpointRow>, Error> {
        let mut answer = self.client.query(format!("SELECT no, seq, data FROM checkpoint:{}", no.0), Vec::new()).await?;
        let rows: Vec<Object> = answer.take(0).map_err(refused)?;
        rows.into_iter().next().map(checkpoint).transpose()
    }

    pub async fn load_edges(&self, f: &mut (dyn FnMut(Edge) + Send)) -> Result<(), Error> {
        let last = self.load_meta().await?.last_edge;
        for table in self.relations().await? {
            for first in (1..=last).step_by(EDGES_PER_PAGE) {
                let page = format!("SELECT * FROM {}:{first}..{}", escaped(&table), first + EDGES_PER_PAGE as u64);
                let mut answer = self.client.query(page, Vec::new()).await?;
                let rows: Vec<Object> = answer.take(0).map_err(refused)?;
                for row in rows {
                    f(edge(row)?);
                }
            }
        }
        Ok(())
    }

    /// The first answers that were kept, oldest first.
    pub async fn load_answers(&self, f: &mut (dyn FnMut(AnswerRow) + Send)) -> Result<(), Error> {
        let mut after = 0;
        loop {
            let page = format!("SELECT * FROM idempotency:{after}>.. LIMIT {ANSWERS_PER_PAGE}");
            let mut answer = self.client.query(page, Vec::new()).await?;
            let rows: Vec<Object> = answer.take(0).map_err(refused)?;
            let is_last = rows.len() < ANSWERS_PER_PAGE;
            for row in rows {
                let row = kept_answer(row)?;
                after = super::rows::signed(row.seq.0);
                f(row);
            }
            if is_last {
                return Ok(());
            }
        }
    }

    pub async fn rejections(&self, filter: &RejectionFilter) -> Result<Vec<RejectionRow>, Error> {
        let (condition, variables) = filter.condition();
        let statement = format!("SELECT * FROM rejection {condition} ORDER BY id DESC LIMIT {}", filter.limit);
        let mut answer = self.client.query(statement, variables).await?;
        let rows: Vec<Object> = answer.take(0).map_err(refused)?;
        rows.into_iter().map(rejection).collect()
    }

    /// How many there are in all.
    pub async fn count_rejections_of(&self, filter: &RejectionFilter) -> Result<usize, Error> {
        let (condition, variables) = filter.condition();
        let statement = format!("SELECT count() AS rows FROM rejection {condition} GROUP ALL");
        let mut answer = self.client.query(statement, variables).await?;
        let rows: Vec<Object> = answer.take(0).map_err(refused)?;
        let Some(mut row) = rows.into_iter().next() else { return Ok(0) };
        Ok(usize::try_from(unsigned(field(&mut row, "rows")?)).unwrap_or(usize::MAX))
    }

    pub async fn rejection(&self, seq: Seq, part: u32) -> Result<Option<RejectionRow>, Error> {
        let statement = format!("SELECT * FROM rejection:[{}, {part}]", super::rows::signed(seq.0));
        let mut answer = self.client.query(statement, Vec::new()).await?;
        let rows: Vec<Object> = answer.take(0).map_err(refused)?;
        rows.into_iter().next().map(rejection).transpose()
    }

    /// The row of a twin as JSON, for tests and for looking.
    pub async fn twin(&self, id: &TwinId) -> Result<Option<serde_json::Value>, Error> {
        let variables = vec![("id", twin_record(id).into_value())];
        let mut answer = self.client.query("SELECT * OMIT id FROM $id".to_owned(), variables).await?;
        let rows: Vec<serde_json::Value> = answer.take(0).map_err(refused)?;
        Ok(rows.into_iter().next())
    }
}

fn checkpoint(mut row: Object) -> Result<CheckpointRow, Error> {
    let no: i64 = field(&mut row, "no")?;
    let seq: i64 = field(&mut row, "seq")?;
    let data: Bytes = field(&mut row, "data")?;
    let no = u32::try_from(no).map_err(|_| Error::Damaged(format!("twin number {no}")))?;
    Ok(CheckpointRow { no: TwinNo(no), seq: Seq(unsigned(seq)), bytes: data.into_inner().to_vec() })
}

fn kept_answer(mut row: Object) -> Result<AnswerRow, Error> {
    let asked: String = field(&mut row, "asked")?;
    let answer: String = field(&mut row, "answer")?;
    let damaged = |what: &str| Error::Damaged(format!("{what} of an answer that was kept"));
    Ok(AnswerRow {
        seq: Seq(unsigned(field(&mut row, "seq")?)),
        at: Timestamp(field(&mut row, "at")?),
        by: field(&mut row, "by")?,
        keyed: Keyed {
            key: field(&mut row, "key")?,
            asked: u64::from_str_radix(&asked, 16).map_err(|_| damaged("the hash"))?,
            answer: serde_json::from_str(&answer).map_err(|_| damaged("the text"))?,
        },
    })
}

pub(super) fn edge(mut row: Object) -> Result<Edge, Error> {
    let mut twin = |name| field::<i64>(&mut row, name).map(|no| TwinNo(u32::try_from(no).unwrap_or(0)));
    let (from, to) = (twin("from")?, twin("to")?);
    let relation: String = field(&mut row, "relation")?;
    let serde_json::Value::Object(properties) = field(&mut row, "properties")? else {
        return Err(Error::Damaged(format!("the properties of an edge of {relation} are no object")));
    };
    Ok(Edge {
        no: EdgeNo(unsigned(field(&mut row, "no")?)),
        relation: Arc::from(relation),
        from,
        to,
        properties,
        valid_from: Timestamp(field(&mut row, "validFrom")?),
        valid_to: field::<Option<i64>>(&mut row, "validTo")?.map(Timestamp),
        live: field::<Option<bool>>(&mut row, "live")?.unwrap_or(false),
    })
}

fn rejection(mut row: Object) -> Result<RejectionRow, Error> {
    let twin: Option<String> = field(&mut row, "twin")?;
    let code: String = field(&mut row, "code")?;
    Ok(RejectionRow {
        seq: Seq(unsigned(field(&mut row, "seq")?)),
        part: u32::try_from(field::<i64>(&mut row, "part")?).unwrap_or(0),
        rejection: Rejection {
            at: Timestamp(field(&mut row, "at")?),
            address: field(&mut row, "address")?,
            twin: twin.and_then(|id| TwinId::parse(&id).ok()),
            field: field(&mut row, "field")?,
            code: code.into(),
            message: field(&mut row, "message")?,
            excerpt: field(&mut row, "excerpt")?,
            payload_bytes: unsigned(field::<Option<i64>>(&mut row, "payloadBytes")?.unwrap_or(0)),
        },
    })
}
