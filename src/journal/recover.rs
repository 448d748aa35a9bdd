//! Opening a journal: takes the folder, checks what lies there, cuts a torn end, refuses a damaged middle and replays.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::reading::Seq;

use super::disk::{Access, Disk, Lock, RealDisk};
use super::gate;
use super::handle::Journal;
use super::keeper::{Finished, SPARE};
use super::segment::{HEADER_BYTES, Name};
use super::walk::{Next, Opened, Walk, list};
use super::writer::{Active, Writer};
use super::{Config, Error, Group};

pub(super) const LOCK: &str = "lock";

/// Takes the entries that are replayed; its error stops the start.
pub type Replay<'a> = &'a mut dyn FnMut(Seq, &[u8]) -> Result<(), String>;

/// What was found at the start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replayed {
    /// The first that was to be replayed; `last_seq + 1` if there was none.
    pub first_seq: Seq,
    pub last_seq: Seq,
    pub entries: u64,
    /// The length of a group that a crash left unfinished. It was never released.
    pub torn_bytes_cut: u64,
    /// Files in the folder that are not the journal's.
    pub foreign_files: Vec<String>,
}

/// A journal that has been read and is not yet written.
#[derive(Debug)]
pub struct Recovered {
    pub replayed: Replayed,
    pub(super) writer: Writer,
}

/// Whether nobody else has the journal: asked before anything else of a data folder is touched.
pub fn check_free(config: &Config) -> Result<(), Error> {
    take_folder(&*RealDisk::new(), &config.dir).map(drop)
}

/// Opens the folder, cuts a torn end, refuses a damaged middle and replays the entries after `after`, in order.
pub fn open(config: Config, after: Seq, replay: Replay<'_>) -> Result<Recovered, Error> {
    open_on(RealDisk::new(), config, after, replay)
}

/// The same on any disk.
pub fn open_on(disk: Arc<dyn Disk>, config: Config, after: Seq, replay: Replay<'_>) -> Result<Recovered, Error> {
    let lock = take_folder(&*disk, &config.dir)?;
    let (names, foreign_files) = list(&*disk, &config.dir, &[LOCK, SPARE])?;
    let mut replayed = Replayed { first_seq: Seq(after.0 + 1), last_seq: Seq(0), entries: 0, torn_bytes_cut: 0, foreign_files };
    let mut replay_one = |seq: Seq, entry: &[u8]| {
        replayed.entries += 1;
        replay(seq, entry).map_err(|message| Error::Replay { seq, message })
    };

    let names = without_unborn(&*disk, &config, names)?;
    if let Some(first) = names.first().map(|name| name.first).filter(|first| first.0 > after.0 + 1) {
        return Err(Error::Forgotten { dir: config.dir, needed: Seq(after.0 + 1), first });
    }
    let mut finished = Vec::new();
    for pair in names.windows(2) {
        let (name, behind) = (pair[0], pair[1]);
        // What is not needed is not read; and a segment that was given up before its first group has nothing to read.
        if behind.first.0 > after.0 + 1 && behind.first > name.first {
            replay_finished(&*disk, &config, name, behind, after, &mut replay_one)?;
        }
        finished.push(Finished::found(&*disk, &config.dir, name, Seq(behind.first.0 - 1))?);
    }
    let mut active = None;
    if let Some(name) = names.last() {
        let (segment, torn) = replay_active(&*disk, &config, *name, after, &mut replay_one)?;
        replayed.torn_bytes_cut = torn;
        replayed.last_seq = segment.last;
        active = Some(segment);
    }
    if replayed.last_seq < after {
        return Err(Error::Behind { dir: config.dir, after, last: replayed.last_seq });
    }
    let number = names.iter().map(|name| name.number).max().unwrap_or(0);
    let writer = Writer::new(disk, config, lock, finished, active, number, replayed.last_seq);
    Ok(Recovered { replayed, writer })
}

impl Recovered {
    pub fn last_seq(&self) -> Seq {
        self.replayed.last_seq
    }

    /// Starts the gate on a thread of its own. `release` runs there: it hands over and must not wait.
    pub fn start<H: Send + 'static>(self, release: impl FnMut(Group<H>) + Send + 'static) -> Result<Journal<H>, Error> {
        gate::start(self.writer, release)
    }
}

pub(super) fn take_folder(disk: &dyn Disk, dir: &Path) -> Result<Lock, Error> {
    disk.create_folder(dir).map_err(Error::io("create the journal folder", dir))?;
    let path = dir.join(LOCK);
    match disk.lock(&path).map_err(Error::io("lock", &path))? {
        Ok(lock) => Ok(lock),
        Err(holder) => Err(Error::Locked { dir: dir.to_owned(), holder }),
    }
}

