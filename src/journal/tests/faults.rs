//! The writer on a disk that fails: a failed sync is final for its file, a full disk is waited for, and nothing counts twice.

use crate::journal::segment::{GROUP_HEADER_BYTES, HEADER_BYTES};
use crate::journal::sim_disk::Crash;
use crate::journal::{Durability, Error};
use crate::reading::Seq;

use super::{World, commit};

#[test]
fn after_a_failed_sync_the_group_goes_into_a_new_segment() {
    let world = World::new(4096);
    let mut writer = world.writer();
    commit(&mut writer, &["one"]).unwrap();
    world.disk.fail_syncs(1);
    assert!(commit(&mut writer, &["two", "three"]).is_err());
    assert_eq!(writer.last, Seq(1));
    commit(&mut writer, &["two", "three"]).unwrap();
    commit(&mut writer, &["four"]).unwrap();
    drop(writer);
    assert_eq!(world.segments().len(), 2);
    world.disk.crash(Crash::Power);
    assert_eq!(world.entries(), ["one", "two", "three", "four"]);
}

#[test]
fn what_a_broken_segment_holds_beyond_the_next_one_does_not_count() {
    let world = World::new(4096);
    let mut writer = world.writer();
    commit(&mut writer, &["one"]).unwrap();
    world.disk.fail_syncs(1);
    assert!(commit(&mut writer, &["unreleased", "unreleased", "unreleased"]).is_err());
    // The process ends after the new segment was made and before the group went into it.
    world.disk.stop_after(6);
    assert!(commit(&mut writer, &["unreleased", "unreleased", "unreleased"]).is_err());
    drop(writer);
    world.disk.crash(Crash::Process);
    let mut writer = world.writer();
    let kept = writer.last;
    commit(&mut writer, &["after"]).unwrap();
    drop(writer);
    let (entries, recovered) = world.open().unwrap();
    assert_eq!(recovered.last_seq(), Seq(kept.0 + 1));
    assert_eq!(entries.last(), Some(&(kept.0 + 1, "after".to_owned())));
    assert_eq!(entries.first(), Some(&(1, "one".to_owned())));
}

#[test]
fn segments_given_up_before_their_first_group_do_not_pile_up() {
    let world = World::new(4096);
    let mut writer = world.writer();
    commit(&mut writer, &["one"]).unwrap();
    for _ in 0..10 {
        // Of each attempt the syncs of the new file and of its header succeed, the one of the group fails.
        world.disk.fail_syncs(0);
        world.disk.fail_writes(0);
        writer.folder.prepare().unwrap();
        world.disk.fail_syncs(1);
        assert!(commit(&mut writer, &["two"]).is_err());
    }
    commit(&mut writer, &["two"]).unwrap();
    drop(writer);
    assert_eq!(world.segments().len(), 2);
    assert_eq!(world.entries(), ["one", "two"]);
}

#[test]
fn a_failed_write_gives_the_segment_up() {
    let world = World::new(4096);
    let mut writer = world.writer();
    commit(&mut writer, &["one"]).unwrap();
    world.disk.fail_writes(1);
    assert!(commit(&mut writer, &["two"]).is_err());
    commit(&mut writer, &["two"]).unwrap();
    drop(writer);
    assert_eq!((world.entries(), world.segments().len()), (vec!["one".to_owned(), "two".to_owned()], 2));
}

#[test]
fn the_filled_segment_needs_no_room() {
    let world = World::new(4096);
    let mut writer = world.writer();
    commit(&mut writer, &["one"]).unwrap();
    world.disk.set_free(Some(0));
    for _ in 0..20 {
        commit(&mut writer, &["another"]).unwrap();
    }
}

#[test]
fn a_full_disk_is_waited_for_when_the_next_segment_is_needed() {
    let world = World::new((HEADER_BYTES + GROUP_HEADER_BYTES + 20) as u64);
    let mut writer = world.writer();
    commit(&mut writer, &["one"]).unwrap();
    world.disk.set_free(Some(70));
    for _ in 0..3 {
        assert!(commit(&mut writer, &["two"]).is_err_and(|error| error.is_no_space()));
        assert_eq!(writer.last, Seq(1));
    }
    world.disk.set_free(Some(1000));
    commit(&mut writer, &["two"]).unwrap();
    drop(writer);
    assert_eq!((world.entries(), world.segments().len()), (vec!["one".to_owned(), "two".to_owned()], 2));
}

#[test]
fn a_group_longer_than_a_segment_that_finds_no_room_leaves_nothing_behind() {
    let world = World::new(128);
    let mut writer = world.writer();
    let long = "x".repeat(1000);
    world.disk.set_free(Some(600));
    assert!(commit(&mut writer, &[&long]).is_err_and(|error| error.is_no_space()));
    drop(writer);
    let (entries, recovered) = world.open().unwrap();
    assert!(entries.is_empty() && recovered.replayed.torn_bytes_cut > 0);
    let mut writer = recovered.writer;
    world.disk.set_free(None);
    commit(&mut writer, &[&long]).unwrap();
    commit(&mut writer, &["short"]).unwrap();
    drop(writer);
    assert_eq!(world.entries(), [long.as_str(), "short"]);
}

#[test]
fn without_fsync_the_end_of_the_process_loses_nothing() {
    let mut world = World::new(256);
    world.config.durability = Durability::Os;
    let mut writer = world.writer();
    for entry in 0..20 {
        commit(&mut writer, &[&format!("entry {entry}")]).unwrap();
    }
    world.disk.crash(Crash::Process);
    assert_eq!(world.entries().len(), 20);
}

#[test]
fn released_entries_that_cannot_be_read_again_stop_the_journal_from_going_on() {
    let world = World::new(4096);
    let mut writer = world.writer();
    commit(&mut writer, &["one"]).unwrap();
    world.disk.fail_syncs(1);
    assert!(commit(&mut writer, &["two"]).is_err());
    let path = world.segments().remove(0);
    let good = world.disk.bytes(&path).unwrap();
    world.damage(&path, |bytes| bytes[HEADER_BYTES + GROUP_HEADER_BYTES + 5] ^= 1);
    assert!(matches!(commit(&mut writer, &["two"]), Err(Error::Corrupt { first_lost: Seq(1), .. })));
    world.disk.put(&path, &good);
    commit(&mut writer, &["two"]).unwrap();
}
