//! The queue of one hook: order, bounds, and that each key is there once.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use smol_str::{SmolStr, format_smolstr};

use crate::reading::Timestamp;
use crate::webhook::Delivery;
use crate::webhook::queue::{Attempt, Bounds, Next, NoRoom, Queue};

const BOUNDS: Bounds = Bounds { in_flight_max: 2, deliveries_max: 5, bytes_max: 100 };

fn delivery(key: &str, bytes: usize) -> Delivery {
    Delivery { key: key.into(), body: vec![b'x'; bytes], asked_at: Timestamp(0) }
}

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

fn attempt<A>(queue: &mut Queue<A>, now: u64) -> Option<Attempt> {
    match queue.next(seconds(now)) {
        Next::Attempt(attempt) => Some(attempt),
        Next::At(_) | Next::Idle => None,
    }
}

fn key<A>(queue: &mut Queue<A>, now: u64) -> String {
    attempt(queue, now).map(|attempt| attempt.delivery.key.to_string()).unwrap_or_default()
}

#[test]
fn first_attempts_in_order_and_repetitions_when_due() {
    let mut queue = Queue::new(BOUNDS);
    for name in ["b", "a", "c"] {
        queue.admit(delivery(name, 1), (), seconds(0)).unwrap();
    }
    assert_eq!([key(&mut queue, 0), key(&mut queue, 0), key(&mut queue, 0)], ["b", "a", ""], "two at a time");
    queue.again(&"b".into(), seconds(9));
    assert_eq!(key(&mut queue, 0), "c");
    queue.settle("a");
    assert!(matches!(queue.next(seconds(8)), Next::At(at) if at == seconds(9)));
    let again = attempt(&mut queue, 9).unwrap();
    assert_eq!((again.delivery.key.as_str(), again.failed), ("b", 1));
    assert_eq!((queue.waiting(), queue.in_flight()), (0, 2));
}

#[test]
fn a_repetition_that_was_due_before_goes_before() {
    let mut queue = Queue::new(Bounds { in_flight_max: 1, ..BOUNDS });
    queue.admit(delivery("old", 1), (), seconds(0)).unwrap();
    key(&mut queue, 0);
    queue.again(&"old".into(), seconds(5));
    queue.admit(delivery("early", 1), (), seconds(4)).unwrap();
    queue.admit(delivery("late", 1), (), seconds(6)).unwrap();
    for expected in ["early", "old", "late"] {
        assert_eq!(key(&mut queue, 7), expected);
        queue.settle(expected);
    }
}

#[test]
fn bounds_and_keys() {
    let mut queue = Queue::new(BOUNDS);
    assert_eq!(queue.admit(delivery("a", 98), 0, seconds(0)), Err(NoRoom::Ever), "the key counts as well");
    assert_eq!(queue.admit(delivery("a", 60), 1, seconds(0)), Ok(()));
    assert_eq!(queue.admit(delivery("b", 60), 2, seconds(0)), Err(NoRoom::Now));
    assert_eq!(queue.admit(delivery("a", 60), 3, seconds(0)), Ok(()), "it is there already");
    for key in ["c", "d", "e", "f"] {
        assert_eq!(queue.admit(delivery(key, 0), 4, seconds(0)), Ok(()));
    }
    assert_eq!(queue.admit(delivery("g", 0), 5, seconds(0)), Err(NoRoom::Now));
    assert_eq!(key(&mut queue, 0), "a");
    assert_eq!(queue.admit(delivery("a", 60), 6, seconds(0)), Ok(()), "it is under way");
    assert_eq!(queue.settle("a"), [1, 3, 6]);
    assert_eq!(queue.admit(delivery("b", 60), 7, seconds(0)), Ok(()));
    assert_eq!((1..20).filter(|n| queue.admit(delivery("c", 0), *n, seconds(0)).is_ok()).count(), 15, "sixteen with the first");
}

