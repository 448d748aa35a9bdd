//! Reads a journal beside its writer: for followers, `pollux journal` and tests. Changes nothing and takes no lock.

use std::fmt;
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::reading::Seq;

use super::Error;
use super::disk::{Access, Disk, RealDisk};
use super::recover::broken_off;
use super::segment::Name;
use super::walk::{Next, Opened, Walk, list};

/// How often a segment may vanish between looking and opening before that is an error.
const VANISHED_MAX: u32 = 8;

/// Reads from `from` on to the end, or until `f` breaks.
///
/// Beside a running writer, the end may hold a group that is written and not yet released; a [`Reader`] can be told where to stop.
pub fn read(dir: &Path, from: Seq, f: &mut dyn FnMut(Seq, &[u8]) -> ControlFlow<()>) -> Result<(), Error> {
    Reader::new(RealDisk::new(), dir, from).read(Seq(u64::MAX), f)
}

/// A position in a journal that moves on as the journal grows.
pub struct Reader {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    next: Seq,
    at: Option<At>,
}

/// The segment that is being read.
struct At {
    name: Name,
    walk: Walk,
    /// The segment after it, if there was one when this was opened.
    behind: Option<Name>,
}

impl Reader {
    pub fn new(disk: Arc<dyn Disk>, dir: impl Into<PathBuf>, from: Seq) -> Reader {
        Reader { disk, dir: dir.into(), next: Seq(from.0.max(1)), at: None }
    }

    /// The entry that is read next.
    pub fn next_seq(&self) -> Seq {
        self.next
    }

    /// Gives out what is there, up to `through`. Comes back at the end, or after the entry on which `f` breaks.
    pub fn read(&mut self, through: Seq, f: &mut dyn FnMut(Seq, &[u8]) -> ControlFlow<()>) -> Result<(), Error> {
        // Whether what was read last is from before the writer may have written more.
        let mut stale = true;
        while self.next <= through {
            if self.at.is_none() {
                self.at = self.find()?;
            }
            let Some(at) = &mut self.at else { return Ok(()) };
            let limit = at.behind.map_or(Seq(u64::MAX), |behind| behind.first);
            if at.walk.expected >= limit {
                self.at = None;
                continue;
            }
            match at.walk.next()? {
                Next::Group(header, entries) => {
                    for (seq, entry) in (header.first.0..limit.0).map(Seq).zip(entries) {
                        if seq < self.next {
                            continue;
                        }
                        // The group stays the current one: the rest of it is still to be read.
                        if seq > through {
                            return Ok(());
                        }
                        self.next = Seq(seq.0 + 1);
                        if f(seq, entry).is_break() {
                            return Ok(());
                        }
                    }
                    at.walk.advance(header);
                    stale = true;
                }
                Next::End(_) if stale => {
                    at.walk.refresh();
                    stale = false;
                }
                Next::End(what) => {
                    if let Some(behind) = at.behind {
                        return Err(broken_off(&at.walk, what, self.dir.join(behind.file_name()), behind.first)?);
                    }
                    // The end, unless the writer has gone on in another segment. It may have finished this one since it was read: once more.
                    let name = at.name;
                    let Some(later) = self.names()?.into_iter().find(|later| *later > name) else { return Ok(()) };
                    if let Some(at) = &mut self.at {
                        at.behind = Some(later);
                        at.walk.refresh();
                    }
                    stale = true;
                }
            }
        }
        Ok(())
    }

    fn names(&self) -> Result<Vec<Name>, Error> {
        Ok(list(&*self.disk, &self.dir, &[])?.0)
    }

    /// Opens the segment that holds the next entry. `None` if there is none yet.
    fn find(&self) -> Result<Option<At>, Error> {
        let mut vanished = 0;
        loop {
            let names = self.names()?;
            let Some(first) = names.first() else { return Ok(None) };
            let Some(place) = names.iter().rposition(|name| name.first <= self.next) else {
                return Err(Error::Forgotten { dir: self.dir.clone(), needed: self.next, first: first.first });
            };
            let name = names[place];
            match Walk::open(&*self.disk, &self.dir, name, Access::Read, None) {
                Ok(Opened::Walk(walk)) => return Ok(Some(At { name, walk, behind: names.get(place + 1).copied() })),
                // The writer is just making it.
                Ok(Opened::Unborn) => return Ok(None),
                Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound && vanished < VANISHED_MAX => vanished += 1,
                Err(error) => return Err(error),
            }
        }
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").field("dir", &self.dir).field("next", &self.next).finish_non_exhaustive()
    }
}
