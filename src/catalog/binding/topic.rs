//! How a topic pattern is written: levels that are text, `{name}` or, at the end, `{name...}`. `codec::topic` matches topics with it.

use super::{InvalidText, Level, TOPIC_BYTES_MAX, TOPIC_LEVELS_MAX, TopicPattern, is_level_name};

/// What of a pattern decides which topics it matches and with what rank: all but the names of its levels.
pub type Shape = Box<[Level]>;

impl TopicPattern {
    /// `plant/{line}/{tag...}`
    pub fn parse(text: &str) -> Result<TopicPattern, InvalidText> {
        let fail = |byte: usize, message: String| InvalidText::at(text, byte, message);
        if text.is_empty() || text.len() > TOPIC_BYTES_MAX {
            return Err(fail(0, format!("a topic has 1 to {TOPIC_BYTES_MAX} bytes")));
        }
        let mut levels: Vec<Level> = Vec::new();
        let mut start = 0;
        for part in text.split('/') {
            if levels.len() == TOPIC_LEVELS_MAX {
                return Err(fail(start, format!("a topic has at most {TOPIC_LEVELS_MAX} levels")));
            }
            if let Some(Level::Rest(name)) = levels.last() {
                return Err(fail(start, format!("nothing can follow `{{{name}...}}`, which takes all that follows")));
            }
            let level = level(part).map_err(|message| fail(start, message))?;
            if let Some(name) = level.name().filter(|name| levels.iter().any(|earlier| earlier.name() == Some(name))) {
                return Err(fail(start, format!("`{name}` names two levels")));
            }
            levels.push(level);
            start += part.len() + 1;
        }
        Ok(TopicPattern { text: text.into(), levels: levels.into() })
    }

    /// The names of levels, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.levels.iter().filter_map(Level::name)
    }

    /// Two patterns of one shape match the same topics with the same rank: they tie.
    pub fn shape(&self) -> Shape {
        let nameless = |level: &Level| match level {
            Level::Literal(text) => Level::Literal(text.clone()),
            Level::One(_) => Level::One(Box::default()),
            Level::Rest(_) => Level::Rest(Box::default()),
        };
        self.levels.iter().map(nameless).collect()
    }
}

impl Level {
    pub fn name(&self) -> Option<&str> {
        match self {
            Level::Literal(_) => None,
            Level::One(name) | Level::Rest(name) => Some(name),
        }
    }
}

fn level(text: &str) -> Result<Level, String> {
    if text.contains(['+', '#']) {
        return Err(format!(
            "`{text}`: the wildcards + and # are not used here; write {{name}} for one level and {{name...}} for the rest"
        ));
    }
    if let Some(name) = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')) {
        let (name, is_rest) = name.strip_suffix("...").map_or((name, false), |name| (name, true));
        return match (is_level_name(name), is_rest) {
            (true, false) => Ok(Level::One(name.into())),
            (true, true) => Ok(Level::Rest(name.into())),
            (false, _) => Err(format!("`{text}`: a letter, then letters, digits and `_` stand in braces")),
        };
    }
    if text.contains(['{', '}']) {
        return Err(format!("`{text}`: a name in braces fills its whole level"));
    }
    if text.contains('\0') {
        return Err("a topic has no NUL character".to_owned());
    }
    Ok(Level::Literal(text.into()))
}
