//! All features of a model together: one row of its tensors, and what was seen to make it.

use std::sync::Arc;

use super::code::{encode, time};
use super::pick::Picker;
use super::{Datum, From, Input, Layout, Source, Spec};
use crate::model::backend::Batch;
use crate::model::tensor::{Data, Dtype, Tensor};
use crate::reading::Timestamp;
use crate::reading::unit::Conversion;

#[derive(Debug, Clone)]
pub struct Pipeline {
    features: Vec<Spec>,
    inputs: Vec<Input>,
    /// From the unit of the member to that of the feature, by feature.
    conversions: Vec<Conversion>,
}

/// A row that can be run.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    pub batch: Batch,
    pub taken: Vec<Taken>,
}

/// What one feature was made of: its columns before they were scaled, one instant after the other, and when they were measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Taken {
    pub values: Vec<Datum>,
    /// Event times of the oldest and the newest reading; nothing if there was none.
    pub between: Option<(Timestamp, Timestamp)>,
}

/// A row that could not be built, with the reason: `MISSING current since …`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skip {
    /// The place of the feature.
    pub feature: usize,
    pub reason: String,
}

impl Pipeline {
    /// `conversions` that are not stated leave values as they are.
    pub fn new(features: Vec<Spec>, inputs: Vec<Input>, mut conversions: Vec<Conversion>) -> Pipeline {
        conversions.resize(features.len(), Conversion::IDENTITY);
        Pipeline { features, inputs, conversions }
    }

    pub fn features(&self) -> &[Spec] {
        &self.features
    }

    pub fn inputs(&self) -> &[Input] {
        &self.inputs
    }

    /// The row as of an instant: nothing newer is in it.
    pub fn row(&self, source: &dyn Source, at: Timestamp) -> Result<Row, Skip> {
        let mut taken = Vec::with_capacity(self.features.len());
        for (feature, spec) in self.features.iter().enumerate() {
            let one = self.take(source, feature, spec, at).map_err(|reason| Skip { feature, reason })?;
            taken.push(one);
        }
        let batch = self.batch(&taken)?;
        Ok(Row { batch, taken })
    }

    /// The tensors of what was taken, here or when a prediction is done again.
    pub fn batch(&self, taken: &[Taken]) -> Result<Batch, Skip> {
        let mut named = Vec::with_capacity(self.inputs.len());
        for input in &self.inputs {
            named.push((Arc::from(input.name.as_str()), self.tensor(input, taken)?));
        }
        Batch::new(named).map_err(|error| Skip { feature: 0, reason: error.to_string() })
    }

    fn take(&self, source: &dyn Source, feature: usize, spec: &Spec, at: Timestamp) -> Result<Taken, String> {
        let mut values = Vec::with_capacity(spec.width() * spec.steps());
        match &spec.from {
            From::Const(value) => values.push(Datum::Number(*value)),
            From::Time { what, is_cyclic, zone } => {
                let columns = time(*what, *is_cyclic, zone.as_deref(), at, source.started())
                    .map_err(|why| format!("MISSING {}: {why}", spec.name))?;
                values.extend(columns.into_iter().map(Datum::Number));
            }
            From::Param(property) => {
                let value = source.property(feature).ok_or_else(|| format!("MISSING {}: the twin has no `{property}`", spec.name))?;
                encode(&self.converted(feature, value), &spec.code, &mut values).map_err(|why| format!("UNKNOWN {}: {why}", spec.name))?;
            }
            From::Member | From::Expression(_) => {
                let picker = Picker { source, feature, spec, at, conversion: &self.conversions[feature] };
                let gap_max = spec.max_gap.or_else(|| source.staleness(feature));
                let steps = picker.pick().map_err(|gap| gap.reason(&spec.name, gap_max))?;
                let oldest = steps.iter().filter_map(|step| step.at).min();
                let newest = steps.iter().filter_map(|step| step.at).max();
                for step in steps {
                    encode(&step.value, &spec.code, &mut values).map_err(|why| format!("UNKNOWN {}: {why}", spec.name))?;
                }
                return Ok(Taken { values, between: oldest.zip(newest) });
            }
        }
        Ok(Taken { values, between: None })
    }

    fn converted(&self, feature: usize, value: Datum) -> Datum {
        match value {
            Datum::Number(number) => Datum::Number(self.conversions[feature].apply(number)),
            other @ (Datum::Bool(_) | Datum::Text(_)) => other,
        }
    }

    fn tensor(&self, input: &Input, taken: &[Taken]) -> Result<Tensor, Skip> {
        let first = input.from.first().copied().unwrap_or(0);
        let skip = |feature: usize, reason: String| Skip { feature, reason };
        let columns: Vec<(usize, usize)> = input.from.iter().map(|feature| (*feature, self.features[*feature].width())).collect();
        let steps = self.features.get(first).map_or(1, Spec::steps);
        let is_even = input.from.iter().all(|feature| self.features[*feature].steps() == steps);
        let mut cells: Vec<(usize, &Datum)> = Vec::new();
        let of = |feature: usize| taken.get(feature).map_or(&[][..], |taken| taken.values.as_slice());
        match (is_even, input.layout) {
            // Features of different lengths only stand one behind the other.
            (false, _) => cells.extend(columns.iter().flat_map(|(feature, _)| of(*feature).iter().map(|value| (*feature, value)))),
            (true, Layout::Steps) => {
                for step in 0..steps {
                    for (feature, width) in &columns {
                        cells.extend(of(*feature).iter().skip(step * width).take(*width).map(|value| (*feature, value)));
                    }
                }
            }
            (true, Layout::Channels) => {
                for (feature, width) in &columns {
                    for column in 0..*width {
                        cells.extend(of(*feature).iter().skip(column).step_by((*width).max(1)).map(|value| (*feature, value)));
                    }
                }
            }
        }
        let dims: Vec<usize> = std::iter::once(1).chain(input.dims.iter().copied()).collect();
        let data = if input.dtype == Dtype::Text {
            let texts = cells.iter().map(|(_, value)| match value {
                Datum::Text(text) => text.to_string(),
                Datum::Number(number) => number.to_string(),
                Datum::Bool(value) => value.to_string(),
            });
            Data::Text(texts.collect())
        } else {
            let mut numbers = Vec::with_capacity(cells.len());
            for (feature, value) in cells {
                let number = super::pick::number(value);
                let number =
                    number.ok_or_else(|| skip(feature, format!("UNKNOWN {}: {value} is no number", self.features[feature].name)))?;
                let scaled = self.features[feature].scale.map_or(number, |scale| scale.apply(number));
                // A whole number that was converted may have lost a hair.
                numbers.push(if input.dtype.is_whole() { scaled.round() } else { scaled });
            }
            // Doubles end here: only now is a value cut to what the tensor holds.
            Data::from_numbers(input.dtype, &numbers).ok_or_else(|| skip(first, format!("`{}` cannot be built", input.name)))?
        };
        Tensor::new(dims, data).map_err(|error| skip(first, format!("`{}`: {error}", input.name)))
    }
}
