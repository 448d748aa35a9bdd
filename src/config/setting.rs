//! How a section of settings is declared: once, with `section!`, which makes the struct with its defaults, the table of keys with their
//! documentation, and the way to set a key from a file or from the environment.

use std::ops::RangeInclusive;

use super::kind::Kind;
use crate::source::Node;

/// One row of a section's table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    pub key: &'static str,
    /// Line by line.
    pub doc: &'static [&'static str],
    /// What can be written, bounds included.
    pub expected: String,
}

/// Why a setting cannot be set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    UnknownKey,
    /// What is wrong with the value.
    Value(String),
}

pub trait Section {
    /// As written in `[…]`; `a.b` is a section within `a`.
    fn name(&self) -> &'static str;
    fn doc(&self) -> &'static [&'static str];
    fn settings(&self) -> Vec<Setting>;
    fn set(&mut self, key: &str, node: &Node) -> Result<(), Refused>;
    /// The value as one would write it in the file; `None` if it is not set.
    fn show(&self, key: &str) -> Option<String>;
}

/// The environment variable of a setting.
pub fn variable(section: &str, key: &str) -> String {
    format!("POLLUX_{}_{}", section.replace('.', "_").to_uppercase(), key.to_uppercase())
}

/// ```text
/// section! {
///     /// What the section is about.
///     Mqtt = "mqtt" {
///         /// What the setting means.
///         connections_max: usize [1..=1_000_000] = 20_000,
///     }
/// }
/// ```
macro_rules! section {
    (
        $(#[doc = $doc:literal])*
        $name:ident = $text:literal {
            $( $(#[doc = $field_doc:literal])* $field:ident: $kind:ty $([$bounds:expr])? = $default:expr ),* $(,)?
        }
    ) => {
        $(#[doc = $doc])*
        #[derive(Debug, Clone, PartialEq)]
        pub struct $name {
            $( $(#[doc = $field_doc])* pub $field: $kind, )*
        }

        impl Default for $name {
            fn default() -> $name {
                $name { $( $field: $default, )* }
            }
        }

        impl $crate::config::setting::Section for $name {
            fn name(&self) -> &'static str {
                $text
            }

            fn doc(&self) -> &'static [&'static str] {
                &[$($doc),*]
            }

            fn settings(&self) -> Vec<$crate::config::setting::Setting> {
                vec![$(
                    $crate::config::setting::Setting {
                        key: stringify!($field),
                        doc: &[$($field_doc),*],
                        expected: $crate::config::setting::expected::<$kind>($crate::config::setting::bounds!($($bounds)?)),
                    }
                ),*]
            }

            fn set(&mut self, key: &str, node: &$crate::source::Node) -> Result<(), $crate::config::setting::Refused> {
                match key {
                    $( stringify!($field) => self.$field = $crate::config::setting::read(node, $crate::config::setting::bounds!($($bounds)?))?, )*
                    _ => return Err($crate::config::setting::Refused::UnknownKey),
                }
                Ok(())
            }

            fn show(&self, key: &str) -> Option<String> {
                match key {
                    $( stringify!($field) => $crate::config::kind::Kind::show(&self.$field), )*
                    _ => None,
                }
            }
        }
    };
}

macro_rules! bounds {
    () => {
        None
    };
    ($bounds:expr) => {
        Some($bounds)
    };
}

pub(super) use {bounds, section};

pub(super) fn read<K: Kind + PartialOrd>(node: &Node, bounds: Option<RangeInclusive<K>>) -> Result<K, Refused> {
    let value = K::read(node).map_err(Refused::Value)?;
    match bounds {
        Some(bounds) if !bounds.contains(&value) => Err(Refused::Value(format!("it must be {}", between(&bounds)))),
        _ => Ok(value),
    }
}

pub(super) fn expected<K: Kind + PartialOrd>(bounds: Option<RangeInclusive<K>>) -> String {
    match bounds {
        Some(bounds) => format!("{}, {}", K::expected(), between(&bounds)),
        None => K::expected(),
    }
}

fn between<K: Kind>(bounds: &RangeInclusive<K>) -> String {
    let show = |value: &K| value.show().unwrap_or_default();
    format!("from {} to {}", show(bounds.start()), show(bounds.end()))
}
