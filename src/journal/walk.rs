//! Walks through a segment group by group, and looks behind the place where that ends.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::reading::Seq;

use super::Error;
use super::disk::{Access, Disk, File};
use super::segment::{BadHeader, Entries, GROUP_HEADER_BYTES, GROUP_MAGIC, GroupHeader, HEADER_BYTES, Header, Name};

/// How much is read at once.
const WINDOW_BYTES: usize = 256 << 10;
const ZEROS: [u8; 4096] = [0; 4096];

/// The segments of a folder in order, and the names of the files that are none of ours.
pub(super) fn list(disk: &dyn Disk, dir: &Path, ours: &[&str]) -> Result<(Vec<Name>, Vec<String>), Error> {
    let mut foreign = disk.names(dir).map_err(Error::io("list the journal folder", dir))?;
    let mut names: Vec<Name> = foreign.iter().filter_map(|name| Name::parse(name)).collect();
    names.sort_unstable();
    foreign.retain(|name| Name::parse(name).is_none() && !ours.contains(&name.as_str()));
    foreign.sort_unstable();
    Ok((names, foreign))
}

pub(super) struct Walk {
    pub(super) file: Arc<dyn File>,
    pub(super) path: PathBuf,
    pub(super) header: Header,
    /// Where the next group begins.
    pub(super) offset: u64,
    /// The seq it must begin with.
    pub(super) expected: Seq,
    /// Where the group before it began.
    pub(super) last_group: Option<u64>,
    window: Vec<u8>,
    window_at: u64,
}

pub(super) enum Opened {
    Walk(Walk),
    /// The header is unusable, and so far nothing was written behind it: a crash happened while the segment was made.
    Unborn,
}

