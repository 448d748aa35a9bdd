//! Search by what people type: ids, names, external ids and types, without case.

use std::cmp::Reverse;
use std::sync::Arc;

use crate::api::error::ApiError;
use crate::reading::TwinId;
use crate::twin::State;
use crate::view::Cell;

use super::Access;
use super::text::fold;

#[derive(Debug, Clone)]
pub struct Search<'a> {
    pub text: &'a str,
    /// Twins of one of these types, subtypes included; of any if there is none.
    pub is_a: &'a [Arc<str>],
    pub first: usize,
}

#[derive(Debug, Clone)]
pub struct Hit {
    pub cell: Arc<Cell>,
    pub state: Arc<State>,
    /// Above 0, at most 1.
    pub score: f64,
    /// `id`, `name`, `externalId`, `type`.
    pub matched: Vec<&'static str>,
}

/// The longest text that is searched for, in characters.
const TEXT_CHARS_MAX: usize = 200;
/// What a match is worth: whole, at the beginning, at the beginning of a word, anywhere.
const WHOLE: f64 = 1.0;
const BEGINNING: f64 = 0.8;
const WORD: f64 = 0.6;
const ANYWHERE: f64 = 0.4;
/// A match of the type says less of a twin than its own names do.
const TYPE: f64 = 0.5;

/// The best first, then by id.
pub fn search(access: &Access<'_>, search: &Search<'_>) -> Result<Vec<Hit>, ApiError> {
    let max = access.bounds.page_max;
    if search.first == 0 || search.first > max {
        return Err(ApiError::limit("page_max", max as u64, format!("`first` is {}: a page has 1 to {max} entries", search.first)));
    }
    if search.text.chars().count() > TEXT_CHARS_MAX {
        return Err(ApiError::bad_input(format!("`text` is longer than {TEXT_CHARS_MAX} characters")));
    }
    let wanted = fold(search.text.trim());
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let mut best: Vec<(Reverse<u64>, TwinId, Hit)> = Vec::new();
    let mut left = access.bounds.search_work_max;
    for class in access.view.classes().iter() {
        if !search.is_a.is_empty() && !search.is_a.iter().any(|name| class.layout.is_a(name)) {
            continue;
        }
        let type_score = score(&fold(&class.layout.name), &wanted) * TYPE;
        let mut after: Option<TwinId> = None;
        loop {
            const BATCH: usize = 1024;
            let batch = class.by_id(after.as_ref().map(TwinId::as_str), BATCH.min(left));
            left -= batch.len();
            for (id, row) in &batch {
                let Some(cell) = class.cell(*row) else { continue };
                if let Some(hit) = hit(&cell, &wanted, type_score) {
                    best.push((Reverse((hit.score * 1e6) as u64), id.clone(), hit));
                }
            }
            if best.len() > search.first + BATCH {
                keep_best(&mut best, search.first);
            }
            match batch.into_iter().next_back() {
                Some((last, _)) if left > 0 => after = Some(last),
                Some(_) | None => break,
            }
        }
    }
    keep_best(&mut best, search.first);
    Ok(best.into_iter().map(|(.., hit)| hit).collect())
}

fn keep_best(best: &mut Vec<(Reverse<u64>, TwinId, Hit)>, first: usize) {
    best.sort_by(|(a, id, _), (b, other, _)| (a, id).cmp(&(b, other)));
    best.truncate(first);
}

fn hit(cell: &Arc<Cell>, wanted: &str, type_score: f64) -> Option<Hit> {
    let state = cell.peek();
    let external = state.external_ids.iter().map(|(_, id)| score(&fold(id), wanted)).fold(0.0, f64::max);
    let name = if *state.name == *state.id.as_str() { 0.0 } else { score(&fold(&state.name), wanted) };
    let scores = [("id", score(&fold(state.id.as_str()), wanted)), ("name", name), ("externalId", external), ("type", type_score)];
    let best = scores.iter().map(|(_, score)| *score).fold(0.0, f64::max);
    if best <= 0.0 {
        return None;
    }
    let matched = scores.iter().filter(|(_, score)| *score > 0.0).map(|(name, _)| *name).collect();
    Some(Hit { cell: cell.clone(), state: state.clone(), score: best, matched })
}

/// Both are folded.
fn score(text: &str, wanted: &str) -> f64 {
    if text == wanted {
        return WHOLE;
    }
    let begins_a_word = |place: usize| text[..place].chars().next_back().is_none_or(|before| !before.is_alphanumeric());
    let mut best: f64 = 0.0;
    for (place, _) in text.match_indices(wanted) {
        best = best.max(match place {
            0 => BEGINNING,
            _ if begins_a_word(place) => WORD,
            _ => ANYWHERE,
        });
    }
    best
}
