//! Giving up the end of a damaged journal, on the word of its owner: what `pollux journal cut --after SEQ` does.

use std::path::{Path, PathBuf};

use crate::reading::Seq;

use super::disk::{Access, Disk, File, RealDisk};
use super::keeper::SPARE;
use super::recover::{LOCK, take_folder};
use super::segment::Name;
use super::walk::{Next, Opened, Walk, list};
use super::{Config, Error};

const COPY_BYTES: usize = 1 << 20;

/// What was given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// The entry the journal now ends with.
    pub last_seq: Seq,
    /// The files, or copies of them, as they were. The journal does not read them.
    pub kept: Vec<PathBuf>,
}

/// Ends the journal after entry `after`. It must not be in use.
pub fn cut(config: &Config, after: Seq) -> Result<Cut, Error> {
    cut_on(&*RealDisk::new(), config, after)
}

pub(super) fn cut_on(disk: &dyn Disk, config: &Config, after: Seq) -> Result<Cut, Error> {
    let dir = &config.dir;
    let _lock = take_folder(disk, dir)?;
    let (names, _) = list(disk, dir, &[LOCK, SPARE])?;
    let nothing = |last| Error::NothingToCut { dir: dir.clone(), after, first: names.first().map_or(Seq(0), |name| name.first), last };
    let Some(place) = names.iter().rposition(|name| name.first.0 <= after.0 + 1) else { return Err(nothing(Seq(0))) };
    let (name, later) = (names[place], &names[place + 1..]);
    let mut kept = Vec::new();

    let mut walk = match Walk::open(disk, dir, name, Access::Write, Some(config.partition)) {
        Ok(Opened::Walk(walk)) => Some(walk),
        // Nothing of it is wanted, so it does not matter that nothing of it can be read.
        Ok(Opened::Unborn) | Err(Error::CorruptHeader { .. }) if name.first.0 == after.0 + 1 => None,
        Ok(Opened::Unborn) => {
            return Err(Error::CorruptHeader { path: dir.join(name.file_name()), what: "the segment is empty", first_lost: name.first });
        }
        Err(error) => return Err(error),
    };
    let erase = match &mut walk {
        Some(walk) => {
            find_end(walk, after, &nothing)?;
            walk.trailing()?
        }
        None => 0,
    };
    if erase == 0 && later.is_empty() && walk.is_some() {
        return Err(nothing(after));
    }
    // From the last to the first: if this is interrupted, the journal is still one piece and the same command goes on.
    for name in later.iter().rev().chain(walk.is_none().then_some(&name)) {
        kept.push(set_aside(disk, dir, *name)?);
    }
    if let Some(walk) = &mut walk
        && erase > 0
    {
        kept.push(copy_aside(disk, &walk.path, &*walk.file)?);
        walk.erase(erase)?;
        walk.file.sync().map_err(Error::io("sync the journal segment", &walk.path))?;
    }
    disk.sync_folder(dir).map_err(Error::io("sync the journal folder", dir))?;
    Ok(Cut { last_seq: after, kept })
}

/// Goes behind the group that ends with `after`.
fn find_end(walk: &mut Walk, after: Seq, nothing: &dyn Fn(Seq) -> Error) -> Result<(), Error> {
    while walk.expected <= after {
        let header = match walk.next()? {
            Next::Group(header, _) => header,
            Next::End(_) => return Err(nothing(Seq(walk.expected.0 - 1))),
        };
        if header.last() > after {
            return Err(Error::WithinGroup { after, before: Seq(walk.expected.0 - 1), behind: header.last() });
        }
        walk.advance(header);
    }
    Ok(())
}

fn aside(path: &Path) -> PathBuf {
    path.with_extension("seg.cut")
}

fn set_aside(disk: &dyn Disk, dir: &Path, name: Name) -> Result<PathBuf, Error> {
    let path = dir.join(name.file_name());
    let to = aside(&path);
    disk.rename(&path, &to).map_err(Error::io("rename", &path))?;
    disk.sync_folder(dir).map_err(Error::io("sync the journal folder", dir))?;
    Ok(to)
}

fn copy_aside(disk: &dyn Disk, path: &Path, file: &dyn File) -> Result<PathBuf, Error> {
    let to = aside(path);
    let copy = disk.create(&to).map_err(Error::io("create", &to))?;
    let mut buffer = vec![0; COPY_BYTES];
    let mut at = 0;
    loop {
        let count = file.read_at(&mut buffer, at).map_err(Error::io("read the journal segment", path))?;
        if count == 0 {
            break;
        }
        copy.write_all_at(&buffer[..count], at).map_err(Error::io("write", &to))?;
        at += count as u64;
    }
    copy.sync().map_err(Error::io("sync", &to))?;
    Ok(to)
}
