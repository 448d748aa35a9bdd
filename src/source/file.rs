//! The files of a workspace with their text, and places in them.

use super::{Code, Diagnostic, Diagnostics, codes};

/// The largest file that is read.
pub const FILE_BYTES_MAX: usize = 4 << 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileId(pub u32);

/// A place in a file, in bytes, half open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    pub file: FileId,
    pub start: u32,
    pub end: u32,
}

impl Span {
    pub fn new(file: FileId, start: usize, end: usize) -> Span {
        let offset = |bytes: usize| u32::try_from(bytes).unwrap_or(u32::MAX);
        Span { file, start: offset(start), end: offset(end.max(start)) }
    }

    /// From the beginning of this one to the end of the other, which lies in the same file.
    pub fn to(self, other: Span) -> Span {
        Span { end: other.end.max(self.end), ..self }
    }
}

/// As editors count: lines and characters from 1, a tab is one character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    pub line: usize,
    pub col: usize,
}

#[derive(Debug)]
pub struct SourceFile {
    /// Relative to the workspace, with `/`.
    pub path: String,
    /// Without a byte order mark. Of a file that cannot be read: what is good before the first bad byte.
    pub text: String,
    /// Whether the text is the whole file.
    pub is_whole: bool,
    line_starts: Vec<u32>,
}

/// All files of a workspace, in the order in which problems are reported.
#[derive(Debug, Default)]
pub struct Sources {
    files: Vec<SourceFile>,
    problems: Diagnostics,
}

impl Sources {
    pub fn new() -> Sources {
        Sources::default()
    }

    /// What is not UTF-8 or too large is a problem of the workspace, not of the call.
    pub fn add(&mut self, path: impl Into<String>, bytes: &[u8]) -> FileId {
        if bytes.len() > FILE_BYTES_MAX {
            let message = format!("the file has more than {FILE_BYTES_MAX} bytes");
            return self.add_unreadable(path, &codes::FILE_TOO_LARGE, &message);
        }
        let has_mark = bytes.starts_with(b"\xef\xbb\xbf");
        let body = if has_mark { &bytes[3..] } else { bytes };
        match std::str::from_utf8(body) {
            Ok(text) => self.push(path.into(), text.to_owned(), true),
            Err(error) => {
                let good = error.valid_up_to();
                let text = String::from_utf8_lossy(&body[..good]).into_owned();
                let id = self.push(path.into(), text, false);
                let offset = good + if has_mark { 3 } else { 0 };
                let message = format!("not UTF-8: byte 0x{:02X} at offset {offset}", body[good]);
                let diagnostic = Diagnostic::new(&codes::NOT_UTF8, Span::new(id, good, good), message);
                self.problems.push(diagnostic.help("save the file as UTF-8"));
                id
            }
        }
    }

    /// A file that is there and cannot be used: it is known by name, so that what refers to it is not reported as well.
    pub fn add_unreadable(&mut self, path: impl Into<String>, code: &'static Code, message: &str) -> FileId {
        let id = self.push(path.into(), String::new(), false);
        self.problems.push(Diagnostic::new(code, Span::new(id, 0, 0), message));
        id
    }

    fn push(&mut self, path: String, text: String, is_whole: bool) -> FileId {
        let id = FileId(u32::try_from(self.files.len()).unwrap_or(u32::MAX));
        let line_starts = line_starts(&text);
        self.files.push(SourceFile { path, text, is_whole, line_starts });
        id
    }

    pub fn file(&self, id: FileId) -> &SourceFile {
        &self.files[id.0 as usize]
    }

    pub fn iter(&self) -> impl Iterator<Item = (FileId, &SourceFile)> {
        (0..).map(FileId).zip(&self.files)
    }

    /// What was wrong with files before anything was read in them.
    pub fn problems(&self) -> &Diagnostics {
        &self.problems
    }

    pub fn start_of(&self, span: Span) -> Position {
        self.file(span.file).position(span.start as usize)
    }

    pub fn end_of(&self, span: Span) -> Position {
        self.file(span.file).position(span.end as usize)
    }
}

impl SourceFile {
    pub fn position(&self, offset: usize) -> Position {
        let offset = self.at_char(offset);
        let line = self.line_of(offset);
        let col = self.text[self.line_starts[line] as usize..offset].chars().count() + 1;
        Position { line: line + 1, col }
    }

    /// The line on which `offset` lies, without its end, and where it begins.
    pub fn line_at(&self, offset: usize) -> (usize, &str) {
        let line = self.line_of(self.at_char(offset));
        let start = self.line_starts[line] as usize;
        let end = self.line_starts.get(line + 1).map_or(self.text.len(), |next| *next as usize);
        (start, self.text[start..end].trim_end_matches(['\n', '\r']))
    }

    fn line_of(&self, offset: usize) -> usize {
        self.line_starts.partition_point(|start| *start as usize <= offset).saturating_sub(1)
    }

    /// The end of the text at most, and never inside a character.
    fn at_char(&self, offset: usize) -> usize {
        let mut offset = offset.min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        offset
    }
}

/// `\n`, `\r\n` and a lone `\r` end a line, as in YAML.
fn line_starts(text: &str) -> Vec<u32> {
    let bytes = text.as_bytes();
    let ends_line = |at: usize| bytes[at] == b'\n' || (bytes[at] == b'\r' && bytes.get(at + 1) != Some(&b'\n'));
    let starts = (0..bytes.len()).filter(|at| ends_line(*at)).map(|at| u32::try_from(at + 1).unwrap_or(u32::MAX));
    std::iter::once(0).chain(starts).collect()
}
