//! The gate with its threads: order, empty entries, bounds, and what becomes of held things when the disk refuses.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};

use crate::journal::sim_disk::Crash;
use crate::journal::{ENTRY_BYTES_MAX, Error, Journal, Refused, State};
use crate::reading::Seq;

use super::World;

/// Starts a journal whose releases arrive in a channel.
fn start(world: &World) -> (Journal<u32>, Receiver<(u64, u32)>) {
    let (sender, receiver) = channel();
    let journal = world.open().unwrap().1.start(move |group| {
        for (seq, held) in group.entries {
            sender.send((seq.0, held)).unwrap();
        }
    });
    (journal.unwrap(), receiver)
}

fn text(text: &'static str) -> impl FnOnce(&mut Vec<u8>) {
    move |bytes| bytes.extend_from_slice(text.as_bytes())
}

#[test]
fn what_is_held_comes_back_in_order_with_its_seq() {
    let world = World::new(4096);
    let (journal, released) = start(&world);
    journal.append_blocking(text(""), 1).unwrap();
    journal.append_blocking(text("one"), 2).unwrap();
    journal.append_blocking(text(""), 3).unwrap();
    journal.append_blocking(text("two"), 4).unwrap();
    journal.close().unwrap();
    assert_eq!(released.iter().collect::<Vec<_>>(), [(0, 1), (1, 2), (1, 3), (2, 4)]);
    assert_eq!(journal.append_blocking(text("three"), 5), Err(Refused::Closed));
    assert_eq!(journal.health().state, State::Closed);
    assert_eq!(world.entries(), ["one", "two"]);
}

#[test]
fn empty_entries_cost_no_sync() {
    let world = World::new(4096);
    let (journal, released) = start(&world);
    journal.append_blocking(text("one"), 0).unwrap();
    assert_eq!(released.recv().unwrap(), (1, 0));
    let before = journal.health().fsyncs;
    for held in 1..100 {
        journal.append_blocking(text(""), held).unwrap();
        assert_eq!(released.recv().unwrap(), (1, held));
    }
    journal.close().unwrap();
    let health = journal.health();
    assert_eq!((health.fsyncs, health.groups, health.pending_entries, health.pending_bytes), (before, 1, 0, 0));
}

#[test]
fn many_senders_each_keep_their_order() {
    let world = World::new(16 << 10);
    let (journal, released) = start(&world);
    std::thread::scope(|scope| {
        for sender in 0..4u32 {
            let journal = journal.clone();
            scope.spawn(move || {
                for n in 0..2000u32 {
                    let held = sender * 10_000 + n;
                    journal.append_blocking(|bytes| bytes.extend_from_slice(held.to_string().as_bytes()), held).unwrap();
                }
            });
        }
    });
    journal.close().unwrap();
    let released: Vec<(u64, u32)> = released.iter().collect();
    assert!(released.iter().map(|(seq, _)| *seq).eq(1..=8000));
    for sender in 0..4 {
        assert!(released.iter().map(|(_, held)| *held).filter(|held| held / 10_000 == sender).eq(sender * 10_000..sender * 10_000 + 2000));
    }
    assert!(world.entries().into_iter().eq(released.iter().map(|(_, held)| held.to_string())));
}

/// The disk is full from the start; the journal must say so, hold everything, bound what it holds, and go on by itself.
#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "the task is awaited below")]
async fn a_full_disk_is_told_bounded_and_survived() {
    let mut world = World::new(4096);
    world.config.pending_bytes_max = 1000;
    world.config.group_bytes_max = 200;
    world.disk.set_free(Some(0));
    let (journal, released) = start(&world);
    let sender = tokio::spawn({
        let journal = journal.clone();
        async move {
            for held in 0..200 {
                journal.append(text("some bytes of an entry"), held).await.unwrap();
            }
        }
    });
    loop {
        let health = journal.health();
        if matches!(health.state, State::NoSpace { .. }) && health.pending_bytes >= 1000 {
            assert!(health.pending_bytes < 1100 && health.last_seq == Seq(0));
            break;
        }
        tokio::task::yield_now().await;
    }
    assert!(released.try_recv().is_err() && !sender.is_finished());
    world.disk.set_free(None);
    sender.await.unwrap();
    assert_eq!(journal.durable().await, Ok(Seq(200)));
    assert_eq!(journal.health().state, State::Writable);
    assert!(released.try_iter().map(|(_, held)| held).eq(0..200));
    journal.close().unwrap();
}

#[test]
fn closing_on_a_full_disk_gives_up_and_says_what_was_lost() {
    let world = World::new(4096);
    world.disk.set_free(Some(0));
    let held = Arc::new(());
    let journal = world.open().unwrap().1.start(|_| panic!("nothing may be released")).unwrap();
    for _ in 0..3 {
        journal.append_blocking(text("entry"), held.clone()).unwrap();
    }
    assert!(matches!(journal.close(), Err(Error::Unwritten { entries: 3, .. })));
    assert_eq!(Arc::strong_count(&held), 1, "what was held back is dropped");
}

#[test]
fn a_failed_sync_delays_the_release_and_loses_nothing() {
    let world = World::new(4096);
    let (journal, released) = start(&world);
    journal.append_blocking(text("one"), 1).unwrap();
    assert_eq!(released.recv().unwrap(), (1, 1));
    world.disk.fail_syncs(2);
    journal.append_blocking(text("two"), 2).unwrap();
    assert_eq!(released.recv().unwrap(), (2, 2));
    journal.close().unwrap();
    world.disk.crash(Crash::Power);
    assert_eq!(world.entries(), ["one", "two"]);
}

#[test]
fn a_panic_in_release_closes_the_journal() {
    let world = World::new(4096);
    let journal = world.open().unwrap().1.start(|_| panic!("a defect behind the gate")).unwrap();
    journal.append_blocking(text("one"), 1).unwrap();
    assert!(matches!(journal.close(), Err(Error::Panicked)));
    assert_eq!(journal.append_blocking(text("two"), 2), Err(Refused::Closed));
    assert_eq!(world.entries(), ["one"]);
}

#[test]
fn an_encoder_that_fails_leaves_nothing_in_the_group() {
    let world = World::new(4096);
    let (journal, _released) = start(&world);
    journal.append_blocking(text("one"), 1).unwrap();
    let inside = journal.clone();
    let encoder = std::thread::spawn(move || {
        inside.append_blocking(
            |bytes| {
                bytes.extend_from_slice(b"half");
                panic!("a defect in an encoder")
            },
            2,
        )
    });
    assert!(encoder.join().is_err());
    let too_large = journal.append_blocking(|bytes| bytes.resize(bytes.len() + ENTRY_BYTES_MAX + 1, 1), 3);
    assert_eq!(too_large, Err(Refused::TooLarge { bytes: ENTRY_BYTES_MAX + 1 }));
    journal.append_blocking(text("two"), 4).unwrap();
    journal.close().unwrap();
    assert_eq!(world.entries(), ["one", "two"]);
}
