//! First answers to requests with an idempotency key, so that a request that comes again is answered and not done again.
//!
//! An answer is a fact of the entry that it belongs to; the graph store keeps it when the journal has forgotten that entry.

use std::collections::VecDeque;
use std::time::Duration;

use foldhash::{HashMap, HashMapExt};
use serde_json::Value as Json;
use tokio::sync::oneshot;

use crate::journal::record;
use crate::reading::{Seq, Timestamp};
use crate::runtime::Runtime;
use crate::runtime::held::{Aside, Held, StructureChange};
use crate::store::AnswerRow;
use crate::twin::{Edited, Entry, Fact, Keyed};

use super::Error;

/// How long an answer is given again.
const KEPT: Duration = Duration::from_secs(24 * 3600);
/// What all answers together may take.
const BYTES_MAX: usize = 64 << 20;

#[derive(Debug)]
pub struct Answers {
    keys_max: usize,
    /// By who asked and the key: the commit.
    by_key: HashMap<(String, String), Seq>,
    /// In the order of commits.
    rows: VecDeque<AnswerRow>,
    bytes: usize,
    /// Commits up to here have been dropped and the store has not been told.
    dropped: Option<Seq>,
}

impl Default for Answers {
    fn default() -> Answers {
        Answers::new(0)
    }
}

impl Answers {
    pub fn new(keys_max: usize) -> Answers {
        Answers { keys_max, by_key: HashMap::new(), rows: VecDeque::new(), bytes: 0, dropped: None }
    }

    /// In the order of commits; one that is known already changes nothing.
    pub fn remember(&mut self, row: AnswerRow) {
        if self.rows.back().is_some_and(|last| last.seq >= row.seq) {
            return;
        }
        let now = row.at;
        self.bytes += size(&row);
        self.by_key.insert((row.by.clone(), row.keyed.key.clone()), row.seq);
        self.rows.push_back(row);
        while self.rows.len() > self.keys_max || self.bytes > BYTES_MAX || self.rows.front().is_some_and(|row| is_old(row, now)) {
            let Some(row) = self.rows.pop_front() else { break };
            self.bytes -= size(&row);
            self.dropped = Some(row.seq);
            let key = (row.by, row.keyed.key);
            if self.by_key.get(&key) == Some(&row.seq) {
                self.by_key.remove(&key);
            }
        }
    }

    pub fn recall(&self, by: &str, key: &str, now: Timestamp) -> Option<&AnswerRow> {
        let seq = *self.by_key.get(&(by.to_owned(), key.to_owned()))?;
        let place = self.rows.binary_search_by_key(&seq, |row| row.seq).ok()?;
        self.rows.get(place).filter(|row| !is_old(row, now))
    }

    /// For the store: what was committed before need not be kept any more. Said once.
    pub fn dropped_before(&mut self) -> Option<Seq> {
        self.dropped.take().map(|seq| Seq(seq.0 + 1))
    }
}

fn is_old(row: &AnswerRow, now: Timestamp) -> bool {
    row.at < now.minus(KEPT)
}

fn size(row: &AnswerRow) -> usize {
    200 + row.by.len() + row.keyed.key.len() + json_size(&row.keyed.answer)
}

fn json_size(json: &Json) -> usize {
    match json {
        Json::Null | Json::Bool(_) | Json::Number(_) => 16,
        Json::String(text) => 32 + text.len(),
        Json::Array(items) => 32 + items.iter().map(json_size).sum::<usize>(),
        Json::Object(members) => 32 + members.iter().map(|(name, member)| 32 + name.len() + json_size(member)).sum::<usize>(),
    }
}

impl Runtime {
    /// The first answer to this key, for requests that are more than one change: the commit, the hash of what was asked, and the answer.
    pub fn first_answer(&self, by: &str, key: &str) -> Option<(Seq, u64, Json)> {
        let answers = self.followers.answers.lock();
        let row = answers.recall(by, key, self.shared.clock.now())?;
        Some((row.seq, row.keyed.asked, row.keyed.answer.clone()))
    }

    /// Keeps an answer for such a request. When this returns, it is on disk.
    pub async fn keep_answer(&self, by: &str, key: &str, asked: u64, answer: Json) -> Result<Seq, Error> {
        let at = self.shared.clock.now();
        let keyed = Keyed { key: key.to_owned(), asked, answer };
        let row = AnswerRow { seq: Seq(0), at, by: by.to_owned(), keyed: keyed.clone() };
        let entry = Entry { at, facts: vec![Fact::Edited(Box::new(Edited { by: by.to_owned(), keyed: Some(keyed) }))] };
        let (waiter, commit) = oneshot::channel();
        let structure = vec![StructureChange::Answered(Box::new(row))];
        let held = Held { aside: Some(Box::new(Aside { structure, waiter: Some(waiter), ..Aside::default() })), ..Held::default() };
        let appended = self.shared.journal.append(|out| record::encode(&entry, out), held).await;
        appended.map_err(|refused| Error::Unavailable(refused.to_string()))?;
        commit.await.map_err(|_| Error::InDoubt("the journal has been closed".to_owned()))
    }
}
