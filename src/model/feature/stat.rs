//! Aggregates of the readings of a window.

use super::Stat;
use crate::reading::Timestamp;

/// Readings in the order of their time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window<'r> {
    pub(super) readings: &'r [(Timestamp, f64)],
    /// The value that held when the window began.
    pub(super) carried: Option<f64>,
    /// Of a window of time.
    pub(super) begin: Option<Timestamp>,
    pub(super) end: Timestamp,
}

impl Window<'_> {
    /// `None` if there is nothing to tell it from.
    pub(super) fn stat(&self, stat: Stat) -> Option<f64> {
        let count = self.readings.len();
        let values = || self.readings.iter().map(|(_, value)| *value);
        let some = |value: f64| (count > 0).then_some(value);
        let mean = || values().sum::<f64>() / count as f64;
        match stat {
            Stat::Count => Some(count as f64),
            Stat::TimeAvg => self.time_average(),
            Stat::Avg => some(mean()),
            Stat::Min => values().reduce(f64::min),
            Stat::Max => values().reduce(f64::max),
            Stat::Std => {
                let mean = mean();
                some((values().map(|value| (value - mean).powi(2)).sum::<f64>() / count as f64).sqrt())
            }
            Stat::Rms => some((values().map(|value| value * value).sum::<f64>() / count as f64).sqrt()),
            Stat::Slope => self.slope(),
            Stat::Delta => Some(values().next_back()? - values().next()?),
            Stat::First => values().next(),
            Stat::Last => values().next_back(),
            Stat::Quantile(share) => {
                let mut sorted: Vec<f64> = values().collect();
                sorted.sort_by(f64::total_cmp);
                let rank = (share * count as f64).ceil() as usize;
                sorted.get(rank.max(1) - 1).copied()
            }
        }
    }

    /// Least squares, per second. One instant has no slope.
    fn slope(&self) -> Option<f64> {
        let (first, _) = self.readings.first()?;
        let seconds = |at: Timestamp| at.micros_since(*first) as f64 / 1e6;
        let count = self.readings.len() as f64;
        let mean_t = self.readings.iter().map(|(at, _)| seconds(*at)).sum::<f64>() / count;
        let mean_x = self.readings.iter().map(|(_, value)| value).sum::<f64>() / count;
        let (mut products, mut squares) = (0.0, 0.0);
        for (at, value) in self.readings {
            let t = seconds(*at) - mean_t;
            products += t * (value - mean_x);
            squares += t * t;
        }
        (squares > 0.0).then(|| products / squares)
    }

    /// Each value until the next one; time before the first is left out unless a value was carried in.
    fn time_average(&self) -> Option<f64> {
        let carried = self.carried.zip(self.begin).map(|(value, begin)| (begin, value));
        let held: Vec<(Timestamp, f64)> = carried.into_iter().chain(self.readings.iter().copied()).collect();
        let (mut sum, mut time) = (0.0, 0.0);
        for (at, (since, value)) in held.iter().enumerate() {
            let until = held.get(at + 1).map_or(self.end, |(next, _)| *next);
            let micros = until.micros_since(*since) as f64;
            sum += value * micros;
            time += micros;
        }
        // A reading at the very end has held for no time yet.
        if time > 0.0 { Some(sum / time) } else { held.last().map(|(_, value)| *value) }
    }
}
