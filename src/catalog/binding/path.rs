//! How a path is written: RFC 9535 names, indices and wildcards, nothing more. `codec::json_path` walks it.

use super::{InvalidText, JsonPath, PathStep};

/// The most steps of a path.
const STEPS_MAX: usize = 32;
/// Whole numbers that every JSON reader keeps exactly; RFC 9535 allows no larger index.
const INDEX_MAX: u64 = (1 << 53) - 1;

impl JsonPath {
    pub fn parse(text: &str) -> Result<JsonPath, InvalidText> {
        let mut reader = Reader { text, at: 0 };
        let steps = reader.path().map_err(|message| InvalidText::at(text, reader.at, message))?;
        Ok(JsonPath { text: text.into(), steps: steps.into() })
    }

    /// Whether it may select more than one.
    pub fn is_plural(&self) -> bool {
        self.steps.contains(&PathStep::All)
    }
}

struct Reader<'t> {
    text: &'t str,
    /// In bytes; where reading fails it stays, and there the mistake is.
    at: usize,
}

impl Reader<'_> {
    fn path(&mut self) -> Result<Vec<PathStep>, String> {
        if !self.take('$') {
            return Err("a path begins with `$`, as in `$.temperature`".to_owned());
        }
        let mut steps = Vec::new();
        while !self.rest().is_empty() {
            if steps.len() == STEPS_MAX {
                return Err(format!("a path has at most {STEPS_MAX} steps"));
            }
            steps.push(self.step()?);
        }
        Ok(steps)
    }

    fn step(&mut self) -> Result<PathStep, String> {
        if self.rest().starts_with("..") {
            return Err("`..` is not supported: write the whole path".to_owned());
        }
        if self.take('.') {
            return if self.take('*') { Ok(PathStep::All) } else { self.name() };
        }
        if !self.take('[') {
            return Err("expected `.name`, `['name']`, `[0]` or `[*]`".to_owned());
        }
        self.skip_blanks();
        let step = match self.rest().chars().next() {
            Some(quote @ ('\'' | '"')) => self.quoted(quote)?,
            Some('*') => {
                self.at += 1;
                PathStep::All
            }
            Some('-' | '0'..='9') => self.index()?,
            Some('?') => return Err("filters are not supported".to_owned()),
            Some(_) | None => return Err("expected a quoted name, an index or `*`".to_owned()),
        };
        self.skip_blanks();
        if self.take(']') { Ok(step) } else { Err("expected `]`; slices and lists are not supported".to_owned()) }
    }

    fn name(&mut self) -> Result<PathStep, String> {
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || !c.is_ascii();
        let end = self.rest().find(|c| !fits(c)).unwrap_or(self.rest().len());
        let name = &self.rest()[..end];
        if name.is_empty() {
            return Err("expected a name".to_owned());
        }
        if name.starts_with(|c: char| c.is_ascii_digit()) {
            return Err(format!("a name that begins with a digit is quoted: `['{name}']`; an item of an array is `[{name}]`"));
        }
        let name: Box<str> = name.into();
        self.at += end;
        match self.rest().chars().next() {
            Some('.' | '[') | None => Ok(PathStep::Name(name)),
            Some(other) => Err(format!("`{other}` cannot stand in a plain name: quote it, as in `['{name}{other}…']`")),
        }
    }

    fn index(&mut self) -> Result<PathStep, String> {
        let end = self.rest().find(|c: char| c != '-' && !c.is_ascii_digit()).unwrap_or(self.rest().len());
        let digits = &self.rest()[..end];
        let is_plain = digits == "0" || !digits.trim_start_matches('-').starts_with('0');
        let index = digits.parse::<i64>().ok().filter(|index| is_plain && index.unsigned_abs() <= INDEX_MAX);
        let index = index.ok_or_else(|| format!("`{digits}` is not an index"))?;
        self.at += end;
        Ok(PathStep::Index(index))
    }

    fn quoted(&mut self, quote: char) -> Result<PathStep, String> {
        self.at += 1;
        let mut name = String::new();
        loop {
            let Some(c) = self.rest().chars().next() else { return Err(format!("the name is not closed by {quote}")) };
            if c == '\\' {
                self.escape(&mut name)?;
                continue;
            }
            self.at += c.len_utf8();
            if c == quote {
                return Ok(PathStep::Name(name.into()));
            }
            name.push(c);
        }
    }

    fn escape(&mut self, name: &mut String) -> Result<(), String> {
        let escaped = self.rest().chars().nth(1);
        let meant = match escaped {
            Some(c @ ('\\' | '\'' | '"' | '/')) => c,
            Some('n') => '\n',
            Some('t') => '\t',
            Some('r') => '\r',
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('u') => {
                let digits = self.rest().get(2..6).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
                let code = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok()).and_then(char::from_u32);
                let c = code.ok_or_else(|| "expected four hexadecimal digits of a character; write it plainly instead".to_owned())?;
                self.at += 4;
                c
            }
            Some(_) | None => return Err("unknown escape".to_owned()),
        };
        self.at += 2;
        name.push(meant);
        Ok(())
    }

    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn take(&mut self, wanted: char) -> bool {
        let found = self.rest().starts_with(wanted);
        if found {
            self.at += wanted.len_utf8();
        }
        found
    }

    fn skip_blanks(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches([' ', '\t', '\n', '\r']).len();
    }
}
