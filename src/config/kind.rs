//! The kinds of values a setting can have: how each is read from a file or the environment, and how it is written.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use crate::reading::parse_duration;
use crate::source::{Node, NodeKind, Scalar, ScalarValue};

pub trait Kind: Sized {
    /// For messages and help: what can be written.
    fn expected() -> String;
    /// The error says what is wrong with the value.
    fn read(node: &Node) -> Result<Self, String>;
    /// As TOML; `None` if there is nothing to write.
    fn show(&self) -> Option<String>;
}

/// A size of memory or of a file: `"64 MiB"` or a number of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteCount(pub u64);

impl ByteCount {
    pub const fn kib(count: u64) -> ByteCount {
        ByteCount(count << 10)
    }

    pub const fn mib(count: u64) -> ByteCount {
        ByteCount(count << 20)
    }

    pub const fn gib(count: u64) -> ByteCount {
        ByteCount(count << 30)
    }

    /// As the size of something in memory.
    pub fn as_usize(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

const BYTE_UNITS: [(&str, u64); 8] = [
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("kB", 1_000),
    ("KB", 1_000),
    ("B", 1),
];

impl fmt::Display for ByteCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fits = |each: u64| self.0 > 0 && self.0.is_multiple_of(each);
        match BYTE_UNITS[..3].iter().find(|(_, each)| fits(*each)) {
            Some((unit, each)) => write!(f, "{} {unit}", self.0 / each),
            None => write!(f, "{} B", self.0),
        }
    }
}

impl Kind for ByteCount {
    fn expected() -> String {
        "a size as in \"64 MiB\", or a number of bytes".to_owned()
    }

    fn read(node: &Node) -> Result<ByteCount, String> {
        let text = &scalar::<ByteCount>(node)?.text;
        let digits = text.find(|c: char| !c.is_ascii_digit() && c != '_').unwrap_or(text.len());
        let (number, unit) = text.split_at(digits);
        let each = match unit.trim() {
            "" => Some(1),
            unit => BYTE_UNITS.iter().find(|(name, _)| *name == unit).map(|(_, each)| *each),
        };
        let number: Option<u64> = number.replace('_', "").parse().ok();
        number.zip(each).and_then(|(number, each)| number.checked_mul(each)).map(ByteCount).ok_or_else(|| mismatch::<ByteCount>(node))
    }

    fn show(&self) -> Option<String> {
        Some(quoted(&self.to_string()))
    }
}

impl Kind for Duration {
    fn expected() -> String {
        "a duration as in \"250ms\", \"15s\", \"5m\", \"2h\" or \"7d\"".to_owned()
    }

    fn read(node: &Node) -> Result<Duration, String> {
        parse_duration(&scalar::<Duration>(node)?.text).ok_or_else(|| mismatch::<Duration>(node))
    }

    fn show(&self) -> Option<String> {
        const UNITS: [(&str, u128); 5] = [("d", 86_400_000_000), ("h", 3_600_000_000), ("m", 60_000_000), ("s", 1_000_000), ("ms", 1_000)];
        let micros = self.as_micros();
        let unit = UNITS.iter().find(|(_, each)| micros > 0 && micros.is_multiple_of(*each));
        Some(match unit {
            Some((unit, each)) => format!("\"{}{unit}\"", micros / each),
            None if micros == 0 => "\"0s\"".to_owned(),
            None => format!("\"{micros}us\""),
        })
    }
}

impl Kind for bool {
    fn expected() -> String {
        "true or false".to_owned()
    }

    fn read(node: &Node) -> Result<bool, String> {
        match scalar::<bool>(node)?.value {
            ScalarValue::Bool(value) => Ok(value),
            ScalarValue::Null | ScalarValue::Int(_) | ScalarValue::UInt(_) | ScalarValue::Float(_) | ScalarValue::Text => {
                Err(mismatch::<bool>(node))
            }
        }
    }

    fn show(&self) -> Option<String> {
        Some(self.to_string())
    }
}

macro_rules! whole_numbers {
    ($($number:ty),*) => {$(
        impl Kind for $number {
            fn expected() -> String {
                "a whole number".to_owned()
            }

            fn read(node: &Node) -> Result<$number, String> {
                let number = match scalar::<$number>(node)?.value {
                    ScalarValue::Int(number) => <$number>::try_from(number).ok(),
                    ScalarValue::UInt(number) => <$number>::try_from(number).ok(),
                    ScalarValue::Null | ScalarValue::Bool(_) | ScalarValue::Float(_) | ScalarValue::Text => None,
                };
                number.ok_or_else(|| mismatch::<$number>(node))
            }

            fn show(&self) -> Option<String> {
                Some(self.to_string())
            }
        }
    )*};
}

