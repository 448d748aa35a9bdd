//! Functions of text. Places count characters, not bytes; bounds of length keep a cheap expression from making a huge text.

use std::sync::Arc;

use super::super::bounds::TEXT_BYTES_MAX;
use super::super::datum::{Datum, Known, Why};

/// The characters from `start` to before `end`.
pub(super) fn substring(text: &str, start: i64, end: Option<i64>) -> Known<Datum> {
    let place = |index: i64| -> Known<usize> {
        let index = usize::try_from(index).map_err(|_| Why::NotThere)?;
        let ends = text.char_indices().map(|(offset, _)| offset).chain([text.len()]);
        ends.into_iter().nth(index).ok_or_else(|| Why::NotThere.into())
    };
    let start = place(start)?;
    let end = end.map_or(Ok(text.len()), place)?;
    text.get(start..end).map(|part| Datum::Text(Arc::from(part))).ok_or_else(|| Why::NotThere.into())
}

/// The first `limit` occurrences; all of them if it is negative.
pub(super) fn replace(text: &str, old: &str, new: &str, limit: i64) -> Known<Datum> {
    let count = usize::try_from(limit).unwrap_or(usize::MAX);
    // An empty text stands before every character and at the end.
    let places = if old.is_empty() { text.chars().count() + 1 } else { text.len() / old.len() };
    let grown = places.min(count).saturating_mul(new.len()).saturating_add(text.len());
    if grown > TEXT_BYTES_MAX {
        return Err(Why::TooLarge.into());
    }
    Ok(Datum::Text(Arc::from(text.replacen(old, new, count))))
}
