//! What somebody may have meant by a unit that does not exist.

use super::parse::{self, Malformed};
use super::table::table;

const NEAREST_MAX: usize = 3;
/// Below this likeness a suggestion would be noise.
const LIKENESS_MIN: f64 = 0.4;

/// Up to three units, the most alike first, in a form that can be pasted.
pub(super) fn nearest(text: &str) -> Vec<String> {
    let cut: String = text.chars().take(parse::UNIT_BYTES_MAX / 4).collect();
    let text = cut.as_str();
    let mut found: Vec<(f64, String)> = Vec::new();
    let mut offer = |likeness: f64, shown: String| {
        if likeness >= LIKENESS_MIN && found.iter().all(|(_, earlier)| *earlier != shown) {
            found.push((likeness, shown));
        }
    };
    match parse::factors(text) {
        Err(Malformed::Ambiguous) => bracketed(text).into_iter().for_each(|shown| offer(2.0, shown)),
        Ok(factors) if factors.len() > 1 => {
            // One unknown factor in a quotient: the rest of the text stays as it is.
            let unknown = factors.iter().find(|factor| table().get(factor.text).is_none());
            for (likeness, symbol) in unknown.map(|factor| ranked(factor.text)).unwrap_or_default() {
                let wrong = unknown.map_or("", |factor| factor.text);
                offer(likeness, text.replacen(wrong, symbol, 1));
            }
        }
        Ok(_) | Err(Malformed::Grammar) => {}
    }
    ranked(text).into_iter().for_each(|(likeness, symbol)| offer(likeness, symbol.to_owned()));
    found.sort_by(|a, b| b.0.total_cmp(&a.0));
    found.into_iter().take(NEAREST_MAX).map(|(_, shown)| shown).collect()
}

/// `W/m^2.K` can mean two things.
fn bracketed(text: &str) -> Vec<String> {
    let Some((above, below)) = text.split_once('/') else { return Vec::new() };
    let mut forms = vec![format!("{above}/({below})")];
    if let Some((first, rest)) = below.split_once(['.', '·', '*']) {
        forms.push(format!("{above}.{rest}/{first}"));
    }
    forms.retain(|form| super::Unit::parse(form).is_ok());
    forms
}

fn ranked(text: &str) -> Vec<(f64, &'static str)> {
    let wanted = text.to_lowercase();
    let likeness = |candidate: &str| {
        let candidate_lower = candidate.to_lowercase();
        if candidate_lower == wanted {
            return 1.0;
        }
        let contained = wanted.len() >= 4 && candidate_lower.contains(&wanted);
        let distance = strsim::normalized_damerau_levenshtein(&candidate_lower, &wanted);
        if contained { distance.max(0.9) } else { distance }
    };
    let best = |unit: &'static super::Unit| (unit.texts().map(likeness).fold(0.0, f64::max), unit.symbol());
    let mut ranked: Vec<(f64, &'static str)> = table().units.iter().map(best).collect();
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
    ranked.truncate(NEAREST_MAX);
    ranked
}
