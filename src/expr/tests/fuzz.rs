//! Whatever comes through the door: no panic, no stack that overflows, and what passes the checker can be evaluated.

use std::cell::Cell;
use std::sync::Arc;

use crate::reading::{Quality, Timestamp};

use super::super::*;
use super::World;
use super::random::Random;
use super::world::{mixer, parse};

/// Compiling asks next to nothing of its caller's stack.
const COMPILING_STACK_BYTES: usize = 64 * 1024;
/// A quarter of what the threads of the runtime have; this is a debug build.
const EVALUATING_STACK_BYTES: usize = 512 * 1024;

/// More of them with EXPR_FUZZ_ROUNDS at compile time.
fn rounds() -> usize {
    option_env!("EXPR_FUZZ_ROUNDS").and_then(|rounds| rounds.parse().ok()).unwrap_or(2_000)
}

const SEEDS: [&str; 30] = [
    "temperature > params.hi && mode in ['RUN', \"CLEAN\"]",
    "children('Pump').count(p, p.temperature > 80) >= 2",
    "related('fedBy', 'Pump').sum(p, p.power) > quantity(3, 'kW')",
    "samples.filter(x, x > 2.5).map(y, y * 2)[1] + level",
    "orElse(previous(temperature), 20) - convert(outside, 'degC') > 3",
    "math.clamp(math.sqrt(level * -1.5e3), 0, 9223372036854775807)",
    "(running ? torque * speed : power * 1000) > 6",
    "now - timeOf(temperature) > duration('1h30m') || changed(speed)",
    "serial.matches(r'^MX-\\d+$') && serial.substring(1, 3).size() == 2",
    "{'at': now, \"list\": [1, 2.0, 'x'], 'nested': {'a': null}}",
    "has(config.limit) && config['limit'] > double(meta.floor)",
    "-(-(count)) % 3 + 7 / 2 - count * 0x1F",
    "!(!running) == !alarm.overheat",
    "now.getHours('Europe/Berlin') >= 6 && now.getDayOfWeek() != 0",
    "geo.distance(position, position) < 100 && geo.inside(position, site)",
    "timeout('run') && trigger == 'TIMER' && event('serviced')",
    "parent.power * 2 < power && ancestor('Area').setpoint > 3",
    "string(count) + mode + 'é\\u00e9\\n' + '''a\nb'''",
    "int(level * 1e300) > -9223372036854775807 - 1",
    "samples.exists_one(x, samples.exists(y, y < x)) || many.all(z, z < level)",
    "math.greatest([1, level, count]) > math.least(2, 3)",
    "twin.severity != 'MAJOR' && quality(drive.current) == 'GOOD'",
    "math.pow(quantity(2, 'm'), 3) / quantity(1, 'km^3')",
    "settings['low'] in [1.5, 2] || 'low' in settings",
    "((((((((level))))))))",
    "temperature + params.band - outside > quantity(3, 'deltaDegF')",
    "level == null || meta.a.b.c[3].d",
    "this.loop > 3 // a comment",
    "[[1, 2], [3]].map(l, l.size())",
    "serial.replace('0', serial, 2).contains(serial)",
];

const PIECES: [&str; 56] = [
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "'",
    "\"",
    "'''",
    "\\",
    "?",
    ":",
    ".",
    ",",
    "&&",
    "||",
    "!",
    "-",
    "+",
    "*",
    "/",
    "%",
    "==",
    "!=",
    "<",
    "<=",
    ">",
    ">=",
    " in ",
    "true",
    "null",
    "0",
    "1.5",
    "1e308",
    "9223372036854775807",
    "level",
    "temperature",
    "count",
    "serial",
    "mode",
    "samples",
    "many",
    "meta",
    "now",
    "p",
    "x",
    "é",
    "\u{0}",
    "r'",
    "size(",
    ".map(x, ",
    "children(",
    "quantity(",
    "string(",
    "\n",
    "//",
];

