//! The bytes: frames there and back, and the fixture of every released version.

use std::path::Path;

use crate::journal::segment::{BadHeader, Entries, GROUP_HEADER_BYTES, GroupHeader, Header, Name};
use crate::journal::{Durability, ENTRY_BYTES_MAX};
use crate::reading::Seq;

use super::{DIR, World, commit};

fn header() -> Header {
    Header { durability: Durability::Fsync, partition: 3, name: Name { first: Seq(17), number: 2 }, salt: 99 }
}

#[test]
fn a_segment_header_comes_back() {
    assert_eq!(Header::decode(&header().encode()), Ok(header()));
    let mut newer = header().encode();
    newer[8] = 2;
    let crc = crc32fast::hash(&newer[..60]);
    newer[60..].copy_from_slice(&crc.to_le_bytes());
    assert_eq!(Header::decode(&newer), Err(BadHeader::Newer(2)));
    for at in 0..64 {
        let mut bad = header().encode();
        bad[at] ^= 0x10;
        assert!(matches!(Header::decode(&bad), Err(BadHeader::Damaged(_))), "byte {at}");
    }
}

#[test]
fn names_sort_as_segments_were_made() {
    let name = Name { first: Seq(17), number: 2 };
    assert_eq!(name.file_name(), "00000000000000000017-00000002.seg");
    assert_eq!(Name::parse(&name.file_name()), Some(name));
    for foreign in ["17-2.seg", "lock", "next.spare", "00000000000000000017-00000002.seg.cut", "+0000000000000000017-00000002.seg"] {
        assert_eq!(Name::parse(foreign), None, "{foreign}");
    }
}

#[test]
fn a_group_comes_back_with_its_salt_only() {
    let mut group = vec![0; GROUP_HEADER_BYTES];
    for entry in [&b"one"[..], b"three"] {
        group.extend_from_slice(&(entry.len() as u32).to_le_bytes());
        group.extend_from_slice(entry);
    }
    GroupHeader::frame(&mut group, Seq(5), 2, 99);
    let decoded = GroupHeader::decode(&group, 99).unwrap();
    assert_eq!((decoded.first, decoded.last(), decoded.payload_bytes), (Seq(5), Seq(6), 16));
    assert_eq!(decoded.check(&group[GROUP_HEADER_BYTES..]), Ok(()));
    assert_eq!(Entries(&group[GROUP_HEADER_BYTES..]).collect::<Vec<_>>(), [&b"one"[..], b"three"]);
    assert!(GroupHeader::decode(&group, 98).is_err());
    assert!(GROUP_HEADER_BYTES + ENTRY_BYTES_MAX < u32::MAX as usize);
}

/// `tests/data/journal/v1`: 1 to 3 in two groups, 4 in a segment of its own.
#[test]
fn version_1_still_opens() {
    let world = World::new(256);
    let files = [
        ("00000000000000000001-00000001.seg", &include_bytes!("../../../tests/data/journal/v1/00000000000000000001-00000001.seg")[..]),
        ("00000000000000000004-00000002.seg", include_bytes!("../../../tests/data/journal/v1/00000000000000000004-00000002.seg")),
    ];
    for (name, bytes) in files {
        world.disk.put(&Path::new(DIR).join(name), bytes);
    }
    let (entries, mut recovered) = world.open().unwrap();
    let long = "x".repeat(100);
    assert_eq!(entries, [(1, "first".into()), (2, "second".into()), (3, "third, alone".into()), (4, long)]);
    commit(&mut recovered.writer, &["fifth"]).unwrap();
    drop(recovered);
    assert_eq!(world.entries().len(), 5);
}

/// What made the fixture. The salt is random, so the bytes differ; the layout must not.
#[test]
fn this_version_writes_the_same_layout_as_the_fixture() {
    let world = World::new(256);
    let mut writer = world.writer();
    commit(&mut writer, &["first", "second"]).unwrap();
    commit(&mut writer, &["third, alone"]).unwrap();
    commit(&mut writer, &[&"x".repeat(100)]).unwrap();
    drop(writer);
    let made: Vec<_> =
        world.segments().iter().map(|path| (path.file_name().unwrap().to_owned(), world.disk.bytes(path).unwrap())).collect();
    let sizes: Vec<_> = made.iter().map(|(name, bytes)| (name.to_str().unwrap(), bytes.len())).collect();
    assert_eq!(sizes, [("00000000000000000001-00000001.seg", 256), ("00000000000000000004-00000002.seg", 256)]);
    if let Some(dir) = option_env!("POLLUX_WRITE_JOURNAL_FIXTURE") {
        for (name, bytes) in made {
            std::fs::write(Path::new(dir).join(name), bytes).unwrap();
        }
    }
}
