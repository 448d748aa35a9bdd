//! One batch through a model so that a row that the model cannot take fails alone.

use crate::model::backend::{Batch, Loaded, Outputs, RunError};
use crate::model::tensor::Data;

/// Runs for one batch, however many rows of it fail.
pub const RUNS_MAX: usize = 8;

/// What came of each row, in their order.
pub(super) type Rows = Vec<Result<Outputs, RunError>>;

/// `checked` are the outputs that must be numbers; none named means all.
pub(super) fn run_rows(loaded: &mut dyn Loaded, batch: &Batch, rows_max: usize, checked: &[String]) -> Rows {
    let mut rows = Vec::with_capacity(batch.rows);
    for first in (0..batch.rows).step_by(rows_max.max(1)) {
        let mut runner = Runner { loaded, checked, runs: 0 };
        if batch.rows <= rows_max {
            runner.run(batch, &mut rows);
        } else {
            runner.run(&batch.slice(first, rows_max), &mut rows);
        }
    }
    rows
}

struct Runner<'a> {
    loaded: &'a mut dyn Loaded,
    checked: &'a [String],
    runs: usize,
}

impl Runner<'_> {
    fn run(&mut self, batch: &Batch, rows: &mut Rows) {
        match self.once(batch) {
            Ok(outputs) => self.scatter(&outputs, batch.rows, rows),
            Err(error) => self.search(batch, &error, rows),
        }
    }

    fn once(&mut self, batch: &Batch) -> Result<Outputs, RunError> {
        self.runs += 1;
        let outputs = self.loaded.run(batch)?;
        outputs.check_rows(batch.rows)?;
        Ok(outputs)
    }

    /// A batch that failed, in halves. If the first goes through, the fault is in the second, which need not be run to know it.
    fn search(&mut self, batch: &Batch, error: &RunError, rows: &mut Rows) {
        // What was stopped took too long, and would again.
        let is_final = matches!(error, RunError::Stopped) || batch.rows <= 1 || self.runs >= RUNS_MAX;
        if is_final {
            rows.extend(std::iter::repeat_n(Err(error.clone()), batch.rows));
            return;
        }
        let half = batch.rows / 2;
        let (first, second) = (batch.slice(0, half), batch.slice(half, batch.rows - half));
        match self.once(&first) {
            Ok(outputs) => {
                self.scatter(&outputs, first.rows, rows);
                if second.rows == 1 {
                    rows.push(Err(error.clone()));
                } else {
                    self.search(&second, error, rows);
                }
            }
            Err(of_first) => {
                self.search(&first, &of_first, rows);
                if self.runs >= RUNS_MAX || matches!(of_first, RunError::Stopped) {
                    rows.extend(std::iter::repeat_n(Err(of_first), second.rows));
                } else {
                    self.run(&second, rows);
                }
            }
        }
    }

    fn scatter(&self, outputs: &Outputs, count: usize, rows: &mut Rows) {
        for at in 0..count {
            let row = outputs.slice(at, 1);
            let bad = row.tensors.iter().find(|(name, tensor)| {
                let is_checked = self.checked.is_empty() || self.checked.iter().any(|own| **own == **name);
                is_checked && !is_finite(tensor.data())
            });
            rows.push(match bad {
                None => Ok(row),
                Some((name, _)) => Err(RunError::NotANumber { output: name.to_string() }),
            });
        }
    }
}

fn is_finite(data: &Data) -> bool {
    match data {
        Data::F16(elements) => elements.iter().all(|element| element.is_finite()),
        Data::F32(elements) => elements.iter().all(|element| element.is_finite()),
        Data::F64(elements) => elements.iter().all(|element| element.is_finite()),
        Data::Bool(_)
        | Data::I8(_)
        | Data::U8(_)
        | Data::I16(_)
        | Data::U16(_)
        | Data::I32(_)
        | Data::U32(_)
        | Data::I64(_)
        | Data::U64(_) => true,
        Data::Text(_) => true,
    }
}
