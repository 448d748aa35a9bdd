//! Quantities as people write them (`12 L/min`), and kinds of quantity (`Temperature`).

use super::table::table;

/// The number and the text of the unit. `None` if it is not a number followed by a unit; the unit itself may still be unknown.
pub fn parse_quantity(text: &str) -> Option<(f64, &str)> {
    let text = text.trim();
    let (number, rest) = text.split_at(number_end(text));
    let value: f64 = number.parse().ok().filter(|value: &f64| value.is_finite())?;
    let unit = rest.trim_start();
    let spaced = unit.len() < rest.len();
    let begins_like_a_unit = unit.starts_with(|c: char| c.is_alphabetic() || matches!(c, '%' | '°')) || (spaced && unit.starts_with("1/"));
    begins_like_a_unit.then_some((value, unit))
}

/// Where a decimal number at the start of a text ends. `2eV` is 2 and `eV`, `2e3V` is 2000 and `V`.
fn number_end(text: &str) -> usize {
    let bytes = text.as_bytes();
    let digits = |from: usize| bytes[from.min(bytes.len())..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let sign = |at: usize| usize::from(matches!(bytes.get(at), Some(b'+' | b'-')));
    let mut end = sign(0);
    end += digits(end);
    if bytes.get(end) == Some(&b'.') {
        end += 1 + digits(end + 1);
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let first = end + 1 + sign(end + 1);
        if digits(first) > 0 {
            return first + digits(first);
        }
    }
    end
}

/// Whether some unit measures that kind.
pub fn is_quantity_kind(kind: &str) -> bool {
    quantity_kinds().any(|known| known == kind)
}

/// Every kind of quantity, once per unit that measures it.
pub fn quantity_kinds() -> impl Iterator<Item = &'static str> {
    table().units.iter().flat_map(|unit| unit.kinds())
}