pub(super) enum Next<'a> {
    Group(GroupHeader, Entries<'a>),
    /// There is no further good group at `offset`.
    End(&'static str),
}

impl Walk {
    pub(super) fn open(disk: &dyn Disk, dir: &Path, name: Name, access: Access, partition: Option<u32>) -> Result<Opened, Error> {
        let path = dir.join(name.file_name());
        let file = disk.open(&path, access).map_err(Error::io("open the journal segment", &path))?;
        let mut bytes = [0; HEADER_BYTES];
        let count = file.read_at(&mut bytes, 0).map_err(Error::io("read the journal segment", &path))?;
        let damaged = |what| Error::CorruptHeader { path: path.clone(), what, first_lost: name.first };
        let header = match Header::decode(&bytes[..count]) {
            Ok(header) if header.name != name => return Err(damaged("it belongs to a segment of another name")),
            Ok(header) => header,
            Err(BadHeader::Newer(version)) => return Err(Error::Newer { path, version }),
            Err(BadHeader::Damaged(what)) => {
                let unborn = trailing(&*file, HEADER_BYTES as u64).map_err(Error::io("read the journal segment", &path))? == 0;
                return if unborn { Ok(Opened::Unborn) } else { Err(damaged(what)) };
            }
        };
        if let Some(expected) = partition.filter(|expected| *expected != header.partition) {
            return Err(Error::Partition { path, found: header.partition, expected });
        }
        let offset = HEADER_BYTES as u64;
        Ok(Opened::Walk(Walk { file, path, header, offset, expected: name.first, last_group: None, window: Vec::new(), window_at: 0 }))
    }

    /// The group at `offset`, if it is good. [`Walk::advance`] goes behind it.
    pub(super) fn next(&mut self) -> Result<Next<'_>, Error> {
        let (offset, expected) = (self.offset, self.expected);
        let header = match self.header_at(offset)? {
            Ok(header) if header.first == expected => header,
            Ok(_) => return Ok(Next::End("a group does not follow the one before")),
            Err(what) => return Ok(Next::End(what)),
        };
        match header.check(self.payload_at(offset, header)?) {
            Ok(()) => Ok(Next::Group(header, Entries(self.payload_at(offset, header)?))),
            Err(what) => {
                self.refresh();
                Ok(Next::End(what))
            }
        }
    }

    pub(super) fn advance(&mut self, header: GroupHeader) {
        self.last_group = Some(self.offset);
        self.offset += (GROUP_HEADER_BYTES + header.payload_bytes as usize) as u64;
        self.expected = Seq(header.last().0 + 1);
    }

    /// Goes behind the last group that begins before `limit`. Says why it ended where it did.
    pub(super) fn skip_to(&mut self, limit: Seq) -> Result<&'static str, Error> {
        while self.expected < limit {
            match self.next()? {
                Next::Group(header, _) => self.advance(header),
                Next::End(what) => return Ok(what),
            }
        }
        Ok("the segment after it begins there")
    }

    /// Forgets what was read, because a writer may have written there since.
    pub(super) fn refresh(&mut self) {
        self.window.clear();
    }

    /// A good group at or after `offset`, wherever it begins: then what comes before it is damage and no torn tail.
    pub(super) fn find_later(&mut self) -> Result<Option<GroupHeader>, Error> {
        let mut at = self.offset;
        loop {
            let window = self.bytes_at(at, WINDOW_BYTES)?;
            if window.len() < GROUP_HEADER_BYTES {
                return Ok(None);
            }
            let starts = window.len() - GROUP_HEADER_BYTES + 1;
            let hits = if is_zero(window) { Vec::new() } else { magic_in(&window[..starts + GROUP_MAGIC.len() - 1]) };
            for hit in hits {
                let offset = at + hit as u64;
                if let Ok(header) = self.header_at(offset)?
                    && header.check(self.payload_at(offset, header)?).is_ok()
                {
                    return Ok(Some(header));
                }
            }
            at += starts as u64;
        }
    }

    /// The bytes from `offset` to the last that is not zero.
    pub(super) fn trailing(&self) -> Result<u64, Error> {
        trailing(&*self.file, self.offset).map_err(Error::io("read the journal segment", &self.path))
    }

    /// Overwrites `bytes` from `offset` on with zeros.
    pub(super) fn erase(&mut self, bytes: u64) -> Result<(), Error> {
        let end = self.offset + bytes;
        let mut at = self.offset;
        while at < end {
            let count = (end - at).min(ZEROS.len() as u64) as usize;
            self.file.write_all_at(&ZEROS[..count], at).map_err(Error::io("cut the torn end of the journal segment", &self.path))?;
            at += count as u64;
        }
        self.refresh();
        Ok(())
    }

    fn header_at(&mut self, offset: u64) -> Result<Result<GroupHeader, &'static str>, Error> {
        let salt = self.header.salt;
        let header = GroupHeader::decode(self.bytes_at(offset, GROUP_HEADER_BYTES)?, salt);
        if header.is_err() {
            self.refresh();
        }
        Ok(header)
    }

    /// Shorter than it says where the file ends before.
    fn payload_at(&mut self, offset: u64, header: GroupHeader) -> Result<&[u8], Error> {
        self.bytes_at(offset + GROUP_HEADER_BYTES as u64, header.payload_bytes as usize)
    }

    fn bytes_at(&mut self, offset: u64, count: usize) -> Result<&[u8], Error> {
        let inside = offset.checked_sub(self.window_at).and_then(|start| usize::try_from(start).ok());
        let inside = inside.filter(|start| start.checked_add(count).is_some_and(|end| end <= self.window.len()));
        let start = match inside {
            Some(start) => start,
            None => {
                let failed = Error::io("read the journal segment", &self.path);
                let there = match self.file.len() {
                    Ok(len) => len.saturating_sub(offset),
                    Err(source) => return Err(failed(source)),
                };
                let wanted = (count.max(WINDOW_BYTES) as u64).min(there) as usize;
                self.window.resize(wanted, 0);
                let read = self.file.read_at(&mut self.window, offset).map_err(failed);
                self.window.truncate(*read.as_ref().unwrap_or(&0));
                self.window_at = offset;
                read?;
                0
            }
        };
        let end = (start + count).min(self.window.len());
        Ok(&self.window[start..end])
    }
}

fn trailing(file: &dyn File, from: u64) -> std::io::Result<u64> {
    let mut buffer = vec![0; WINDOW_BYTES];
    let (mut at, mut end) = (from, from);
    loop {
        let count = file.read_at(&mut buffer, at)?;
        if count == 0 {
            return Ok(end - from);
        }
        let read = &buffer[..count];
        if !is_zero(read)
            && let Some(last) = read.iter().rposition(|byte| *byte != 0)
        {
            end = at + last as u64 + 1;
        }
        at += count as u64;
    }
}

fn is_zero(bytes: &[u8]) -> bool {
    bytes.chunks(ZEROS.len()).all(|chunk| chunk == &ZEROS[..chunk.len()])
}

fn magic_in(bytes: &[u8]) -> Vec<usize> {
    bytes.windows(GROUP_MAGIC.len()).enumerate().filter(|(_, window)| *window == GROUP_MAGIC).map(|(at, _)| at).collect()
}
