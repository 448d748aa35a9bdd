//! From byte offsets of a document to lines and columns, in logarithmic time also for a document of one long line.

use crate::api::error::Location;

#[derive(Debug)]
pub(super) struct Lines {
    starts: Vec<u32>,
    /// Offsets of the bytes that do not begin a character: columns count characters.
    inner: Vec<u32>,
}

impl Lines {
    pub(super) fn new(text: &str) -> Lines {
        let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        let bytes = text.as_bytes();
        let breaks = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| offset(at + 1));
        let inner = bytes.iter().enumerate().filter(|(_, byte)| **byte & 0xC0 == 0x80).map(|(at, _)| offset(at));
        Lines { starts: std::iter::once(0).chain(breaks).collect(), inner: inner.collect() }
    }

    pub(super) fn locate(&self, offset: usize) -> Location {
        let offset = u32::try_from(offset).unwrap_or(u32::MAX);
        let line = self.starts.partition_point(|start| *start <= offset).max(1);
        let start = self.starts[line - 1];
        let inner_before = |at: u32| self.inner.partition_point(|inner| *inner < at);
        let bytes = (offset - start) as usize;
        Location { line, column: 1 + bytes - (inner_before(offset) - inner_before(start)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters() {
        let text = "{ä\n  öü b }\n";
        let lines = Lines::new(text);
        let at = |needle: &str| {
            let place = lines.locate(text.find(needle).expect("it is there"));
            (place.line, place.column)
        };
        assert_eq!(at("{"), (1, 1));
        assert_eq!(at("ä"), (1, 2));
        assert_eq!(at("ö"), (2, 3));
        assert_eq!(at("b"), (2, 6));
        assert_eq!(at("}"), (2, 8));
    }
}