fn mutated(random: &mut Random) -> String {
    let mut text: Vec<u8> = random.one_of(&SEEDS).as_bytes().to_vec();
    for _ in 0..=random.below(4) {
        let at = random.below(text.len() + 1);
        match random.below(7) {
            0 => {
                text.splice(at..at, random.one_of(&PIECES).bytes());
            }
            1 => {
                let end = (at + random.below(6)).min(text.len());
                text.drain(at..end);
            }
            2 if !text.is_empty() => {
                let at = at.min(text.len() - 1);
                text[at] = random.below(256) as u8;
            }
            3 => {
                let piece = random.one_of(&PIECES).repeat(1 + random.below(80));
                text.splice(at..at, piece.bytes());
            }
            4 => {
                let other = random.one_of(&SEEDS).as_bytes();
                let from = random.below(other.len());
                text.splice(at..at, other[from..].iter().copied());
            }
            5 => {
                let (open, close) = *random.one_of(&[
                    ("(", ")"),
                    ("[", "]"),
                    ("{'a': ", "}"),
                    ("!(", ")"),
                    ("running ? 1 : (", ")"),
                    ("math.abs(", ")"),
                    ("[1].map(x, ", ")"),
                ]);
                let depth = 1 + random.below(70);
                text = [open.repeat(depth).as_bytes(), &text, close.repeat(depth).as_bytes()].concat();
            }
            _ => {
                let part: Vec<u8> = text[at.min(text.len())..].to_vec();
                text.extend(part);
            }
        }
    }
    String::from_utf8_lossy(&text).into_owned()
}

/// A mixer of which anything may be unknown, wrong or extreme.
fn strange(random: &mut Random) -> World {
    let mut world = World::usual();
    for value in world.values.values_mut() {
        let number = *random.one_of(&[0.0, -0.0, 1.0, -1.5, f64::MAX, f64::MIN_POSITIVE, f64::NAN, f64::INFINITY]);
        match random.below(10) {
            0 => *value = Err(random.one_of(&[Why::Missing, Why::Stale, Why::Bad]).to_owned().into()),
            1 => *value = Ok(Datum::Double(number)),
            2 => *value = Ok(Datum::Int(*random.one_of(&[0, -1, i64::MIN, i64::MAX]))),
            3 => *value = Ok(Datum::Text(Arc::from("é".repeat(random.below(9))))),
            4 => *value = Ok(Datum::Enum(random.below(9) as u16)),
            5 => *value = Ok(Datum::Json(Arc::new(serde_json::json!([1, "x", null, {"a": [true]}])))),
            _ => {}
        }
    }
    world
}

fn on_a_stack_of<T: Send + 'static>(bytes: usize, work: impl FnOnce() -> T + Send + 'static) -> T {
    std::thread::Builder::new().stack_size(bytes).spawn(work).unwrap().join().unwrap()
}

/// Told what is wrong, or compiled.
fn compiled(text: &str) -> Option<Checked> {
    match parse(text).and_then(|parsed| check(&parsed, &mut mixer(), Expect::Anything)) {
        Ok(checked) => Some(checked),
        Err(problems) => {
            assert!(!problems.is_empty(), "{text:?} is refused without a reason");
            for problem in problems {
                assert!(text.get(problem.span.clone()).is_some(), "{problem} is not within {text:?}");
            }
            None
        }
    }
}

/// Counts what is read of a world: a measure of the work done.
struct Counted<'a> {
    world: &'a World,
    reads: Cell<u64>,
}

impl Environment for Counted<'_> {
    fn read(&self, operand: Operand) -> Known<Datum> {
        self.reads.set(self.reads.get() + 1);
        self.world.read(operand)
    }

    fn previous(&self, operand: Operand) -> Known<Datum> {
        self.world.previous(operand)
    }

    fn is_changed(&self, operand: Operand) -> bool {
        self.world.is_changed(operand)
    }

    fn time_of(&self, operand: Operand) -> Option<Timestamp> {
        self.world.time_of(operand)
    }

    fn quality(&self, operand: Operand) -> Quality {
        self.world.quality(operand)
    }

    fn now(&self) -> Timestamp {
        self.world.now()
    }
}

