//! Topic filters: which are well formed, and which topics they match.

/// `+` stands for one whole level, `#` for the rest and only at the end.
pub(super) fn is_filter(text: &str) -> bool {
    if text.is_empty() {
        return false;
    }
    let mut levels = text.split('/').peekable();
    while let Some(level) = levels.next() {
        let is_fine = match level {
            "+" => true,
            "#" => levels.peek().is_none(),
            _ => !level.contains(['+', '#']),
        };
        if !is_fine {
            return false;
        }
    }
    match text.strip_prefix("$share/") {
        None => true,
        Some(shared) => {
            shared.split_once('/').is_some_and(|(name, filter)| !name.is_empty() && !name.contains(['+', '#']) && !filter.is_empty())
        }
    }
}

pub(super) fn is_shared(filter: &str) -> bool {
    filter.starts_with("$share/")
}

/// Topics that begin with `$` belong to a server; a wildcard in the first level does not match them.
pub(super) fn is_reserved(topic: &str) -> bool {
    topic.starts_with('$')
}

/// Whether a filter, well formed, matches a topic.
pub(super) fn matches(filter: &str, topic: &str) -> bool {
    // `a/#` stands for `a`, too.
    if filter.strip_suffix("/#") == Some(topic) {
        return true;
    }
    let (mut filters, mut levels) = (filter.split('/'), topic.split('/'));
    if is_reserved(topic) && filter.starts_with(['+', '#']) {
        return false;
    }
    loop {
        match (filters.next(), levels.next()) {
            (Some("#"), _) | (None, None) => return true,
            (Some("+"), Some(_)) => {}
            (Some(wanted), Some(level)) if wanted == level => {}
            (Some(_) | None, _) => return false,
        }
    }
}

/// Whether it can match a topic whose first level is this.
pub(super) fn may_match(filter: &str, first: &str) -> bool {
    matches!(filter.split('/').next(), Some("#" | "+")) || filter.split('/').next() == Some(first)
}
