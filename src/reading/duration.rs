//! Lengths of time as text: `250ms`, `15s`, `5m`, `2h`, `7d`, or ISO 8601 without years and months, which have no fixed length.

use std::time::Duration;

const MICROS_PER_SECOND: u64 = 1_000_000;
const SHORT: [(&str, u64); 6] = [
    ("us", 1),
    ("ms", 1000),
    ("s", MICROS_PER_SECOND),
    ("m", 60 * MICROS_PER_SECOND),
    ("h", 3600 * MICROS_PER_SECOND),
    ("d", 86_400 * MICROS_PER_SECOND),
];
/// Designators in the order in which ISO 8601 has them: before the `T`, and after it.
const ISO_DATE: [(char, u64); 2] = [('W', 7 * 86_400 * MICROS_PER_SECOND), ('D', 86_400 * MICROS_PER_SECOND)];
const ISO_TIME: [(char, u64); 3] = [('H', 3600 * MICROS_PER_SECOND), ('M', 60 * MICROS_PER_SECOND), ('S', MICROS_PER_SECOND)];

/// `None` if it is none of the forms, is negative, or exceeds 292,000 years.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let micros = match text.strip_prefix('P') {
        Some(rest) => iso(rest)?,
        None => short(text)?,
    };
    i64::try_from(micros).ok().map(|_| Duration::from_micros(micros))
}

/// Microseconds as ISO 8601: `PT10S`, `P1DT2H`, `-PT0.25S`.
pub fn format_duration(micros: i64) -> String {
    let total = micros.unsigned_abs();
    let [days, hours, minutes] = [ISO_DATE[1].1, ISO_TIME[0].1, ISO_TIME[1].1];
    let part = |count: u64, designator: char| if count > 0 { format!("{count}{designator}") } else { String::new() };
    let micros_left = total % minutes;
    let seconds = match (micros_left % MICROS_PER_SECOND, micros_left / MICROS_PER_SECOND) {
        (0, whole) => part(whole, 'S'),
        (fraction, whole) => format!("{whole}.{}S", format!("{fraction:06}").trim_end_matches('0')),
    };
    let date = part(total / days, 'D');
    let time = part(total % days / hours, 'H') + &part(total % hours / minutes, 'M') + &seconds;
    let sign = if micros < 0 { "-" } else { "" };
    match (date.is_empty(), time.is_empty()) {
        (true, true) => "PT0S".to_owned(),
        (false, true) => format!("{sign}P{date}"),
        (_, false) => format!("{sign}P{date}T{time}"),
    }
}

fn short(text: &str) -> Option<u64> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let (number, unit) = text.split_at(end);
    let (_, size) = SHORT.iter().find(|(symbol, _)| *symbol == unit)?;
    scaled(number, *size)
}

fn iso(text: &str) -> Option<u64> {
    let (date, time) = match text.split_once('T') {
        Some((_, "")) => return None,
        Some((date, time)) => (date, time),
        None => (text, ""),
    };
    if date.is_empty() && time.is_empty() {
        return None;
    }
    section(date, &ISO_DATE)?.checked_add(section(time, &ISO_TIME)?)
}

/// Numbers with designators, each at most once and in order.
fn section(text: &str, designators: &[(char, u64)]) -> Option<u64> {
    let (mut rest, mut allowed, mut sum) = (text, designators, 0u64);
    while !rest.is_empty() {
        let end = rest.find(|c: char| c.is_ascii_uppercase())?;
        let designator = rest[end..].chars().next()?;
        let place = allowed.iter().position(|(own, _)| *own == designator)?;
        sum = sum.checked_add(scaled(&rest[..end], allowed[place].1)?)?;
        allowed = &allowed[place + 1..];
        rest = &rest[end + 1..];
    }
    Some(sum)
}

/// A decimal number of a size, rounded to the microsecond, without passing through a double.
fn scaled(number: &str, size: u64) -> Option<u64> {
    let (whole, fraction) = number.split_once(['.', ',']).unwrap_or((number, "0"));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(whole) || !is_number(fraction) {
        return None;
    }
    let fraction = &fraction[..fraction.len().min(12)];
    let scale = 10u128.pow(u32::try_from(fraction.len()).ok()?);
    let part = (fraction.parse::<u128>().ok()? * u128::from(size) + scale / 2) / scale;
    whole.parse::<u64>().ok()?.checked_mul(size)?.checked_add(u64::try_from(part).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts() {
        for (text, micros) in [
            ("250ms", 250_000),
            ("15s", 15_000_000),
            ("5m", 300_000_000),
            ("2h", 7_200_000_000),
            ("7d", 604_800_000_000),
            ("0.5s", 500_000),
            ("0s", 0),
            ("PT10S", 10_000_000),
            ("P1DT2H", 93_600_000_000),
            ("PT0.25S", 250_000),
            ("P2W", 1_209_600_000_000),
            ("PT1M1.000001S", 61_000_001),
        ] {
            assert_eq!(parse_duration(text), Some(Duration::from_micros(micros)), "{text}");
        }
        for text in
            ["", "5", "s", "5 s", "-5s", "1.s", "P", "PT", "P1Y", "P1M", "PT1S1M", "PT1", "1e3s", "99999999999999999999d", "P1DT", "µs"]
        {
            assert_eq!(parse_duration(text), None, "{text}");
        }
    }

    #[test]
    fn written_durations_are_read_back() {
        for (micros, text) in
            [(0, "PT0S"), (10_000_000, "PT10S"), (93_600_000_000, "P1DT2H"), (-250_000, "-PT0.25S"), (86_400_000_000, "P1D")]
        {
            assert_eq!(format_duration(micros), text);
            let read = parse_duration(text.trim_start_matches('-')).map(|read| read.as_micros());
            assert_eq!(read, Some(u128::from(micros.unsigned_abs())));
        }
    }
}
