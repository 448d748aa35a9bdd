//! What must hold between settings, each of which is fine by itself.

use super::{Loaded, Origin};
use crate::observe::logging;
use crate::source::{Diagnostic, Span, codes};

pub(super) fn check(loaded: &mut Loaded) {
    let config = &loaded.config;
    let journal = &config.journal;
    let mut wrong: Vec<(&'static str, &'static str, String)> = Vec::new();
    if journal.group_bytes_max > journal.segment_bytes {
        wrong.push((
            "journal",
            "group_bytes_max",
            format!("a group of {} does not fit into a segment of {}", journal.group_bytes_max, journal.segment_bytes),
        ));
    }
    if journal.pending_bytes_max < journal.group_bytes_max {
        let message = format!("no group of {} can gather where only {} may wait", journal.group_bytes_max, journal.pending_bytes_max);
        wrong.push(("journal", "pending_bytes_max", message));
    }
    if config.mqtt.enabled && config.mqtt.listen.port() != 0 && config.mqtt.listen == config.http.listen {
        wrong.push(("mqtt", "listen", format!("mqtt and http both listen on {}", config.mqtt.listen)));
    }
    if config.store.url.as_ref().is_some_and(|url| url.contains('@')) {
        let message = "a user and password do not belong into the URL: use username, and password_file or password_env";
        wrong.push(("store", "url", message.to_owned()));
    }
    if config.store.username.is_some() && config.store.password_file.is_none() && config.store.password_env.is_none() {
        wrong.push(("store", "username", "a user without a password: set password_file or password_env, too".to_owned()));
    }
    if let Err(error) = logging::check_filter(&config.log.filter) {
        wrong.push(("log", "filter", error.to_string()));
    }
    for (section, key, message) in wrong {
        if let Some(span) = place(loaded, section, key) {
            loaded.problems.push(Diagnostic::new(&codes::SETTING_VALUE, span, message));
        }
    }
}

/// The key itself, or whatever of its section was set: with defaults only, all holds.
fn place(loaded: &Loaded, section: &str, key: &str) -> Option<Span> {
    let span = |origin: &Origin| match origin {
        Origin::File(span) | Origin::Environment(span) => Some(*span),
        Origin::Flag(_) => None,
    };
    let of_section = || loaded.origins.iter().filter(|((name, _), _)| *name == section);
    let exact = of_section().find(|((_, name), _)| *name == key).and_then(|(_, origin)| span(origin));
    exact.or_else(|| of_section().find_map(|(_, origin)| span(origin)))
}
