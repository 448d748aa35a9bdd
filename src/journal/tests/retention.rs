//! Segments come and go, and readers follow beside the writer.

use std::ops::ControlFlow;
use std::sync::Arc;

use crate::journal::segment::{GROUP_HEADER_BYTES, HEADER_BYTES};
use crate::journal::sim_disk::Crash;
use crate::journal::{Error, Reader};
use crate::reading::Seq;

use super::{World, commit};

/// One entry of up to 20 bytes per segment.
fn tiny() -> World {
    World::new((HEADER_BYTES + GROUP_HEADER_BYTES + 24) as u64)
}

#[test]
fn only_whole_segments_before_the_position_are_deleted() {
    let world = World::new(300);
    let mut writer = world.writer();
    for entry in 0..40 {
        commit(&mut writer, &[&format!("entry number {entry}")]).unwrap();
    }
    let before = world.segments().len();
    assert!(before > 5);
    writer.folder.forget_before(Seq(20)).unwrap();
    assert!(world.segments().len() < before);
    writer.folder.forget_before(Seq(1000)).unwrap();
    assert_eq!(world.segments().len(), 1, "the one that is written stays");
    drop(writer);
    world.disk.crash(Crash::Power);
    let (entries, recovered) = world.open_after(39).unwrap();
    assert_eq!((entries.len(), recovered.last_seq()), (1, Seq(40)));
}

#[test]
fn the_position_itself_is_kept() {
    let world = tiny();
    let mut writer = world.writer();
    for entry in ["one", "two", "three", "four"] {
        commit(&mut writer, &[entry]).unwrap();
    }
    writer.folder.forget_before(Seq(3)).unwrap();
    drop(writer);
    assert_eq!(world.open_after(2).unwrap().0, [(3, "three".to_owned()), (4, "four".to_owned())]);
}

#[test]
fn an_empty_start_goes_on_after_old_segments_are_gone() {
    let world = tiny();
    let mut writer = world.writer();
    for entry in ["one", "two", "three"] {
        commit(&mut writer, &[entry]).unwrap();
    }
    writer.folder.forget_before(Seq(100)).unwrap();
    drop(writer);
    let (_, recovered) = world.open_after(3).unwrap();
    let mut writer = recovered.writer;
    commit(&mut writer, &["four"]).unwrap();
    assert_eq!(writer.last, Seq(4));
}

fn collect(reader: &mut Reader, through: u64) -> Vec<(u64, String)> {
    let mut entries = Vec::new();
    let mut take = |seq: Seq, entry: &[u8]| {
        entries.push((seq.0, String::from_utf8_lossy(entry).into_owned()));
        ControlFlow::Continue(())
    };
    reader.read(Seq(through), &mut take).unwrap();
    entries
}

#[test]
fn a_reader_follows_over_rotation_failure_and_within_groups() {
    let world = World::new(300);
    let mut writer = world.writer();
    let mut reader = Reader::new(Arc::new(world.disk.clone()), super::DIR, Seq(1));
    assert_eq!(collect(&mut reader, u64::MAX), []);
    let mut read = Vec::new();
    for round in 0..30 {
        let entries = [format!("{round} a"), format!("{round} b"), format!("{round} c")];
        let entries: Vec<&str> = entries.iter().map(String::as_str).collect();
        if round % 7 == 3 {
            writer.folder.prepare().unwrap();
            world.disk.fail_syncs(1);
        }
        while commit(&mut writer, &entries).is_err() {}
        // Sometimes stop within a group.
        let through = writer.last.0 - u64::from(round % 3 == 0);
        read.extend(collect(&mut reader, through));
        assert_eq!(read.len() as u64, through);
    }
    read.extend(collect(&mut reader, writer.last.0));
    let (all, _) = {
        drop(writer);
        world.open().unwrap()
    };
    assert_eq!(read, all);
    let mut later = Reader::new(Arc::new(world.disk), super::DIR, Seq(47));
    assert_eq!(collect(&mut later, u64::MAX), all[46..]);
}

#[test]
fn a_reader_breaks_where_it_is_told_and_says_what_is_gone() {
    let world = tiny();
    let mut writer = world.writer();
    commit(&mut writer, &["one", "two"]).unwrap();
    commit(&mut writer, &["three"]).unwrap();
    let mut reader = Reader::new(Arc::new(world.disk.clone()), super::DIR, Seq(1));
    reader.read(Seq(u64::MAX), &mut |_, _| ControlFlow::Break(())).unwrap();
    assert_eq!(reader.next_seq(), Seq(2));
    writer.folder.forget_before(Seq(3)).unwrap();
    // What it has open it can still read; what it has not is gone.
    let mut late = Reader::new(Arc::new(world.disk), super::DIR, Seq(1));
    let error = late.read(Seq(u64::MAX), &mut |_, _| ControlFlow::Continue(()));
    assert!(matches!(error, Err(Error::Forgotten { needed: Seq(1), first: Seq(3), .. })));
}
