//! Twins that stand side by side in an answer.

use std::sync::Arc;

use crate::reading::TwinNo;

#[derive(Debug)]
pub struct Cohort {
    twins: Box<[TwinNo]>,
}

impl Cohort {
    pub fn of(twins: impl IntoIterator<Item = TwinNo>) -> Arc<Cohort> {
        Arc::new(Cohort { twins: twins.into_iter().collect() })
    }

    pub fn twins(&self) -> &[TwinNo] {
        &self.twins
    }
}
