//! What a row costs on each backend, and what a host adds: `cargo bench --bench model`. The models are those of the tests; without the library
//! of ONNX Runtime (`make onnxruntime`) its lines are left out.

#![expect(clippy::expect_used, clippy::print_stdout, clippy::disallowed_methods, reason = "a benchmark measures time and prints it")]

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant, SystemTime};

use pollux::model::backend::{Backends, Batch, Chosen, Kind, Loaded};
use pollux::model::host::{Config, Host, Key, Request, Urgency, Version};
use pollux::model::library::{self, Search};
use pollux::model::onnx::Model;
use pollux::model::tensor::{Data, Tensor};
use pollux::reading::{Now, Timestamp, TwinNo};

const BATCHES: [usize; 3] = [1, 32, 256];
const TWINS: u32 = 5000;
const ROUNDS: u32 = 10;
/// Each measurement takes about so long.
const MEASURED: Duration = Duration::from_millis(300);

struct Case {
    name: &'static str,
    dims: &'static [usize],
    kinds: &'static [Kind],
}

const CASES: &[Case] = &[
    Case { name: "ai4i_forest", dims: &[8], kinds: &[Kind::Ort, Kind::Trees] },
    Case { name: "ai4i_linear", dims: &[8], kinds: &[Kind::Ort, Kind::Trees] },
    Case { name: "fd001_dense", dims: &[30, 14], kinds: &[Kind::Ort, Kind::Tract] },
    Case { name: "fd001_lstm", dims: &[30, 14], kinds: &[Kind::Ort, Kind::Tract] },
];

fn main() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let variable = std::env::var_os("ORT_DYLIB_PATH").map(PathBuf::from);
    let library = library::open(&Search { variable, project: root.join(library::PROJECT_FOLDER), ..Search::default() });
    println!("{library}\n");
    let backends = Backends::new(&library);
    println!("µs a row {:>24} {:>8} {:>8} {:>8} {:>22}", "batch", BATCHES[0], BATCHES[1], BATCHES[2], "rows/s through a host");
    for case in CASES {
        let bytes = std::fs::read(root.join(format!("tests/models/{}.onnx", case.name))).expect("a model of the tests");
        let model = Arc::new(Model::read(bytes).expect("a model"));
        for backend in case.kinds.iter().filter_map(|kind| backends.get(*kind)) {
            let mut loaded = backend.load(&model).expect("it loads");
            let costs = BATCHES.map(|rows| format!("{:8.2}", row_micros(&mut *loaded, case, rows)));
            let through = through_a_host(case, &model, backend);
            println!("{:<14} {:<18} {} {through:>22.0}", case.name, backend.kind().as_str(), costs.join(" "));
        }
    }
}

fn batch(case: &Case, rows: usize) -> Batch {
    let dims: Vec<usize> = std::iter::once(rows).chain(case.dims.iter().copied()).collect();
    let width: usize = case.dims.iter().product();
    let numbers = (0..rows * width).map(|at| (at * 37 % 101) as f32).collect();
    let tensor = Tensor::new(dims, Data::F32(numbers)).expect("a tensor");
    Batch::new(vec![(Arc::from("x"), tensor)]).expect("a batch")
}

/// The best of several rounds.
fn row_micros(loaded: &mut dyn Loaded, case: &Case, rows: usize) -> f64 {
    let batch = batch(case, rows);
    loaded.run(&batch).expect("an answer");
    let mut best = f64::INFINITY;
    let started = Instant::now();
    while started.elapsed() < MEASURED {
        let round = Instant::now();
        let runs = 1 + 256 / rows;
        for _ in 0..runs {
            loaded.run(&batch).expect("an answer");
        }
        best = best.min(round.elapsed().as_secs_f64() * 1e6 / (runs * rows) as f64);
    }
    best
}

/// All twins ask, again and again as soon as they have their answers.
fn through_a_host(case: &Case, model: &Arc<Model>, backend: &Chosen) -> f64 {
    let version =
        Version { model: case.name.to_owned(), version: "1".to_owned(), sha256: model.sha256, backend: backend.kind(), library: None };
    let now: Now = Arc::new(|| {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Timestamp(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    });
    let config = Config { queue_max: TWINS as usize, queue_timeout: Duration::from_secs(600), ..Config::default() };
    let host = Host::start(version, config, Arc::clone(model), Arc::clone(backend), Arc::clone(&now));
    let row = batch(case, 1);
    let started = Instant::now();
    for _ in 0..ROUNDS {
        let (sender, receiver) = channel();
        for twin in 0..TWINS {
            let sender = sender.clone();
            let reply = Box::new(move |answer: pollux::model::host::Answer| {
                assert!(answer.rows.iter().all(Result::is_ok), "an answer without an error");
                sender.send(()).unwrap_or_default();
            });
            let urgency = Urgency::Twin(Key { twin: TwinNo(twin), attachment: 0 });
            host.submit(Request { urgency, batch: row.clone(), asked: now(), reply }).expect("room in the queue");
        }
        assert_eq!(receiver.iter().take(TWINS as usize).count(), TWINS as usize);
    }
    f64::from(TWINS * ROUNDS) / started.elapsed().as_secs_f64()
}