whole_numbers!(u8, u16, u32, u64, usize);

impl Kind for String {
    fn expected() -> String {
        "text".to_owned()
    }

    fn read(node: &Node) -> Result<String, String> {
        Ok(scalar::<String>(node)?.text.to_string())
    }

    fn show(&self) -> Option<String> {
        Some(quoted(self))
    }
}

impl Kind for PathBuf {
    fn expected() -> String {
        "a path; a relative one begins at the workspace".to_owned()
    }

    fn read(node: &Node) -> Result<PathBuf, String> {
        let text = String::read(node)?;
        if text.is_empty() { Err(mismatch::<PathBuf>(node)) } else { Ok(PathBuf::from(text)) }
    }

    fn show(&self) -> Option<String> {
        Some(quoted(&self.display().to_string()))
    }
}

impl Kind for SocketAddr {
    fn expected() -> String {
        "an address and port as in \"127.0.0.1:1883\" or \"[::1]:1883\"".to_owned()
    }

    fn read(node: &Node) -> Result<SocketAddr, String> {
        let text = String::read(node)?;
        // The one name that means the same everywhere; others would need a resolver, and could move.
        let local = text
            .strip_prefix("localhost:")
            .and_then(|port| port.parse().ok())
            .map(|port: u16| SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
        local.or_else(|| text.parse().ok()).ok_or_else(|| mismatch::<SocketAddr>(node))
    }

    fn show(&self) -> Option<String> {
        Some(quoted(&self.to_string()))
    }
}

/// In the environment: separated by commas.
impl Kind for Vec<String> {
    fn expected() -> String {
        "a list of texts".to_owned()
    }

    fn read(node: &Node) -> Result<Vec<String>, String> {
        match &node.kind {
            NodeKind::Sequence(items) => items.iter().map(String::read).collect(),
            NodeKind::Scalar(scalar) => {
                Ok(scalar.text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect())
            }
            NodeKind::Mapping(_) => Err(mismatch::<Vec<String>>(node)),
        }
    }

    fn show(&self) -> Option<String> {
        let items: Vec<String> = self.iter().map(|item| quoted(item)).collect();
        Some(format!("[{}]", items.join(", ")))
    }
}

impl<K: Kind> Kind for Option<K> {
    fn expected() -> String {
        K::expected()
    }

    fn read(node: &Node) -> Result<Option<K>, String> {
        K::read(node).map(Some)
    }

    fn show(&self) -> Option<String> {
        self.as_ref().and_then(K::show)
    }
}

/// An enum that is written as one of a few names.
macro_rules! names {
    (
        $(#[$meta:meta])*
        $name:ident { $( $(#[$variant_meta:meta])* $variant:ident = $text:literal ),* $(,)? }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $name {
            $( $(#[$variant_meta])* $variant, )*
        }

        impl $crate::config::kind::Kind for $name {
            fn expected() -> String {
                [$( concat!("\"", $text, "\"") ),*].join(" or ")
            }

            fn read(node: &$crate::source::Node) -> Result<$name, String> {
                match String::read(node)?.as_str() {
                    $( $text => Ok($name::$variant), )*
                    _ => Err($crate::config::kind::mismatch::<$name>(node)),
                }
            }

            fn show(&self) -> Option<String> {
                Some(match self {
                    $( $name::$variant => concat!("\"", $text, "\"").to_owned(), )*
                })
            }
        }
    };
}

pub(super) use names;

pub(super) fn mismatch<K: Kind>(node: &Node) -> String {
    let expected = K::expected();
    match &node.kind {
        NodeKind::Scalar(scalar) => format!("`{}` is not {expected}", scalar.text.chars().take(60).collect::<String>()),
        NodeKind::Sequence(_) => format!("a list is not {expected}"),
        NodeKind::Mapping(_) => format!("a table is not {expected}"),
    }
}

fn scalar<K: Kind>(node: &Node) -> Result<&Scalar, String> {
    match &node.kind {
        NodeKind::Scalar(scalar) => Ok(scalar),
        NodeKind::Sequence(_) | NodeKind::Mapping(_) => Err(mismatch::<K>(node)),
    }
}

fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => quoted.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
