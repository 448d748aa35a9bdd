//! Type references, written as in GraphQL: `[Twin!]!`.

use std::fmt;

/// A type reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ty {
    Named(Box<str>),
    List(Box<Ty>),
    NonNull(Box<Ty>),
}

impl Ty {
    pub fn parse(text: &str) -> Result<Ty, String> {
        let mut rest = text.trim();
        let ty = Ty::read(&mut rest).ok_or_else(|| format!("`{text}` is not a type"))?;
        if rest.trim().is_empty() { Ok(ty) } else { Err(format!("`{text}` is not a type: `{}` is left over", rest.trim())) }
    }

    fn read(rest: &mut &str) -> Option<Ty> {
        *rest = rest.trim_start();
        let inner = if let Some(behind) = rest.strip_prefix('[') {
            *rest = behind;
            let item = Ty::read(rest)?;
            *rest = rest.trim_start().strip_prefix(']')?;
            Ty::List(Box::new(item))
        } else {
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
            let (name, behind) = rest.split_at(end);
            *rest = behind;
            Ty::Named(Some(name).filter(|name| is_name(name))?.into())
        };
        match rest.trim_start().strip_prefix('!') {
            Some(behind) => {
                *rest = behind;
                Some(Ty::NonNull(Box::new(inner)))
            }
            None => Some(inner),
        }
    }

    /// The type inside all wrappers.
    pub fn name(&self) -> &str {
        match self {
            Ty::Named(name) => name,
            Ty::List(inner) | Ty::NonNull(inner) => inner.name(),
        }
    }

    pub fn is_non_null(&self) -> bool {
        matches!(self, Ty::NonNull(_))
    }

    /// Without the outermost `!`.
    pub fn nullable(&self) -> &Ty {
        match self {
            Ty::NonNull(inner) => inner,
            Ty::Named(_) | Ty::List(_) => self,
        }
    }

    /// Whether a list in it may hold null.
    pub fn has_nullable_items(&self) -> bool {
        match self.nullable() {
            Ty::List(item) => !item.is_non_null() || item.has_nullable_items(),
            Ty::Named(_) | Ty::NonNull(_) => false,
        }
    }
}

impl fmt::Display for Ty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ty::Named(name) => f.write_str(name),
            Ty::List(inner) => write!(f, "[{inner}]"),
            Ty::NonNull(inner) => write!(f, "{inner}!"),
        }
    }
}

/// Whether GraphQL allows it as a name, and does not keep it for itself.
pub fn is_name(text: &str) -> bool {
    let begins_well = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && !text.starts_with("__");
    begins_well && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_read_and_printed() {
        for text in ["A", "A!", "[A]", "[A!]!", "[[A!]!]"] {
            assert_eq!(Ty::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(Ty::parse(" [ A ! ] ! ").unwrap().to_string(), "[A!]!");
        for text in ["", "A!!", "[A", "A]", "1A", "__A", "A B", "[]"] {
            assert!(Ty::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn lists_with_nullable_items_are_found() {
        let found = |text: &str| Ty::parse(text).unwrap().has_nullable_items();
        assert!(found("[A]") && found("[[A!]]!") && found("[[A]!]"));
        assert!(!found("A") && !found("[A!]") && !found("[[A!]!]!"));
    }
}
