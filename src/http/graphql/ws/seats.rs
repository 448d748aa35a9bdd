//! How many sockets there may be, of everybody and of one subject.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

#[derive(Clone)]
pub(in crate::http::graphql) struct Seats {
    all: Arc<Semaphore>,
    sockets_max: usize,
    per_subject_max: usize,
    /// Only those who have any.
    by_subject: Arc<Mutex<HashMap<String, usize>>>,
}

/// A place for a socket, given back when it is dropped.
pub(super) struct Seat {
    _place: OwnedSemaphorePermit,
    subject: Option<String>,
    seats: Seats,
}

impl Seats {
    pub(in crate::http::graphql) fn new(sockets_max: usize, per_subject_max: usize) -> Seats {
        let sockets_max = sockets_max.min(Semaphore::MAX_PERMITS);
        Seats { all: Arc::new(Semaphore::new(sockets_max)), sockets_max, per_subject_max, by_subject: Arc::default() }
    }

    pub(super) fn sockets_max(&self) -> usize {
        self.sockets_max
    }

    pub(super) fn take(&self) -> Option<Seat> {
        let place = self.all.clone().try_acquire_owned().ok()?;
        Some(Seat { _place: place, subject: None, seats: self.clone() })
    }
}

impl Seat {
    /// Whether the subject may have one more. To be asked once.
    pub(super) fn belongs_to(&mut self, subject: &str) -> bool {
        let mut by_subject = self.seats.by_subject.lock();
        let count = by_subject.entry(subject.to_owned()).or_default();
        let has_room = *count < self.seats.per_subject_max;
        if has_room {
            *count += 1;
            self.subject = Some(subject.to_owned());
        } else if *count == 0 {
            by_subject.remove(subject);
        }
        has_room
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let Some(subject) = self.subject.take() else { return };
        let mut by_subject = self.seats.by_subject.lock();
        if let Some(count) = by_subject.get_mut(&subject) {
            *count -= 1;
            if *count == 0 {
                by_subject.remove(&subject);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seat_is_free_again_when_its_socket_has_gone() {
        let seats = Seats::new(2, 1);
        let mut first = seats.take().unwrap();
        assert!(first.belongs_to("ann"));
        let mut second = seats.take().unwrap();
        assert!(!second.belongs_to("ann"));
        assert!(seats.take().is_none());
        drop(first);
        assert!(second.belongs_to("ann"));
        assert!(seats.take().is_some());
        drop(second);
        assert!(seats.by_subject.lock().is_empty());
    }
}
