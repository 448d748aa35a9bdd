//! YAML (and JSON, which is YAML) to a tree with places. Bounded in depth and nodes, aliases counted as often as they are used.

use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::HashSet;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, StrInput, Tag};

use super::{
    Diagnostic, Diagnostics, Entry, FileId, Key, Mapping, Node, NodeKind, Scalar, ScalarValue, Sources, Span, codes, resolve_plain,
};

/// Lists and mappings inside each other.
const DEPTH_MAX: usize = 64;
/// Nodes of one file, each use of an alias counted in full.
const NODES_MAX: usize = 1_000_000;

/// The tree of a file; an empty file is an empty mapping. Of a key that stands twice the first counts and the second is reported.
/// `None` where something was wrong behind which nothing can be trusted.
pub fn read_yaml(sources: &Sources, file: FileId, problems: &mut Diagnostics) -> Option<Node> {
    let source = sources.file(file);
    let mut reader = Reader {
        places: Places::new(file, &source.text),
        parser: Parser::new_from_str(&source.text),
        open: Vec::new(),
        anchors: HashMap::new(),
        nodes: 0,
        duplicates: Vec::new(),
    };
    let read = reader.read();
    reader.duplicates.into_iter().for_each(|duplicate| problems.push(duplicate));
    match read {
        Ok(Some(root)) if !root.is_null() => Some(root),
        Ok(_) => Some(Node { span: Span::new(file, 0, 0), kind: NodeKind::Mapping(Mapping::default()) }),
        Err(problem) => {
            problems.push(*problem);
            None
        }
    }
}

type Problem = Box<Diagnostic>;

struct Reader<'a> {
    places: Places<'a>,
    parser: Parser<'a, StrInput<'a>>,
    open: Vec<Open>,
    /// A finished node and how many nodes it holds.
    anchors: HashMap<usize, (Node, usize)>,
    nodes: usize,
    duplicates: Vec<Diagnostic>,
}

/// A list or mapping whose end has not come yet.
struct Open {
    span: Span,
    anchor: usize,
    nodes_before: usize,
    content: Content,
}

enum Content {
    Sequence(Vec<Node>),
    Mapping { mapping: Mapping, key: Option<Key>, seen: HashSet<Box<str>> },
}

impl<'a> Reader<'a> {
    fn read(&mut self) -> Result<Option<Node>, Problem> {
        let mut root = None;
        while let Some(event) = self.parser.next_event() {
            let (event, marks) = event.map_err(|error| {
                let at = self.places.offset(*error.marker());
                let span = self.places.one_char(at);
                let diagnostic = Diagnostic::new(&codes::YAML_SYNTAX, span, format!("not YAML: {}", error.info()));
                Box::new(diagnostic.help(
                    "the cause may stand a little above: an open quote or bracket, or `{`, `[`, `: ` or ` #` in a text without quotes",
                ))
            })?;
            let span = self.places.span(marks.start, marks.end);
            if let Some(node) = self.take(event, span)? {
                root = Some(node);
            }
        }
        Ok(root)
    }

    /// `Some` when the document is complete.
    fn take(&mut self, event: Event<'a>, span: Span) -> Result<Option<Node>, Problem> {
        match event {
            Event::DocumentStart(_) if self.nodes > 0 => {
                let message = "a second document begins here; one file holds one document";
                Err(Box::new(Diagnostic::new(&codes::SECOND_DOCUMENT, span, message).help("put it into a file of its own")))
            }
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) | Event::DocumentEnd => Ok(None),
            Event::Alias(anchor) => {
                let (node, count) = self.anchors.get(&anchor).cloned().ok_or_else(|| {
                    Box::new(Diagnostic::new(&codes::YAML_SYNTAX, span, "an alias inside of what it stands for has no end"))
                })?;
                self.count(count, span)?;
                self.place(node, span)
            }
            Event::Scalar(text, style, anchor, tag) => {
                self.count(1, span)?;
                let node = Node { span, kind: NodeKind::Scalar(scalar(&text, style, tag.as_deref(), span)?) };
                self.remember(anchor, &node, 1);
                self.place(node, span)
            }
            Event::SequenceStart(anchor, tag) => self.open(Content::Sequence(Vec::new()), anchor, tag, span),
            Event::MappingStart(anchor, tag) => {
                self.open(Content::Mapping { mapping: Mapping::default(), key: None, seen: HashSet::new() }, anchor, tag, span)
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(span),
        }
    }

    fn open(&mut self, content: Content, anchor: usize, tag: Option<Cow<'_, Tag>>, span: Span) -> Result<Option<Node>, Problem> {
        if let Some(tag) = tag {
            return Err(unknown_tag(&tag, span));
        }
        self.count(1, span)?;
        if self.open.len() >= DEPTH_MAX {
            let message = format!("lists and mappings lie inside each other more than {DEPTH_MAX} deep");
            return Err(Box::new(Diagnostic::new(&codes::TOO_DEEP, span, message)));
        }
        self.open.push(Open { span, anchor, nodes_before: self.nodes - 1, content });
        Ok(None)
    }