/// Removes segments at the end that a crash caught while they were made: nothing was ever written into them.
fn without_unborn(disk: &dyn Disk, config: &Config, mut names: Vec<Name>) -> Result<Vec<Name>, Error> {
    while let Some(name) = names.last() {
        match Walk::open(disk, &config.dir, *name, Access::Read, Some(config.partition))? {
            Opened::Walk(_) => break,
            Opened::Unborn => {
                let path = config.dir.join(name.file_name());
                disk.remove(&path).map_err(Error::io("remove the unfinished journal segment", &path))?;
                disk.sync_folder(&config.dir).map_err(Error::io("sync the journal folder", &config.dir))?;
                names.pop();
            }
        }
    }
    Ok(names)
}

type ReplayOne<'a> = &'a mut dyn FnMut(Seq, &[u8]) -> Result<(), Error>;

/// Replays a segment that another one follows: it must be whole up to there.
fn replay_finished(disk: &dyn Disk, config: &Config, name: Name, behind: Name, after: Seq, replay: ReplayOne<'_>) -> Result<(), Error> {
    let mut walk = match Walk::open(disk, &config.dir, name, Access::Read, Some(config.partition))? {
        Opened::Walk(walk) => walk,
        Opened::Unborn => {
            let path = config.dir.join(name.file_name());
            return Err(Error::CorruptHeader { path, what: "the segment is empty", first_lost: name.first });
        }
    };
    let what = replay_groups(&mut walk, after, behind.first, replay)?;
    if walk.expected >= behind.first {
        return Ok(());
    }
    Err(broken_off(&walk, what, config.dir.join(behind.file_name()), behind.first)?)
}

/// The error for a segment that ends before the next one begins.
pub(super) fn broken_off(walk: &Walk, what: &'static str, behind: PathBuf, behind_first: Seq) -> Result<Error, Error> {
    let (path, offset, first, last) = (walk.path.clone(), walk.offset, walk.expected, Seq(behind_first.0 - 1));
    Ok(match walk.trailing()? {
        0 => Error::Missing { before: path, offset, behind, first, last },
        _ => Error::Corrupt { path, offset, what, first_lost: first, last_lost: last },
    })
}

/// Replays the last segment and makes it ready to be written on.
fn replay_active(disk: &dyn Disk, config: &Config, name: Name, after: Seq, replay: ReplayOne<'_>) -> Result<(Active, u64), Error> {
    let Opened::Walk(mut walk) = Walk::open(disk, &config.dir, name, Access::Write, Some(config.partition))? else {
        let path = config.dir.join(name.file_name());
        return Err(Error::CorruptHeader { path, what: "it changed while it was read", first_lost: name.first });
    };
    let what = replay_groups(&mut walk, after, Seq(u64::MAX), replay)?;
    let torn = walk.trailing()?;
    if torn > 0
        && let Some(later) = walk.find_later()?
    {
        let last_lost = Seq(later.first.0.saturating_sub(1).max(walk.expected.0));
        return Err(Error::Corrupt { path: walk.path, offset: walk.offset, what, first_lost: walk.expected, last_lost });
    }
    walk.erase(torn)?;
    assert_durable(disk, config, &walk)?;
    Ok((Active::resumed(&walk), torn))
}

fn replay_groups(walk: &mut Walk, after: Seq, limit: Seq, replay: ReplayOne<'_>) -> Result<&'static str, Error> {
    while walk.expected < limit {
        let header = match walk.next()? {
            Next::End(what) => return Ok(what),
            Next::Group(header, entries) => {
                for (seq, entry) in (header.first.0..limit.0).map(Seq).zip(entries) {
                    if seq > after {
                        replay(seq, entry)?;
                    }
                }
                header
            }
        };
        walk.advance(header);
    }
    Ok("the segment after it begins there")
}

/// What was replayed counts as released, but the process before may have ended between a write and its sync, or after a sync that failed,
/// and then the system may take pages for clean that are not on disk. So the header and the last group are written again before they are synced.
fn assert_durable(disk: &dyn Disk, config: &Config, walk: &Walk) -> Result<(), Error> {
    let path = &walk.path;
    walk.file.write_all_at(&walk.header.encode(), 0).map_err(Error::io("write the journal segment", path))?;
    if let Some(offset) = walk.last_group {
        let mut group = vec![0; (walk.offset - offset) as usize];
        let count = walk.file.read_at(&mut group, offset).map_err(Error::io("read the journal segment", path))?;
        walk.file.write_all_at(&group[..count], offset).map_err(Error::io("write the journal segment", path))?;
    }
    debug_assert!(walk.offset >= HEADER_BYTES as u64, "a walk begins behind the header");
    walk.file.sync().map_err(Error::io("sync the journal segment", path))?;
    disk.sync_folder(&config.dir).map_err(Error::io("sync the journal folder", &config.dir))
}
