//! Did you mean …? The nearest word, if it is near enough to be a slip.

/// The candidate that `word` most likely was meant to be.
pub fn did_you_mean<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = word.to_lowercase();
    let slips_max = 1 + word.chars().count() / 4;
    let scored = candidates.into_iter().filter_map(|candidate| {
        let known = candidate.to_lowercase();
        let distance = strsim::damerau_levenshtein(&wanted, &known);
        // `maximum` for `max`, `temp` for `temperature`: a whole word that was shortened or drawn out.
        let is_stem = known.len() >= 3 && wanted.len() >= 3 && (wanted.starts_with(&known) || known.starts_with(&wanted));
        (distance <= slips_max || is_stem).then_some((distance, candidate))
    });
    scored
        .filter(|(_, candidate)| *candidate != word)
        .min_by_key(|(distance, candidate)| (*distance, *candidate))
        .map(|(_, candidate)| candidate)
}

/// The first of many names, for messages: `a, b, c, … (12 in all)`.
pub fn list_some<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    const NAMES_MAX: usize = 12;
    let names: Vec<&str> = names.into_iter().collect();
    match names.len() {
        0 => "none".to_owned(),
        count if count <= NAMES_MAX => names.join(", "),
        count => format!("{}, … ({count} in all)", names[..NAMES_MAX].join(", ")),
    }
}
