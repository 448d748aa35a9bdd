//! Texts that nobody should write: each is refused in words, at a character, and none takes the stack.

use super::super::{DEPTH_MAX, EXPRESSION_BYTES_MAX, NESTING_MAX, Outcome, Term, Value, evaluate, parse, parse_path};
use super::world;

#[test]
fn refused_with_a_reason() {
    for (text, message) in [
        ("", "expected a value, found the end, at character 1"),
        ("1 +", "expected a value, found the end, at character 4"),
        ("1 2", "expected an operator or the end, found `2`, at character 3"),
        ("(1", "expected `)`, found the end, at character 3"),
        ("'abc", "the text is not closed by ', at character 2"),
        ("'a ${1'", "expected `}`, found `'`, at character 7"),
        ("temperature > 5", "unknown word `temperature`; a text stands in quotes, a payload is $input.<Input>.<path>, at character 1"),
        ("isNul($input.In.i)", "unknown word `isNul`; did you mean `isNull`? A text stands in quotes, at character 1"),
        ("$inputs.x", "expected `input.<Input>.<path>` or `variable.<name>` after `$`, found `inputs.x`, at character 2"),
        ("$input.In.1x", "expected a name; one that is not letters, digits and `_` stands in back-ticks, found `1x`, at character 11"),
        ("$input.In.`x", "expected a name in back-ticks, found ``x`, at character 11"),
        ("$input.In.l[x]", "expected the number of an item, as in `[0]`, found `[x]`, at character 12"),
        ("12x", "`12x` is not a number: write 12 or 12.5, at most 9223372036854775807 as a whole number, at character 1"),
        (
            "99999999999999999999",
            "`99999999999999999999` is not a number: write 12 or 12.5, at most 9223372036854775807 as a whole number, at character 1",
        ),
        ("triggerType('Msg')", "there is no trigger `Msg`: Message or Timer, at character 1"),
        ("timeout($variable.n)", "expected a timer, as in timeout(\"t\"), found `$variable.n)`, at character 9"),
        ("convert(Integer, 1)", "expected String, Boolean or Decimal, found `Integer, 1)`, at character 9"),
        ("ä > 1", "expected a value, found `ä > 1`, at character 1"),
        ("a = b", "unknown word `a`; a text stands in quotes, a payload is $input.<Input>.<path>, at character 1"),
    ] {
        assert_eq!(parse(text).unwrap_err().to_string(), message, "{text}");
    }
    assert!(parse_path("a.b[0].`c d`").is_ok());
    assert!(parse_path("a b").is_err() && parse_path("").is_err());
}

#[test]
fn too_long_too_nested_too_deep() {
    let long = format!("'{}'", "x".repeat(EXPRESSION_BYTES_MAX - 2));
    assert!(parse(&long).is_ok() && parse(&format!("{long} ")).is_err());
    let nested = |levels: usize| format!("{}1{}", "(".repeat(levels), ")".repeat(levels));
    assert!(parse(&nested(NESTING_MAX)).is_ok() && parse(&nested(NESTING_MAX + 1)).is_err());
    for opening in ["(", "!", "-", "isNull(", "'${", "timeout(", "1 || 1 && 1 | 1 ^ 1 & 1 == 1 < 1 + 1 * ("] {
        let text: String = opening.repeat(EXPRESSION_BYTES_MAX / opening.len());
        assert!(parse(&text).is_err(), "{opening}");
    }
    let chain = |operators: usize| format!("1{}", "+1".repeat(operators));
    assert!(parse(&chain(DEPTH_MAX - 1)).is_ok() && parse(&chain(DEPTH_MAX)).is_err());
}

/// The deepest terms there are, read, evaluated, written and dropped on a thread with a small stack.
#[test]
fn a_small_stack_is_enough() {
    let work = || {
        let tight = "1 || 1 && 1 | 1 ^ 1 & 1 == 1 < 1 + 1 * (";
        let nested = format!("{}1{}", tight.repeat(NESTING_MAX), ")".repeat(NESTING_MAX));
        let texts = [format!("1{}", "+1".repeat(DEPTH_MAX - 1)), format!("{}true", "!".repeat(NESTING_MAX)), nested];
        for text in texts {
            let Ok(term) = parse(&text) else { continue };
            let _ = evaluate(&term, &world());
            assert!(!term.to_string().is_empty() && term.references().is_empty());
        }
        assert!(parse(&tight.repeat(100)).is_err());
    };
    std::thread::Builder::new().stack_size(512 * 1024).spawn(work).unwrap().join().unwrap();
}

/// A variable that is set to twice itself comes to an end.
#[test]
fn texts_do_not_grow_without_end() {
    for text in ["$variable.s + $variable.s", "'${$variable.s}${$variable.s}'"] {
        let (term, mut world) = (parse(text).unwrap(), world());
        let mut rounds = 0;
        while let Some(value) = evaluate(&term, &world).known().and_then(Value::into_scalar) {
            world.variables.insert("s".to_owned(), value);
            rounds += 1;
            assert!(rounds < 30);
        }
        assert_eq!((rounds, evaluate(&term, &world)), (15, Outcome::Invalid));
    }
}

pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn next(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % (below.max(1) as u64)).unwrap()
    }
}

pub(super) const SAMPLES: [&str; 9] = [
    "$input.IoTImlPumpData.FT01 > 200 && $variable.high_temperature_timer_state == 0",
    "isNull($input.TemperatureInput.sensorData.temperature)==false",
    "triggerType(\"Message\") && ($input.In.i / 2 != 3 || !(timeout('t')))",
    "'{\"a\": \"${$input.In.t}\", \"b\": ${convert(String, 1.5)}}'",
    "$input.In.list[1].deep + -$variable.n * 1e3",
    "convert(Boolean, 'true') == contains(\"a\", 'b') || bitxor(1, ~2) < 3 ^ 4 & 5 | 6",
    "$input.`In`.`motor id` + 'it\\'s' + \"q\\\"\"",
    "currentInput(\"In\") && startsWith($input.In.t, 'te')",
    "$variable.threshold != $variable.threshold",
];

/// Bytes are changed, doubled, cut and swapped: whatever comes of it is refused or evaluated, and what parses is written back the same.
#[test]
fn mutations() {
    let (mut random, world, mut parsed) = (Random(0x5eed_1234_abcd_0001), world(), 0);
    let letters = b"$input.variable`'\"${}()[]!~-+*/<>=&|^ 019.eE\\,timeout\xc3\xa4\0";
    for round in 0..20_000 {
        let mut bytes = SAMPLES[random.next(SAMPLES.len())].as_bytes().to_vec();
        for _ in 0..=random.next(4) {
            let at = random.next(bytes.len());
            match random.next(4) {
                0 => bytes[at] = letters[random.next(letters.len())],
                1 => bytes.insert(at, letters[random.next(letters.len())]),
                2 => drop(bytes.remove(at)),
                _ => bytes.extend_from_within(at..),
            }
            if bytes.is_empty() {
                bytes.push(b'1');
            }
        }
        let text = String::from_utf8_lossy(&bytes);
        let Ok(term) = parse(&text) else { continue };
        parsed += 1;
        let outcome = evaluate(&term, &world);
        let again: Term = parse(&term.to_string()).unwrap_or_else(|error| panic!("round {round}: {text} became {term}: {error}"));
        assert_eq!(again, term, "round {round}: {text}");
        assert_eq!(evaluate(&again, &world), outcome);
    }
    assert!(parsed > 1000, "only {parsed} parsed");
}
