//! What waits for a host: bounded, in the order of arrival, twins before scoring.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::{Key, Mode, Request, Urgency};
use crate::reading::Timestamp;

#[derive(Debug)]
pub(super) struct Queue {
    mode: Mode,
    requests_max: usize,
    /// By the number of their arrival.
    twins: BTreeMap<u64, Request>,
    scoring: BTreeMap<u64, Request>,
    /// Of the latest mode: where the one request of a twin stands.
    places: HashMap<Key, u64>,
    next: u64,
}

/// What became of a request that was put in.
#[derive(Debug)]
pub(super) enum Put {
    Waits,
    /// A newer request of the same twin stands in its place.
    Replaced(Request),
    /// The oldest had to make room.
    Pushed(Request),
    /// No room; it comes back.
    Full(Request),
}

impl Queue {
    pub(super) fn new(mode: Mode, requests_max: usize) -> Queue {
        Queue { mode, requests_max, twins: BTreeMap::new(), scoring: BTreeMap::new(), places: HashMap::new(), next: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.twins.len() + self.scoring.len()
    }

    pub(super) fn rows(&self) -> usize {
        self.twins.len() + self.scoring.values().map(|request| request.batch.rows).sum::<usize>()
    }

    pub(super) fn put(&mut self, request: Request) -> Put {
        let number = self.next;
        let key = match request.urgency {
            Urgency::Twin(key) => key,
            Urgency::Scoring if self.len() >= self.requests_max => return Put::Full(request),
            Urgency::Scoring => {
                self.next += 1;
                self.scoring.insert(number, request);
                return Put::Waits;
            }
        };
        if self.mode == Mode::Every {
            if self.len() >= self.requests_max {
                return Put::Full(request);
            }
            self.next += 1;
            self.twins.insert(number, request);
            return Put::Waits;
        }
        // The newer takes the older's place and keeps its turn, so that a twin that speaks often is not put off for ever.
        if let Some(waiting) = self.places.get(&key).and_then(|place| self.twins.get_mut(place)) {
            return Put::Replaced(std::mem::replace(waiting, request));
        }
        let pushed = if self.len() >= self.requests_max { self.oldest() } else { None };
        self.next += 1;
        self.places.insert(key, number);
        self.twins.insert(number, request);
        pushed.map_or(Put::Waits, Put::Pushed)
    }

    fn oldest(&mut self) -> Option<Request> {
        let (_, request) = self.scoring.pop_first().or_else(|| self.twins.pop_first())?;
        self.forget(&request);
        Some(request)
    }

    fn forget(&mut self, request: &Request) {
        if let Some(key) = request.key() {
            self.places.remove(&key);
        }
    }

    /// The next batch: what is like the first one waiting, in order, up to so many rows. A twin in `busy` waits until its last answer is out,
    /// and no request goes before an older one of the same twin.
    pub(super) fn take(&mut self, rows_max: usize, busy: &HashSet<Key>) -> Vec<Request> {
        let mut taken: Vec<u64> = Vec::new();
        let (mut rows, mut first) = (0, None);
        let mut passed_by: HashSet<Key> = HashSet::new();
        for (number, request) in self.twins.iter().chain(&self.scoring) {
            let is_like = first.is_none_or(|first: &Request| first.batch.is_like(&request.batch));
            let fits = rows == 0 || rows + request.batch.rows <= rows_max;
            let is_blocked = request.key().is_some_and(|key| busy.contains(&key) || passed_by.contains(&key));
            if is_like && fits && !is_blocked {
                taken.push(*number);
                rows += request.batch.rows;
                first = first.or(Some(request));
            } else if let Some(key) = request.key() {
                passed_by.insert(key);
            }
            if rows >= rows_max {
                break;
            }
        }
        let mut requests = Vec::with_capacity(taken.len());
        for number in taken {
            requests.extend(self.twins.remove(&number).or_else(|| self.scoring.remove(&number)));
        }
        requests.iter().for_each(|request| self.forget(request));
        requests
    }

    /// Those that were asked before that instant.
    pub(super) fn expire(&mut self, before: Timestamp) -> Vec<Request> {
        // In order of arrival, which is that of asking but for requests that took an older one's place.
        let has_old = |requests: &BTreeMap<u64, Request>| requests.values().next().is_some_and(|request| request.asked < before);
        if !has_old(&self.twins) && !has_old(&self.scoring) {
            return Vec::new();
        }
        let is_old = |_: &u64, request: &mut Request| request.asked < before;
        let mut expired: Vec<Request> = self.twins.extract_if(.., is_old).map(|(_, request)| request).collect();
        expired.extend(self.scoring.extract_if(.., is_old).map(|(_, request)| request));
        expired.iter().for_each(|request| self.forget(request));
        expired
    }

    pub(super) fn drain(&mut self) -> Vec<Request> {
        self.places.clear();
        let twins = std::mem::take(&mut self.twins).into_values();
        twins.chain(std::mem::take(&mut self.scoring).into_values()).collect()
    }
}
