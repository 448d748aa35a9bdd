//! From text to a [`Term`]. The text, its nesting and the depth of what comes of it are bounded, so that nothing that reads or evaluates a term
//! later can run out of stack.

use smol_str::SmolStr;

use crate::rule::detector::Scalar;

use super::cursor::Cursor;
use super::function::Function;
use super::term::{BinaryOperator, Convert, Piece, Step, Term, UnaryOperator};

/// AWS allows 512 characters for a condition and 1,024 for a payload.
pub const EXPRESSION_BYTES_MAX: usize = 8192;
/// Parentheses, calls, signs and templates inside each other.
pub const NESTING_MAX: usize = 32;
/// Of the term: a chain of operators grows by one with each.
pub const DEPTH_MAX: usize = 256;
/// Of a path.
const STEPS_MAX: usize = 32;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}, at character {at}", at = at + 1)]
pub struct SyntaxError {
    /// In characters, from 0.
    pub at: usize,
    pub message: String,
}

pub fn parse(text: &str) -> Result<Term, SyntaxError> {
    check_length(text)?;
    let mut parser = Parser { cursor: Cursor::new(text), nesting: 0 };
    let (term, _) = parser.binary(0)?;
    parser.cursor.skip_blanks();
    if parser.cursor.is_at_end() { Ok(term) } else { Err(parser.cursor.expected("an operator or the end")) }
}

/// A path by itself, as the key of a definition and the attributes of an input have it: `sensorData.pressure`, `` `motor id` ``.
pub fn parse_path(text: &str) -> Result<Box<[Step]>, SyntaxError> {
    check_length(text)?;
    let mut parser = Parser { cursor: Cursor::new(text), nesting: 0 };
    parser.cursor.skip_blanks();
    let mut steps = vec![Step::Name(parser.name()?)];
    parser.steps(&mut steps)?;
    parser.cursor.skip_blanks();
    if parser.cursor.is_at_end() { Ok(steps.into()) } else { Err(parser.cursor.expected("`.`, `[` or the end of the path")) }
}

fn check_length(text: &str) -> Result<(), SyntaxError> {
    if text.len() <= EXPRESSION_BYTES_MAX {
        return Ok(());
    }
    Err(SyntaxError { at: 0, message: format!("the expression has {} bytes; at most {EXPRESSION_BYTES_MAX} are allowed", text.len()) })
}

/// A term and how deep it is.
type Sized = (Term, usize);

struct Parser<'t> {
    cursor: Cursor<'t>,
    nesting: usize,
}

