//! Damage at every byte: a torn end is cut, a damaged middle is refused and named.

use crate::journal::Error;
use crate::journal::cut::cut_on;
use crate::journal::segment::{GROUP_HEADER_BYTES, HEADER_BYTES};
use crate::journal::sim_disk::Crash;
use crate::reading::Seq;

use super::{World, commit, group_bytes, offset_behind};

const FIRST: &[&str] = &["one", "two"];
const SECOND: &[&str] = &["three", "four", "five"];

fn two_groups() -> World {
    let world = World::new(512);
    let mut writer = world.writer();
    commit(&mut writer, FIRST).unwrap();
    commit(&mut writer, SECOND).unwrap();
    world
}

#[test]
fn a_torn_end_is_cut_wherever_it_is_torn() {
    let start = offset_behind(&[FIRST]);
    let end = offset_behind(&[FIRST, SECOND]);
    // The last byte of the payload is not zero, so every cut leaves an unfinished group, and a cut at `start` leaves none.
    for torn_at in start..end {
        let world = two_groups();
        let path = &world.segments()[0];
        world.damage(path, |bytes| bytes[torn_at..].fill(0));
        let left = world.disk.bytes(path).unwrap().iter().rposition(|byte| *byte != 0).unwrap() + 1;
        let (entries, mut recovered) = world.open().unwrap();
        assert_eq!(entries.len(), 2, "torn at {torn_at}");
        assert_eq!(recovered.replayed.torn_bytes_cut as usize, left.saturating_sub(start), "torn at {torn_at}");
        commit(&mut recovered.writer, &["again"]).unwrap();
        drop(recovered);
        world.disk.crash(Crash::Power);
        assert_eq!(world.entries(), ["one", "two", "again"], "torn at {torn_at}");
    }
}

#[test]
fn a_damaged_last_group_is_cut_as_torn() {
    for at in offset_behind(&[FIRST])..offset_behind(&[FIRST, SECOND]) {
        let world = two_groups();
        world.damage(&world.segments()[0], |bytes| bytes[at] ^= 0x40);
        let (entries, recovered) = world.open().unwrap();
        assert_eq!((entries.len(), recovered.replayed.torn_bytes_cut as usize), (2, group_bytes(SECOND)), "byte {at}");
    }
}

#[test]
fn a_segment_cut_short_is_torn_too() {
    for len in offset_behind(&[FIRST])..offset_behind(&[FIRST, SECOND]) {
        let world = two_groups();
        world.damage(&world.segments()[0], |bytes| bytes.truncate(len));
        let (entries, mut recovered) = world.open().unwrap();
        assert_eq!(entries.len(), 2, "length {len}");
        commit(&mut recovered.writer, &["again"]).unwrap();
        drop(recovered);
        assert_eq!(world.entries(), ["one", "two", "again"], "length {len}");
    }
}

#[test]
fn a_damaged_middle_is_refused_at_every_byte() {
    for at in HEADER_BYTES..offset_behind(&[FIRST]) {
        let world = two_groups();
        let path = world.segments().remove(0);
        world.damage(&path, |bytes| bytes[at] ^= 0x01);
        match world.open().map(|_| ()) {
            Err(Error::Corrupt { path: named, offset, first_lost, last_lost, .. }) => {
                assert_eq!((named, offset, first_lost, last_lost), (path, HEADER_BYTES as u64, Seq(1), Seq(2)), "byte {at}");
            }
            other => panic!("byte {at}: {other:?}"),
        }
    }
}

#[test]
fn a_damaged_header_is_refused_at_every_byte() {
    for at in 0..HEADER_BYTES {
        let world = two_groups();
        world.damage(&world.segments()[0], |bytes| bytes[at] ^= 0x01);
        assert!(matches!(world.open(), Err(Error::CorruptHeader { .. })), "byte {at}");
    }
}