#[test]
fn quiet_holds_everything() {
    let mut queue = Queue::new(BOUNDS);
    queue.admit(delivery("a", 1), (), seconds(0)).unwrap();
    key(&mut queue, 0);
    queue.quiet_until(seconds(60));
    queue.quiet_until(seconds(30));
    queue.again(&"a".into(), seconds(2));
    queue.admit(delivery("b", 1), (), seconds(3)).unwrap();
    assert!(matches!(queue.next(seconds(59)), Next::At(at) if at == seconds(60)));
    assert_eq!([key(&mut queue, 60), key(&mut queue, 60)], ["a", "b"]);
}

#[test]
fn a_closed_queue() {
    let mut queue = Queue::new(BOUNDS);
    queue.admit(delivery("a", 1), 1, seconds(0)).unwrap();
    queue.admit(delivery("b", 1), 2, seconds(0)).unwrap();
    key(&mut queue, 0);
    queue.close();
    assert_eq!(queue.admit(delivery("c", 1), 3, seconds(0)), Err(NoRoom::Closed));
    assert_eq!(key(&mut queue, 0), "");
    assert_eq!(queue.clear_line(), [2]);
    queue.put_back(&"a".into(), seconds(0));
    assert_eq!(queue.clear_line(), [1]);
    assert_eq!((queue.waiting(), queue.in_flight()), (0, 0));
}

/// Whatever happens in whatever order: everyone who was taken is told once, nobody overtakes the bounds, and nothing is forgotten.
#[test]
fn everyone_is_told_once() {
    for seed in 1..200u64 {
        let mut random = Random(seed);
        let mut queue = Queue::new(BOUNDS);
        let (mut under_way, mut told, mut taken) = (BTreeSet::new(), BTreeMap::<u64, u32>::new(), 0u64);
        for step in 0..400u64 {
            let key = format_smolstr!("{}", random.below(8));
            match random.below(6) {
                0 | 1 => taken += u64::from(queue.admit(delivery(&key, random.below(30) as usize), taken, seconds(step)).is_ok()),
                2 => {
                    if let Some(attempt) = attempt(&mut queue, step) {
                        assert!(under_way.insert(attempt.delivery.key.clone()), "seed {seed}: under way twice");
                    }
                }
                3 => settle(&mut queue, &mut under_way, &mut told),
                4 => {
                    if let Some(key) = under_way.pop_last() {
                        queue.again(&key, seconds(step + random.below(20)));
                    }
                    // Of one that is not under way nothing comes.
                    queue.again(&key_of_none(&under_way, &key), seconds(step));
                }
                _ => {
                    queue.put_back(&key_of_none(&under_way, &key), seconds(step));
                    if let Some(key) = under_way.pop_first() {
                        queue.put_back(&key, seconds(step));
                    }
                }
            }
            assert_eq!(queue.in_flight(), under_way.len(), "seed {seed}, step {step}");
            assert!(under_way.len() <= BOUNDS.in_flight_max && queue.waiting() + queue.in_flight() <= BOUNDS.deliveries_max);
        }
        while queue.waiting() + queue.in_flight() > 0 {
            if let Some(attempt) = attempt(&mut queue, 1_000) {
                under_way.insert(attempt.delivery.key.clone());
            }
            settle(&mut queue, &mut under_way, &mut told);
        }
        assert_eq!(told.len() as u64, taken, "seed {seed}");
        assert!(told.values().all(|count| *count == 1), "seed {seed}: {told:?}");
        assert_eq!(queue.admit(delivery("all", 91), 0, seconds(0)), Ok(()), "seed {seed}: bytes were lost");
    }
}

fn settle(queue: &mut Queue<u64>, under_way: &mut BTreeSet<SmolStr>, told: &mut BTreeMap<u64, u32>) {
    if let Some(key) = under_way.pop_first() {
        queue.settle(&key).into_iter().for_each(|asker| *told.entry(asker).or_default() += 1);
    }
}

fn key_of_none(under_way: &BTreeSet<SmolStr>, key: &SmolStr) -> SmolStr {
    if under_way.contains(key) { "none".into() } else { key.clone() }
}

struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) % bound
    }
}