fn evaluated(text: &str, random: &mut Random) -> bool {
    let Some(checked) = compiled(text) else { return false };
    for _ in 0..4 {
        let world = strange(random);
        let counted = Counted { world: &world, reads: Cell::new(0) };
        let value = checked.tree.evaluate(&counted);
        assert!(counted.reads.get() <= checked.cost, "{text:?} read {} times at a cost of {}", counted.reads.get(), checked.cost);
        if let Ok(Datum::Double(number)) = value {
            assert!(number.is_finite(), "{text:?} is {number}");
        }
        drop((checked.tree.is_true(&world), checked.tree.number(&world), checked.tree.to_json(&world), checked.evidence(&world)));
    }
    if let Ok(stay) = relaxed(&checked, &checked) {
        assert!(stay.tree.is_true(&World::usual()).is_ok() || checked.tree.is_true(&World::usual()).is_err(), "{text:?}");
    }
    true
}

#[test]
fn the_door_holds() {
    let accepted = on_a_stack_of(COMPILING_STACK_BYTES, || {
        let mut random = Random::new(4);
        (0..rounds()).filter(|_| compiled(&mutated(&mut random)).is_some()).count()
    });
    assert!(accepted > rounds() / 100, "of {} texts only {accepted} were expressions", rounds());
}

#[test]
fn what_is_accepted_can_be_evaluated() {
    let accepted = on_a_stack_of(EVALUATING_STACK_BYTES, || {
        let mut random = Random::new(5);
        (0..rounds())
            .filter(|_| {
                let text = mutated(&mut random);
                evaluated(&text, &mut random)
            })
            .count()
    });
    assert!(accepted > rounds() / 100, "of {} texts only {accepted} were expressions", rounds());
}

#[test]
fn seeds_are_expressions() {
    let refused: Vec<&&str> = SEEDS.iter().filter(|seed| !evaluated(seed, &mut Random::new(1))).collect();
    assert_eq!(refused, [&"level == null || meta.a.b.c[3].d"]);
}

/// The deepest that is let through, on a caller's small stack.
#[test]
fn depth_is_bounded_everywhere() {
    let deepest = |accepts: fn(&str) -> bool| {
        let wrap = |open: &str, core: &str, close: &str, depth: usize| format!("{}{core}{}", open.repeat(depth), close.repeat(depth));
        let mut accepted = 0;
        for depth in [1, 16, 31, 32, 33, 64, 200] {
            for (open, close) in [
                ("(", ")"),
                ("[", "]"),
                ("math.abs(", ")"),
                ("running ? 1.0 : (", ")"),
                ("!(", ")"),
                ("orElse(level, ", ")"),
                ("{'a': ", "}"),
                ("[1].map(x, ", ")"),
            ] {
                let core = if open == "!(" { "running" } else { "level" };
                accepted += usize::from(accepts(&wrap(open, core, close, depth)));
            }
            for (core, step) in
                [("level", " + level"), ("meta", ".a"), ("meta", "[0]"), ("serial", ".trim()"), ("count", " - 1"), ("level", " * level")]
            {
                accepted += usize::from(accepts(&format!("{core}{}", step.repeat(depth))));
            }
        }
        accepted
    };
    let compiled = on_a_stack_of(COMPILING_STACK_BYTES, move || deepest(|text| compiled(text).is_some()));
    let evaluated = on_a_stack_of(EVALUATING_STACK_BYTES, move || deepest(|text| evaluated(text, &mut Random::new(3))));
    assert!(compiled >= 40 && compiled == evaluated, "{compiled} {evaluated}");
}

#[test]
fn a_template_is_read_or_refused() {
    let compiler = Compiler::start().unwrap();
    let mut random = Random::new(9);
    for _ in 0..300 {
        let text = format!("a {{{}}} b {}", mutated(&mut random), random.one_of(&PIECES));
        match Template::compile(&text, &compiler, &mut mixer()) {
            Ok(template) => drop(template.render(&strange(&mut random))),
            Err(problems) => assert!(problems.iter().all(|problem| text.get(problem.span.clone()).is_some()), "{text:?}: {problems:?}"),
        }
    }
}
