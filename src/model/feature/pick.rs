//! Which of a member's readings a feature takes, as of one instant.

use std::ops::ControlFlow;
use std::time::Duration;

use super::stat::Window;
use super::{Datum, Method, Missing, Over, Pad, Pick, READINGS_MAX, Reading, Source, Spec};
use crate::reading::unit::Conversion;
use crate::reading::{Timestamp, format_duration};

/// One place of a feature: a value, or what stands for one.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Step {
    /// The instant of the reading; nothing if no reading stands behind it.
    pub(super) at: Option<Timestamp>,
    pub(super) value: Datum,
}

/// Why there is no value.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Gap {
    /// The last one known.
    pub(super) since: Option<Timestamp>,
    pub(super) detail: Option<String>,
}

pub(super) struct Picker<'s> {
    pub(super) source: &'s dyn Source,
    pub(super) feature: usize,
    pub(super) spec: &'s Spec,
    pub(super) at: Timestamp,
    /// From the unit of the member to that of the feature.
    pub(super) conversion: &'s Conversion,
}

impl Picker<'_> {
    pub(super) fn pick(&self) -> Result<Vec<Step>, Gap> {
        match self.spec.pick {
            Pick::Current => self.value_at(self.at).map(|step| vec![step]),
            Pick::Lag(lag) => self.value_at(self.at.minus(lag)).map(|step| vec![step]),
            Pick::Last { count, min, pad } => self.last(count, min, pad),
            Pick::Resample { step, count, method } => self.resample(step, count, method),
            Pick::Stat { stat, over } => {
                let (readings, carried) = self.window(over)?;
                let numbers: Vec<(Timestamp, f64)> =
                    readings.iter().filter_map(|reading| Some((reading.at, number(&reading.value)?))).collect();
                let begin = match over {
                    Over::Time(over) => Some(self.at.minus(over)),
                    Over::Readings(_) => None,
                };
                let carried_in = carried.as_ref().and_then(|reading| number(&reading.value));
                let window = Window { readings: &numbers, carried: carried_in, begin, end: self.at };
                match window.stat(stat) {
                    Some(value) => Ok(vec![Step { at: readings.last().map(|reading| reading.at), value: Datum::Number(value) }]),
                    None => self.substitute(carried.map(|reading| reading.at)).map(|step| vec![step]),
                }
            }
        }
    }

    fn gap_max(&self) -> Option<Duration> {
        self.spec.max_gap.or_else(|| self.source.staleness(self.feature))
    }

    /// So many readings are looked at. Where that is not enough, there is no value: one of a part of them would be wrong.
    fn visit(&self, until: Timestamp, each: &mut dyn FnMut(&Reading) -> ControlFlow<()>) -> Result<(), Gap> {
        let mut seen = 0;
        self.source.newest_first(self.feature, until, &mut |reading| {
            seen += 1;
            // A source that gives what was not asked for would leak the future.
            if seen > READINGS_MAX {
                return ControlFlow::Break(());
            }
            if reading.at > until || !reading.is_known() {
                return ControlFlow::Continue(());
            }
            match &reading.value {
                // Before anything is made of it: a deviation in °F is not one in °C plus an offset.
                Datum::Number(number) if !self.conversion.is_identity() => {
                    each(&Reading { value: Datum::Number(self.conversion.apply(*number)), ..reading.clone() })
                }
                Datum::Number(_) | Datum::Bool(_) | Datum::Text(_) => each(reading),
            }
        });
        if seen > READINGS_MAX {
            return Err(Gap { since: None, detail: Some(format!("more than {READINGS_MAX} readings to look at")) });
        }
        Ok(())
    }

    /// The value that held at an instant, by the policy for what is missing.
    fn value_at(&self, instant: Timestamp) -> Result<Step, Gap> {
        let (mut after, mut before): (Option<Reading>, Option<Reading>) = (None, None);
        self.visit(self.at, &mut |reading| {
            if reading.at > instant {
                after = Some(reading.clone());
                return ControlFlow::Continue(());
            }
            before = Some(reading.clone());
            ControlFlow::Break(())
        })?;
        self.between(instant, before.as_ref(), after.as_ref())
    }

    fn between(&self, instant: Timestamp, before: Option<&Reading>, after: Option<&Reading>) -> Result<Step, Gap> {
        let gap_max = self.gap_max();
        let is_within = |from: Timestamp, to: Timestamp| gap_max.is_none_or(|gap| to <= from.plus(gap));
        let Some(before) = before else { return self.substitute(None) };
        if before.at == instant {
            return Ok(Step { at: Some(before.at), value: before.value.clone() });
        }
        if self.spec.missing == Missing::Linear
            && let Some(after) = after.filter(|after| is_within(before.at, after.at))
            && let (Some(from), Some(to)) = (number(&before.value), number(&after.value))
        {
            let share = instant.micros_since(before.at) as f64 / after.at.micros_since(before.at) as f64;
            return Ok(Step { at: Some(before.at), value: Datum::Number(from + (to - from) * share) });
        }
        if is_within(before.at, instant) {
            return Ok(Step { at: Some(before.at), value: before.value.clone() });
        }
        self.substitute(Some(before.at))
    }

    fn substitute(&self, since: Option<Timestamp>) -> Result<Step, Gap> {
        match self.spec.missing {
            Missing::Value(value) | Missing::Mean(value) => Ok(Step { at: None, value: Datum::Number(value) }),
            Missing::Hold | Missing::Linear | Missing::Skip => Err(Gap { since, detail: None }),
        }
    }

    fn last(&self, count: usize, min: usize, pad: Pad) -> Result<Vec<Step>, Gap> {
        let mut steps: Vec<Step> = Vec::with_capacity(count);
        self.visit(self.at, &mut |reading| {
            steps.push(Step { at: Some(reading.at), value: reading.value.clone() });
            if steps.len() < count { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        let newest = steps.first().and_then(|step| step.at);
        let is_stale = newest.is_some_and(|newest| self.gap_max().is_some_and(|gap| self.at > newest.plus(gap)));
        if is_stale {
            return Err(Gap { since: newest, detail: None });
        }
        if steps.len() < min.max(1) {
            return Err(Gap { since: newest, detail: Some(format!("{} of {} readings", steps.len(), min.max(1))) });
        }
        steps.reverse();
        let oldest = steps.first().map_or(Datum::Number(0.0), |step| step.value.clone());
        let filler = match pad {
            Pad::Repeat => oldest,
            Pad::Zero => Datum::Number(0.0),
        };
        let padding = std::iter::repeat_n(Step { at: None, value: filler }, count.saturating_sub(steps.len()));
        Ok(padding.chain(steps).collect())
    }

    /// Lines of the grid lie on whole multiples of its step since 1970.
    fn resample(&self, step: Duration, count: usize, method: Method) -> Result<Vec<Step>, Gap> {
        let width = i64::try_from(step.as_micros()).unwrap_or(i64::MAX).max(1);
        let last = self.at.0.div_euclid(width).saturating_mul(width);
        let line = |at: usize| Timestamp(last).shifted(-width.saturating_mul(i64::try_from(count - 1 - at).unwrap_or(i64::MAX)));
        let begin = line(0).shifted(-width);
        let mut readings: Vec<Reading> = Vec::new();
        self.visit(self.at, &mut |reading| {
            readings.push(reading.clone());
            // One from before the grid holds at its beginning.
            if reading.at <= begin { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        readings.reverse();
        let mut steps = Vec::with_capacity(count);
        for instant in (0..count).map(line) {
            let split = readings.partition_point(|reading| reading.at <= instant);
            let inside = &readings[readings.partition_point(|reading| reading.at <= instant.shifted(-width))..split];
            let numbers: Vec<f64> = inside.iter().filter_map(|reading| number(&reading.value)).collect();
            if method == Method::Avg && !numbers.is_empty() {
                let mean = numbers.iter().sum::<f64>() / numbers.len() as f64;
                steps.push(Step { at: inside.last().map(|reading| reading.at), value: Datum::Number(mean) });
                continue;
            }
            let before = split.checked_sub(1).and_then(|at| readings.get(at));
            let step = if method == Method::Linear {
                let linear = Picker { spec: &Spec { missing: self.linear(), ..self.spec.clone() }, ..*self };
                linear.between(instant, before, readings.get(split))
            } else {
                self.between(instant, before, readings.get(split))
            };
            steps.push(step?);
        }
        Ok(steps)
    }

    /// Between known neighbours a line, whatever stands for what is missing elsewhere.
    fn linear(&self) -> Missing {
        match self.spec.missing {
            Missing::Hold | Missing::Linear => Missing::Linear,
            other @ (Missing::Value(_) | Missing::Mean(_) | Missing::Skip) => other,
        }
    }

    /// What lies in the window, oldest first, and the one before it.
    fn window(&self, over: Over) -> Result<(Vec<Reading>, Option<Reading>), Gap> {
        let (mut inside, mut carried) = (Vec::new(), None);
        self.visit(self.at, &mut |reading| {
            let is_inside = match over {
                Over::Time(over) => reading.at > self.at.minus(over),
                Over::Readings(count) => inside.len() < count,
            };
            if !is_inside {
                carried = Some(reading.clone());
                return ControlFlow::Break(());
            }
            inside.push(reading.clone());
            ControlFlow::Continue(())
        })?;
        inside.reverse();
        Ok((inside, carried))
    }
}

pub(super) fn number(value: &Datum) -> Option<f64> {
    match value {
        Datum::Number(number) => Some(*number),
        Datum::Bool(value) => Some(f64::from(u8::from(*value))),
        Datum::Text(_) => None,
    }
}

/// `MISSING current since 10:00, longer than PT30S`.
impl Gap {
    pub(super) fn reason(&self, name: &str, gap: Option<Duration>) -> String {
        let detail = self.detail.as_ref().map_or_else(String::new, |detail| format!(": {detail}"));
        match self.since {
            None if self.detail.is_some() => format!("MISSING {name}{detail}"),
            None => format!("MISSING {name}: nothing was ever received"),
            Some(since) => {
                let limit = gap.and_then(|gap| i64::try_from(gap.as_micros()).ok()).filter(|_| self.detail.is_none());
                let limit = limit.map_or_else(String::new, |micros| format!(", longer than {}", format_duration(micros)));
                format!("MISSING {name} since {since}{limit}{detail}")
            }
        }
    }
}