    fn close(&mut self, end: Span) -> Result<Option<Node>, Problem> {
        let Some(open) = self.open.pop() else { return Ok(None) };
        let (kind, last) = match open.content {
            Content::Sequence(items) => {
                let last = items.last().map(|item| item.span);
                (NodeKind::Sequence(items), last)
            }
            Content::Mapping { mapping, .. } => {
                let last = mapping.entries.last().map(|entry| entry.value.span);
                (NodeKind::Mapping(mapping), last)
            }
        };
        // The end of a block is found where the next thing begins: the node itself ends with its last child.
        let is_flow = end.end > end.start;
        let until = if is_flow { end.end } else { last.map_or(open.span.end, |last| last.end.max(open.span.end)) };
        let node = Node { span: Span { end: until, ..open.span }, kind };
        self.remember(open.anchor, &node, self.nodes - open.nodes_before);
        let span = node.span;
        self.place(node, span)
    }

    fn remember(&mut self, anchor: usize, node: &Node, count: usize) {
        if anchor != 0 {
            self.anchors.insert(anchor, (node.clone(), count));
        }
    }

    fn count(&mut self, more: usize, span: Span) -> Result<(), Problem> {
        self.nodes += more;
        if self.nodes <= NODES_MAX {
            return Ok(());
        }
        let message = format!("the file holds more than {NODES_MAX} values, each use of an alias counted in full");
        Err(Box::new(Diagnostic::new(&codes::TOO_MANY_NODES, span, message)))
    }

    /// Puts a finished node where it belongs. An alias used as a key stands at its own place.
    fn place(&mut self, node: Node, at: Span) -> Result<Option<Node>, Problem> {
        let Some(parent) = self.open.last_mut() else { return Ok(Some(node)) };
        match &mut parent.content {
            Content::Sequence(items) => items.push(node),
            Content::Mapping { mapping, key, seen } => match key.take() {
                Some(key) => {
                    let first = (!seen.insert(key.text.clone())).then(|| mapping.get(&key.text)).flatten();
                    match first {
                        None => mapping.entries.push(Entry { key, value: node }),
                        Some(first) => {
                            let message = format!("the key `{}` stands twice in one mapping", key.text);
                            let duplicate = Diagnostic::new(&codes::DUPLICATE_KEY, key.span, message);
                            self.duplicates.push(duplicate.related(first.key.span, "the first one is here"));
                        }
                    }
                }
                None => *key = Some(as_key(node, at)?),
            },
        }
        Ok(None)
    }
}

fn as_key(node: Node, at: Span) -> Result<Key, Problem> {
    match node.kind {
        NodeKind::Scalar(scalar) => Ok(Key { text: scalar.text, span: at }),
        NodeKind::Sequence(_) | NodeKind::Mapping(_) => {
            Err(Box::new(Diagnostic::new(&codes::KEY_NOT_TEXT, at, "a key is a word or a text, not a list or a mapping")))
        }
    }
}

fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>, span: Span) -> Result<Scalar, Problem> {
    let is_text_tag = match tag {
        None => false,
        Some(tag) if tag.is_yaml_core_schema() && tag.suffix == "str" => true,
        Some(tag) => return Err(unknown_tag(tag, span)),
    };
    let value = match style {
        ScalarStyle::Plain if !is_text_tag => resolve_plain(text),
        ScalarStyle::Plain | ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted | ScalarStyle::Literal | ScalarStyle::Folded => {
            ScalarValue::Text
        }
    };
    Ok(Scalar { text: text.into(), value })
}

fn unknown_tag(tag: &Tag, span: Span) -> Problem {
    let message = format!("the tag `{tag}` means nothing here");
    Box::new(Diagnostic::new(&codes::UNKNOWN_TAG, span, message).help("leave it out; only `!!str` may be written"))
}

/// From the parser's lines and characters to bytes, each line walked once however long it is.
struct Places<'a> {
    file: FileId,
    text: &'a str,
    is_ascii: bool,
    line_starts: Vec<usize>,
    /// Line, characters and bytes of the place asked for last.
    last: std::cell::Cell<(usize, usize, usize)>,
}

impl<'a> Places<'a> {
    fn new(file: FileId, text: &'a str) -> Places<'a> {
        let bytes = text.as_bytes();
        let ends_line = |at: &usize| bytes[*at] == b'\n' || (bytes[*at] == b'\r' && bytes.get(at + 1) != Some(&b'\n'));
        let line_starts = std::iter::once(0).chain((0..bytes.len()).filter(ends_line).map(|at| at + 1)).collect();
        Places { file, text, is_ascii: text.is_ascii(), line_starts, last: std::cell::Cell::new((0, 0, 0)) }
    }

    fn offset(&self, mark: Marker) -> usize {
        let line = mark.line().saturating_sub(1);
        let Some(line_start) = self.line_starts.get(line).copied() else { return self.text.len() };
        if self.is_ascii {
            return (line_start + mark.col()).min(self.text.len());
        }
        let (last_line, last_col, last_byte) = self.last.get();
        let (col, byte) = if last_line == line && last_col <= mark.col() { (last_col, last_byte) } else { (0, line_start) };
        let rest = &self.text[byte..];
        let at = byte + rest.char_indices().nth(mark.col() - col).map_or(rest.len(), |(bytes, _)| bytes);
        self.last.set((line, mark.col(), at));
        at
    }

    fn span(&self, start: Marker, end: Marker) -> Span {
        let start = self.offset(start);
        Span::new(self.file, start, self.offset(end).max(start))
    }

    fn one_char(&self, at: usize) -> Span {
        let here = self.text[at..].chars().next().filter(|c| !matches!(c, '\n' | '\r'));
        Span::new(self.file, at, at + here.map_or(0, char::len_utf8))
    }
}