fn three_segments() -> World {
    let world = World::new((HEADER_BYTES + GROUP_HEADER_BYTES + 20) as u64);
    let mut writer = world.writer();
    for entry in ["segment one", "segment two", "segment three"] {
        commit(&mut writer, &[entry]).unwrap();
    }
    drop(writer);
    assert_eq!(world.segments().len(), 3);
    world
}

#[test]
fn the_end_of_a_finished_segment_is_middle() {
    let world = three_segments();
    world.damage(&world.segments()[1], |bytes| bytes[HEADER_BYTES + GROUP_HEADER_BYTES + 5] ^= 1);
    assert_eq!(
        world.error(),
        "the journal segment `/journal/00000000000000000002-00000002.seg` is damaged at byte 64: the checksum of a group is wrong; \
         entries 2 to 2 cannot be read although later ones were written. Restore this file from a backup, \
         or give up entry 2 and everything after it with `pollux journal cut --after 1`"
    );
}

#[test]
fn a_missing_segment_is_named() {
    let world = three_segments();
    world.disk.delete(&world.segments()[1]);
    assert_eq!(
        world.error(),
        "entries 2 to 2 are missing between the journal segments `/journal/00000000000000000001-00000001.seg` (ends at byte 111) and \
         `/journal/00000000000000000003-00000003.seg`: a segment was deleted or moved. Put it back, \
         or give up entry 2 and everything after it with `pollux journal cut --after 1`"
    );
    let world = three_segments();
    world.disk.delete(&world.segments()[0]);
    assert!(matches!(world.open(), Err(Error::Forgotten { needed: Seq(1), first: Seq(2), .. })));
    assert_eq!(world.open_after(1).unwrap().0.len(), 2);
}

#[test]
fn a_journal_that_ends_before_the_stored_state_is_refused() {
    let world = three_segments();
    assert!(matches!(world.open_after(4), Err(Error::Behind { after: Seq(4), last: Seq(3), .. })));
    assert!(matches!(World::new(512).open_after(1), Err(Error::Behind { .. })));
}

#[test]
fn a_folder_of_somebody_else_is_refused() {
    let mut world = three_segments();
    let (_, held) = world.open().unwrap();
    assert!(world.error().contains("is in use by another process"));
    drop(held);
    world.config.partition = 7;
    assert!(matches!(world.open(), Err(Error::Partition { found: 0, expected: 7, .. })));
}

#[test]
fn foreign_files_are_left_and_told() {
    let world = three_segments();
    world.disk.put(&world.config.dir.join("notes.txt"), b"mine");
    let (entries, recovered) = world.open().unwrap();
    assert_eq!((entries.len(), recovered.replayed.foreign_files), (3, vec!["notes.txt".to_owned()]));
}

#[test]
fn a_segment_that_a_crash_caught_while_it_was_made_is_removed() {
    let world = three_segments();
    world.disk.put(&world.config.dir.join("00000000000000000004-00000004.seg"), &[0; 200]);
    let (entries, recovered) = world.open().unwrap();
    assert_eq!((entries.len(), world.segments().len(), recovered.last_seq()), (3, 3, Seq(3)));
}

#[test]
fn cutting_gives_up_what_the_error_says() {
    let world = three_segments();
    world.damage(&world.segments()[1], |bytes| bytes[HEADER_BYTES + GROUP_HEADER_BYTES + 5] ^= 1);
    let cut = cut_on(&world.disk, &world.config, Seq(1)).unwrap();
    assert_eq!(cut.kept.len(), 2);
    assert_eq!(world.entries(), ["segment one"]);

    let world = two_groups();
    assert!(matches!(cut_on(&world.disk, &world.config, Seq(4)), Err(Error::WithinGroup { before: Seq(2), behind: Seq(5), .. })));
    assert!(matches!(cut_on(&world.disk, &world.config, Seq(5)), Err(Error::NothingToCut { .. })));
    cut_on(&world.disk, &world.config, Seq(2)).unwrap();
    assert_eq!(world.entries(), FIRST);
    assert!(matches!(cut_on(&world.disk, &world.config, Seq(9)), Err(Error::NothingToCut { .. })));
}
