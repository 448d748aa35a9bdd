//! The tests' tool: a backend that does what a script says, run by run. It sums each row and can fail, hang, panic or wait to be let go.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use parking_lot::Mutex;

use super::{Backend, Batch, Kind, LoadError, Loaded, Outputs, Refusal, RunError, Stopper};
use crate::model::onnx::Model;
use crate::model::tensor::{Data, Tensor};

/// What one run does. Without a script all runs answer.
#[derive(Debug)]
pub enum Act {
    Answer,
    /// Answers once it is let go.
    Wait(Receiver<()>),
    Fail(String),
    /// Comes back only when it is stopped.
    Hang,
    /// Does not come back even then, until it is let go.
    Stuck(Receiver<()>),
    Panic,
}

#[derive(Debug, Default)]
struct Script {
    acts: VecDeque<Act>,
    /// Whatever the act is, a batch with this number in it fails.
    poison: Option<f32>,
    /// The rows of each run so far.
    runs: Vec<usize>,
    loads: usize,
    fails_to_load: Option<String>,
    /// The next load waits until this is let go.
    slow_to_load: Option<Receiver<()>>,
    /// Who is told when a run begins.
    watchers: Vec<Sender<usize>>,
}

#[derive(Debug, Clone, Default)]
pub struct Fake {
    script: Arc<Mutex<Script>>,
}

struct FakeModel {
    script: Arc<Mutex<Script>>,
    stop: Sender<()>,
    stopped: Receiver<()>,
}

impl Fake {
    pub fn new(acts: impl IntoIterator<Item = Act>) -> Fake {
        let fake = Fake::default();
        fake.script.lock().acts.extend(acts);
        fake
    }

    pub fn then(&self, act: Act) {
        self.script.lock().acts.push_back(act);
    }

    pub fn poison(&self, number: Option<f32>) {
        self.script.lock().poison = number;
    }

    pub fn fail_to_load(&self, why: Option<&str>) {
        self.script.lock().fails_to_load = why.map(str::to_owned);
    }

    pub fn hold_load(&self, gate: Receiver<()>) {
        self.script.lock().slow_to_load = Some(gate);
    }

    pub fn runs(&self) -> Vec<usize> {
        self.script.lock().runs.clone()
    }

    pub fn loads(&self) -> usize {
        self.script.lock().loads
    }

    /// Hears of the rows of each run as it begins.
    pub fn watch(&self) -> Receiver<usize> {
        let (sender, receiver) = channel();
        self.script.lock().watchers.push(sender);
        receiver
    }
}

impl Backend for Fake {
    fn kind(&self) -> Kind {
        Kind::Fake
    }

    fn refuses(&self, _model: &Model) -> Vec<Refusal> {
        Vec::new()
    }

    fn load(&self, _model: &Model) -> Result<Box<dyn Loaded>, LoadError> {
        let gate = self.script.lock().slow_to_load.take();
        if let Some(gate) = gate {
            gate.recv().unwrap_or_default();
        }
        let mut script = self.script.lock();
        script.loads += 1;
        if let Some(why) = &script.fails_to_load {
            return Err(LoadError::Refused(why.clone()));
        }
        let (stop, stopped) = channel();
        Ok(Box::new(FakeModel { script: Arc::clone(&self.script), stop, stopped }))
    }
}

impl Loaded for FakeModel {
    fn run(&mut self, batch: &Batch) -> Result<Outputs, RunError> {
        let (act, poison) = {
            let mut script = self.script.lock();
            script.runs.push(batch.rows);
            script.watchers.retain(|watcher| watcher.send(batch.rows).is_ok());
            (script.acts.pop_front().unwrap_or(Act::Answer), script.poison)
        };
        match act {
            Act::Answer => {}
            // Whoever holds the other end lets go by dropping it as well.
            Act::Wait(gate) | Act::Stuck(gate) => gate.recv().unwrap_or_default(),
            Act::Fail(why) => return Err(RunError::Failed(why)),
            Act::Hang => {
                self.stopped.recv().unwrap_or_default();
                return Err(RunError::Stopped);
            }
            #[expect(clippy::panic, reason = "that is what this act is for")]
            Act::Panic => panic!("the script says so"),
        }
        let sums = row_sums(batch);
        let numbers = || batch.inputs.iter().flat_map(|(_, tensor)| (0..tensor.data().len()).filter_map(|at| tensor.data().number(at)));
        if poison.is_some_and(|poison| numbers().any(|number| number == f64::from(poison))) {
            return Err(RunError::Failed("poison".to_owned()));
        }
        let tensor = Tensor::new(vec![batch.rows, 1], Data::F32(sums)).map_err(|error| RunError::Failed(error.to_string()))?;
        Ok(Outputs { tensors: vec![("y".into(), tensor)] })
    }

    fn stopper(&self) -> Option<Stopper> {
        let stop = Mutex::new(self.stop.clone());
        // Nobody hears it once the model is gone.
        Some(Arc::new(move || stop.lock().send(()).unwrap_or_default()))
    }
}

fn row_sums(batch: &Batch) -> Vec<f32> {
    let row = |at: usize| {
        batch.inputs.iter().map(move |(_, tensor)| {
            let width = tensor.width();
            (0..width).filter_map(|column| tensor.data().number(at * width + column)).sum::<f64>()
        })
    };
    (0..batch.rows).map(|at| row(at).sum::<f64>() as f32).collect()
}