impl Parser<'_> {
    /// Operators of at least this tightness.
    fn binary(&mut self, tightness_min: u8) -> Result<Sized, SyntaxError> {
        let mut left = self.unary()?;
        while let Some(operator) = self.operator_ahead().filter(|operator| operator.tightness() >= tightness_min) {
            self.cursor.eat(operator.symbol());
            let right = self.binary(operator.tightness() + 1)?;
            let depth = left.1.max(right.1);
            left = self.deeper(Term::Binary(operator, Box::new(left.0), Box::new(right.0)), depth)?;
        }
        Ok(left)
    }

    fn operator_ahead(&self) -> Option<BinaryOperator> {
        let mut ahead = self.cursor;
        ahead.skip_blanks();
        BinaryOperator::ALL.into_iter().find(|operator| ahead.rest().starts_with(operator.symbol()))
    }

    fn deeper(&self, term: Term, depth: usize) -> Result<Sized, SyntaxError> {
        if depth < DEPTH_MAX {
            return Ok((term, depth + 1));
        }
        Err(self.cursor.fails(format!("more than {DEPTH_MAX} operators upon each other: split the condition")))
    }

    fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, SyntaxError>) -> Result<T, SyntaxError> {
        if self.nesting == NESTING_MAX {
            return Err(self.cursor.fails(format!("more than {NESTING_MAX} levels inside each other")));
        }
        self.nesting += 1;
        let read = read(self);
        self.nesting -= 1;
        read
    }

    fn unary(&mut self) -> Result<Sized, SyntaxError> {
        let Some(operator) = UnaryOperator::ALL.into_iter().find(|operator| self.cursor.eat(operator.symbol())) else {
            return self.primary();
        };
        let (inner, depth) = self.nested(Parser::unary)?;
        self.deeper(Term::Unary(operator, Box::new(inner)), depth)
    }

    fn primary(&mut self) -> Result<Sized, SyntaxError> {
        if self.cursor.eat("(") {
            let inner = self.nested(|parser| parser.binary(0))?;
            self.cursor.expect(")")?;
            return Ok(inner);
        }
        if self.cursor.eat("$") {
            return Ok((self.reference()?, 1));
        }
        for quote in ['\'', '"'] {
            if self.cursor.eat(quote.encode_utf8(&mut [0; 4])) {
                return self.nested(|parser| parser.text(quote));
            }
        }
        if self.cursor.rest().starts_with(|c: char| c.is_ascii_digit()) {
            return Ok((Term::Constant(self.cursor.number()?), 1));
        }
        self.call()
    }

    fn reference(&mut self) -> Result<Term, SyntaxError> {
        let start = self.cursor;
        match self.cursor.word() {
            "input" => {
                self.cursor.expect(".")?;
                let input = self.name()?;
                let mut path = Vec::new();
                self.steps(&mut path)?;
                Ok(Term::Input { input, path: path.into() })
            }
            "variable" => {
                self.cursor.expect(".")?;
                Ok(Term::Variable(self.name()?))
            }
            _ => Err(start.expected("`input.<Input>.<path>` or `variable.<name>` after `$`")),
        }
    }

    /// Plain or in back-ticks.
    fn name(&mut self) -> Result<SmolStr, SyntaxError> {
        let start = self.cursor;
        if self.cursor.eat_here("`") {
            let name = self.cursor.take_while(|c| c != '`');
            return if self.cursor.eat_here("`") && !name.is_empty() {
                Ok(name.into())
            } else {
                Err(start.expected("a name in back-ticks"))
            };
        }
        match self.cursor.word() {
            "" => Err(start.expected("a name; one that is not letters, digits and `_` stands in back-ticks")),
            name => Ok(name.into()),
        }
    }

    fn steps(&mut self, steps: &mut Vec<Step>) -> Result<(), SyntaxError> {
        loop {
            let start = self.cursor;
            if self.cursor.eat_here(".") {
                steps.push(Step::Name(self.name()?));
            } else if self.cursor.eat_here("[") {
                self.cursor.skip_blanks();
                let index = self.cursor.take_while(|c| c.is_ascii_digit()).parse();
                steps.push(Step::Index(index.map_err(|_| start.expected("the number of an item, as in `[0]`"))?));
                self.cursor.expect("]")?;
            } else {
                return Ok(());
            }
            if steps.len() > STEPS_MAX {
                return Err(start.fails(format!("a path has at most {STEPS_MAX} steps")));
            }
        }
    }

    /// After its opening quote. A back-slash before the same quote makes it part of the text; before anything else it stands for itself, because
    /// most texts with back-slashes are JSON with escapes of its own.
    fn text(&mut self, quote: char) -> Result<Sized, SyntaxError> {
        let start = self.cursor;
        let (mut pieces, mut plain, mut depth) = (Vec::new(), String::new(), 0);
        loop {
            if self.cursor.eat_here("${") {
                let (inner, inner_depth) = self.binary(0)?;
                self.cursor.expect("}")?;
                if !plain.is_empty() {
                    pieces.push(Piece::Text(std::mem::take(&mut plain).into()));
                }
                pieces.push(Piece::Inner(inner));
                depth = depth.max(inner_depth);
                continue;
            }
            match self.cursor.next() {
                None => return Err(start.fails(format!("the text is not closed by {quote}"))),
                Some('\\') if self.cursor.eat_here(quote.encode_utf8(&mut [0; 4])) => plain.push(quote),
                Some(next) if next == quote => break,
                Some(next) => plain.push(next),
            }
        }
        if pieces.is_empty() {
            return Ok((Term::Constant(Scalar::Text(plain.into())), 1));
        }
        if !plain.is_empty() {
            pieces.push(Piece::Text(plain.into()));
        }
        self.deeper(Term::Template(pieces.into()), depth)
    }

    fn call(&mut self) -> Result<Sized, SyntaxError> {
        self.cursor.skip_blanks();
        let start = self.cursor;
        match self.cursor.word() {
            "" => Err(start.expected("a value")),
            "true" => Ok((Term::Constant(Scalar::Bool(true)), 1)),
            "false" => Ok((Term::Constant(Scalar::Bool(false)), 1)),
            "timeout" => Ok((Term::Timeout(self.quoted_argument("a timer, as in timeout(\"t\")")?), 1)),
            "currentInput" => Ok((Term::CurrentInput(self.quoted_argument("an input, as in currentInput(\"Name\")")?), 1)),
            "triggerType" => {
                let kind = self.quoted_argument("triggerType(\"Message\") or triggerType(\"Timer\")")?;
                let message = kind.eq_ignore_ascii_case("Message");
                if !message && !kind.eq_ignore_ascii_case("Timer") {
                    return Err(start.fails(format!("there is no trigger `{kind}`: Message or Timer")));
                }
                Ok((Term::TriggerType { message }, 1))
            }
            "convert" => self.convert(),
            word => match Function::ALL.into_iter().find(|function| function.as_str() == word) {
                Some(function) => self.function(function),
                None => Err(start.fails(unknown(word))),
            },
        }
    }

    /// The only argument, a text that is not computed.
    fn quoted_argument(&mut self, what: &str) -> Result<SmolStr, SyntaxError> {
        self.cursor.expect("(")?;
        let start = self.cursor;
        let (argument, _) = self.nested(|parser| parser.binary(0))?;
        self.cursor.expect(")")?;
        if let Term::Constant(Scalar::Text(name)) = argument { Ok(name) } else { Err(start.expected(what)) }
    }

    fn convert(&mut self) -> Result<Sized, SyntaxError> {
        self.cursor.expect("(")?;
        self.cursor.skip_blanks();
        let start = self.cursor;
        let word = self.cursor.word();
        let to = Convert::ALL.into_iter().find(|to| to.as_str().eq_ignore_ascii_case(word));
        let to = to.ok_or_else(|| start.expected("String, Boolean or Decimal"))?;
        self.cursor.expect(",")?;
        let (inner, depth) = self.nested(|parser| parser.binary(0))?;
        self.cursor.expect(")")?;
        self.deeper(Term::Convert(to, Box::new(inner)), depth)
    }

    fn function(&mut self, function: Function) -> Result<Sized, SyntaxError> {
        self.cursor.expect("(")?;
        let (mut arguments, mut depth) = (Vec::new(), 0);
        for place in 0..function.arguments() {
            if place > 0 {
                self.cursor.expect(",")?;
            }
            let (argument, own) = self.nested(|parser| parser.binary(0))?;
            depth = depth.max(own);
            arguments.push(argument);
        }
        self.cursor.expect(")")?;
        self.deeper(Term::Call(function, arguments.into()), depth)
    }
}

fn unknown(word: &str) -> String {
    let own = ["timeout", "currentInput", "triggerType", "convert", "true", "false"];
    let known = own.into_iter().chain(Function::ALL.map(Function::as_str));
    let near = known.map(|known| (strsim::damerau_levenshtein(&known.to_ascii_lowercase(), &word.to_ascii_lowercase()), known)).min();
    let shown: String = word.chars().take(40).collect();
    match near.filter(|(distance, _)| *distance <= 2) {
        Some((_, known)) => format!("unknown word `{shown}`; did you mean `{known}`? A text stands in quotes"),
        None => format!("unknown word `{shown}`; a text stands in quotes, a payload is $input.<Input>.<path>"),
    }
}
