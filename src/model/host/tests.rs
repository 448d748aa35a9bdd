//! A host with a backend that does as it is told and a clock that stands until it is turned.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};

use super::*;
use crate::model::backend::fake::{Act, Fake};
use crate::model::backend::{Batch, Kind, Outputs};
use crate::model::testing;
use crate::reading::TwinNo;

/// Far above what anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

struct World {
    host: Host,
    fake: Fake,
    clock: Arc<AtomicI64>,
    runs: Receiver<usize>,
}

type Rows = Vec<Result<Outputs, RunError>>;

fn world(config: Config, acts: impl IntoIterator<Item = Act>) -> World {
    let fake = Fake::new(acts);
    let (clock, runs) = (Arc::new(AtomicI64::new(0)), fake.watch());
    let own = Arc::clone(&clock);
    let now: Now = Arc::new(move || Timestamp(own.load(Ordering::SeqCst)));
    let version = Version { model: "sum".to_owned(), version: "3".to_owned(), sha256: [7; 32], backend: Kind::Fake, library: None };
    let host = Host::start(version, config, Arc::new(testing::model("sum")), Arc::new(fake.clone()), now);
    World { host, fake, clock, runs }
}

/// A gate, and what opens it.
fn gate() -> (Sender<()>, Receiver<()>) {
    channel()
}

impl World {
    fn ask(&self, urgency: Urgency, batch: Batch) -> Receiver<Answer> {
        let (sender, receiver) = channel();
        let reply: Reply = Box::new(move |answer| sender.send(answer).unwrap_or_default());
        let asked = Timestamp(self.clock.load(Ordering::SeqCst));
        if let Err(refused) = self.host.submit(Request { urgency, batch, asked, reply }) {
            let NotTaken { request, error } = *refused;
            request.refuse(self.host.version(), asked, &error);
        }
        receiver
    }

    fn twin(&self, twin: u32, row: [f32; 3]) -> Receiver<Answer> {
        self.ask(Urgency::Twin(Key { twin: TwinNo(twin), attachment: 0 }), testing::batch("x", &[1, 3], row.to_vec()))
    }

    fn scoring(&self, rows: &[[f32; 3]]) -> Receiver<Answer> {
        self.ask(Urgency::Scoring, testing::batch("x", &[rows.len(), 3], rows.concat()))
    }

    fn advance(&self, time: Duration) {
        self.clock.fetch_add(i64::try_from(time.as_micros()).expect("a time"), Ordering::SeqCst);
    }

    /// Until the next run has begun; how many rows it has.
    fn begins(&self) -> usize {
        self.runs.recv_timeout(PATIENCE).expect("a run")
    }
}

fn answer(receiver: &Receiver<Answer>) -> Answer {
    receiver.recv_timeout(PATIENCE).expect("an answer")
}

/// The sums of the rows, or what went wrong.
fn shown(rows: &Rows) -> Vec<Result<f64, String>> {
    let sum = |outputs: &Outputs| outputs.get("y").and_then(|tensor| tensor.data().number(0)).expect("a sum");
    rows.iter().map(|row| row.as_ref().map(sum).map_err(RunError::to_string)).collect()
}

fn sum(receiver: &Receiver<Answer>) -> Result<f64, String> {
    shown(&answer(receiver).rows).remove(0)
}

#[test]
fn a_lone_request_is_not_held_back() {
    let world = world(Config::default(), []);
    let answer = answer(&world.twin(1, [1.0, 2.0, 3.5]));
    assert_eq!(shown(&answer.rows), [Ok(6.5)]);
    assert_eq!(answer.run.map(|run| (run.rows, run.position)), Some((1, 0)));
    assert_eq!((answer.version.model.as_str(), answer.version.version.as_str()), ("sum", "3"));
}

#[test]
fn what_waits_becomes_a_batch_and_each_gets_its_own_row() {
    let (open, gate) = gate();
    let world = world(Config { max_batch: 4, ..Config::default() }, [Act::Wait(gate)]);
    let first = world.twin(0, [0.0; 3]);
    assert_eq!(world.begins(), 1);
    let others: Vec<_> = (1..=10).map(|twin| world.twin(twin, [twin as f32, 0.5, 0.0])).collect();
    assert_eq!(world.host.observe().queued, 10);
    drop(open);
    assert_eq!(sum(&first), Ok(0.0));
    for (twin, other) in (1..).zip(&others) {
        let answer = answer(other);
        assert_eq!(shown(&answer.rows), [Ok(f64::from(twin) + 0.5)]);
        assert_eq!(answer.run.map(|run| run.position), Some((twin as usize - 1) % 4));
    }
    assert_eq!(world.fake.runs(), [1, 4, 4, 2]);
    let figures = world.host.observe().figures;
    assert_eq!((figures.rows, figures.runs, figures.errors), (11, 4, 0));
    assert!((figures.mean_batch() - 2.75).abs() < 1e-9);
}

#[test]
fn in_the_latest_mode_the_newest_request_of_a_twin_takes_the_place_of_the_older() {
    let (open, gate) = gate();
    let world = world(Config { queue_max: 2, ..Config::default() }, [Act::Wait(gate)]);
    let first = world.twin(0, [0.0; 3]);
    world.begins();
    let older = world.twin(1, [1.0; 3]);
    let other = world.twin(2, [2.0; 3]);
    let newer = world.twin(1, [3.0; 3]);
    assert_eq!(sum(&older), Err("a newer request of the same twin took its place".to_owned()));
    // It has kept the turn of the older one, which is therefore the first that has to go.
    let third = world.twin(3, [4.0; 3]);
    assert_eq!(sum(&newer), Err("the queue of the model is full".to_owned()));
    drop(open);
    assert_eq!((sum(&first), sum(&other), sum(&third)), (Ok(0.0), Ok(6.0), Ok(12.0)));
    let figures = world.host.observe().figures;
    assert_eq!((figures.superseded, figures.shed), (1, 1));
}

#[test]
fn in_the_mode_of_every_reading_all_are_kept_in_order_and_a_full_queue_hands_back() {
    let (open, gate) = gate();
    let world = world(Config { mode: Mode::Every, queue_max: 3, ..Config::default() }, [Act::Wait(gate)]);
    let first = world.twin(1, [0.0; 3]);
    world.begins();
    let kept: Vec<_> = (1..=3).map(|number| world.twin(1, [number as f32, 0.0, 0.0])).collect();
    assert_eq!(sum(&world.twin(1, [4.0; 3])), Err("the queue of the model is full".to_owned()));
    drop(open);
    assert_eq!(sum(&first), Ok(0.0));
    let positions: Vec<_> = kept.iter().map(|kept| answer(kept).run.map(|run| run.position)).collect();
    assert_eq!(positions, [Some(0), Some(1), Some(2)]);
}

#[test]
fn rows_of_other_dimensions_run_apart_and_no_twin_overtakes_itself() {
    let (open, gate) = gate();
    let world = world(Config { mode: Mode::Every, ..Config::default() }, [Act::Wait(gate)]);
    let first = world.twin(9, [0.0; 3]);
    world.begins();
    let key = |twin| Urgency::Twin(Key { twin: TwinNo(twin), attachment: 0 });
    let long = |twin| world.ask(key(twin), testing::batch("x", &[1, 5], vec![1.0; 5]));
    let asked = [world.twin(1, [1.0; 3]), long(2), world.twin(2, [2.0; 3]), world.twin(3, [3.0; 3]), long(1)];
    drop(open);
    assert_eq!(sum(&first), Ok(0.0));
    let sums: Vec<_> = asked.iter().map(|asked| sum(asked).expect("a sum")).collect();
    assert_eq!(sums, [3.0, 5.0, 6.0, 9.0, 5.0]);
    // The short rows of twins 1 and 3, then the long ones of 2 and 1, then the short one of 2 that came after its long one.
    assert_eq!(world.fake.runs(), [1, 2, 2, 1]);
}

#[test]
fn one_bad_row_fails_alone() {
    let (open, gate) = gate();
    let world = world(Config::default(), [Act::Wait(gate)]);
    world.fake.poison(Some(666.0));
    let first = world.twin(100, [0.0; 3]);
    world.begins();
    let asked: Vec<_> = (0..16).map(|twin| world.twin(twin, [if twin == 11 { 666.0 } else { twin as f32 }, 0.0, 0.0])).collect();
    drop(open);
    assert_eq!(sum(&first), Ok(0.0));
    for (twin, asked) in asked.iter().enumerate() {
        let expected = if twin == 11 { Err("poison".to_owned()) } else { Ok(twin as f64) };
        assert_eq!(sum(asked), expected, "twin {twin}");
    }
    let runs = world.fake.runs();
    assert!(runs.len() <= 1 + RUNS_MAX, "{runs:?}");
    assert!(!world.host.observe().is_open);
}

#[test]
fn where_too_many_rows_are_bad_the_search_ends() {
    let world = world(Config::default(), []);
    world.fake.poison(Some(666.0));
    let mut rows = vec![[1.0; 3]; 256];
    (0..256).step_by(16).for_each(|at| rows[at] = [666.0; 3]);
    let answer = answer(&world.scoring(&rows));
    assert_eq!(answer.rows.len(), 256);
    assert!(answer.rows.iter().step_by(16).all(Result::is_err));
    assert_eq!(world.fake.runs().len(), RUNS_MAX);
}

#[test]
fn a_result_that_is_no_number_is_an_error_of_its_row() {
    let world = world(Config::default(), []);
    let answer = answer(&world.scoring(&[[1.0; 3], [f32::MAX; 3], [f32::NAN, 0.0, 0.0], [2.0; 3]]));
    let bad = || Err("output `y` is not a number".to_owned());
    assert_eq!(shown(&answer.rows), [Ok(3.0), bad(), bad(), Ok(6.0)]);
    assert_eq!(world.fake.runs(), [4]);
}

#[test]
fn scoring_comes_after_twins_and_may_be_larger_than_a_batch() {
    let (open, gate) = gate();
    let world = world(Config { max_batch: 4, ..Config::default() }, [Act::Wait(gate)]);
    let first = world.twin(0, [0.0; 3]);
    world.begins();
    let many: Vec<[f32; 3]> = (0..10).map(|row| [row as f32, 0.0, 0.0]).collect();
    let scored = world.scoring(&many);
    let twins: Vec<_> = (1..=3).map(|twin| world.twin(twin, [1.0; 3])).collect();
    drop(open);
    sum(&first).expect("a sum");
    assert_eq!(shown(&answer(&scored).rows), (0..10).map(|row| Ok(f64::from(row))).collect::<Vec<_>>());
    assert!(twins.iter().all(|twin| sum(twin) == Ok(3.0)));
    assert_eq!(world.fake.runs(), [1, 3, 4, 4, 2]);
}

#[test]
fn with_a_delay_a_batch_waits_until_it_is_full() {
    let config = Config { max_batch: 3, max_delay: PATIENCE * 10, ..Config::default() };
    let world = world(config, []);
    let asked: Vec<_> = (0..3).map(|twin| world.twin(twin, [1.0; 3])).collect();
    assert!(asked.iter().all(|asked| sum(asked) == Ok(3.0)));
    assert_eq!(world.fake.runs(), [3]);
}

#[test]
fn a_model_that_fails_again_and_again_is_left_alone_and_tried_once() {
    let world = world(Config::default(), (0..6).map(|_| Act::Fail("no".to_owned())));
    for _ in 0..5 {
        assert_eq!(sum(&world.twin(1, [1.0; 3])), Err("no".to_owned()));
    }
    let refused = sum(&world.twin(1, [1.0; 3]));
    assert_eq!(refused, Err("the model is out of order since 5 failures; the next try is due in 10000 ms".to_owned()));
    assert_eq!(world.fake.runs().len(), 5);
    world.advance(WAIT_MIN);
    // The probe fails as well, and the next wait is twice as long.
    assert_eq!(sum(&world.twin(1, [1.0; 3])), Err("no".to_owned()));
    world.advance(WAIT_MIN);
    assert!(sum(&world.twin(1, [1.0; 3])).is_err_and(|why| why.contains("due in 10000 ms")));
    world.advance(WAIT_MIN);
    assert_eq!(sum(&world.twin(1, [1.0; 3])), Ok(3.0));
    assert!(!world.host.observe().is_open);
}

#[test]
fn a_run_that_takes_too_long_is_stopped_and_the_host_goes_on() {
    let world = world(Config::default(), [Act::Hang]);
    let hangs = world.twin(1, [1.0; 3]);
    world.begins();
    world.advance(Duration::from_secs(4));
    world.host.supervise();
    assert!(hangs.try_recv().is_err());
    world.advance(Duration::from_secs(1));
    world.host.supervise();
    assert_eq!(sum(&hangs), Err("the run took more than 5000 ms".to_owned()));
    assert_eq!(sum(&world.twin(1, [1.0; 3])), Ok(3.0));
    let observed = world.host.observe();
    assert_eq!((observed.figures.timed_out, observed.stuck, world.fake.loads()), (1, 0, 1));
}

/// One that does not hear that it should stop: it is answered for, given up, and another takes its place.
#[test]
fn a_run_that_cannot_be_stopped_is_given_up_and_after_two_so_is_the_version() {
    let (open, first_gate) = gate();
    let (other_open, second_gate) = gate();
    let world = world(Config::default(), [Act::Stuck(first_gate), Act::Answer, Act::Stuck(second_gate)]);
    let hang = |expected_loads: usize| {
        let stuck = world.twin(1, [1.0; 3]);
        world.begins();
        let waits = world.twin(2, [2.0; 3]);
        for time in [Duration::from_secs(5), STOP_GRACE] {
            world.advance(time);
            world.host.supervise();
        }
        assert_eq!(sum(&stuck), Err("the run took more than 5000 ms".to_owned()));
        // It had waited for longer than a request may.
        assert_eq!(sum(&waits), Err("it waited for more than 1000 ms".to_owned()));
        assert_eq!(world.host.observe().figures.leaked as usize, expected_loads);
    };
    hang(1);
    assert_eq!(world.host.observe().stuck, 1);
    assert_eq!(sum(&world.twin(1, [1.0; 3])), Ok(3.0));
    world.begins();
    assert_eq!(world.fake.loads(), 2);
    hang(2);
    assert!(matches!(world.host.observe().phase, Phase::Failed(_)));
    assert!(sum(&world.twin(1, [1.0; 3])).is_err_and(|why| why.contains("promote the version again")));
    // What comes back late touches nothing.
    drop((open, other_open));
    assert_eq!(world.fake.loads(), 2);
}

#[test]
fn a_panic_is_an_error_of_the_batch_and_the_model_is_loaded_anew() {
    let world = world(Config::default(), [Act::Panic]);
    assert_eq!(sum(&world.twin(1, [1.0; 3])), Err("the runtime panicked: the script says so".to_owned()));
    assert_eq!(sum(&world.twin(1, [1.0; 3])), Ok(3.0));
    assert_eq!(world.fake.loads(), 2);
}

#[test]
fn whoever_cannot_take_an_answer_harms_nobody_else() {
    let (open, gate) = gate();
    let world = world(Config::default(), [Act::Wait(gate)]);
    let first = world.twin(0, [0.0; 3]);
    world.begins();
    let batch = testing::batch("x", &[1, 3], vec![1.0; 3]);
    let reply: Reply = Box::new(|_| panic!("it cannot take it"));
    let urgency = Urgency::Twin(Key { twin: TwinNo(1), attachment: 0 });
    world.host.submit(Request { urgency, batch, asked: Timestamp(0), reply }).expect("room");
    let other = world.twin(2, [2.0; 3]);
    drop(open);
    assert_eq!((sum(&first), sum(&other)), (Ok(0.0), Ok(6.0)));
    assert_eq!(sum(&world.twin(3, [1.0; 3])), Ok(3.0));
}

#[test]
fn a_host_that_ends_finishes_what_waits_and_takes_nothing_new() {
    let (open, gate) = gate();
    let world = world(Config::default(), [Act::Wait(gate)]);
    let first = world.twin(0, [0.0; 3]);
    world.begins();
    let waits = world.twin(1, [1.0; 3]);
    world.host.end();
    assert_eq!(sum(&world.twin(2, [1.0; 3])), Err("the model was unloaded".to_owned()));
    drop(open);
    assert_eq!((sum(&first), sum(&waits)), (Ok(0.0), Ok(3.0)));
}

#[test]
fn a_file_that_does_not_load_is_said_to_whoever_asks() {
    let fake = Fake::default();
    fake.fail_to_load(Some("no such operator"));
    let version = Version { model: "sum".to_owned(), version: "1".to_owned(), sha256: [0; 32], backend: Kind::Fake, library: None };
    let now: Now = Arc::new(|| Timestamp(0));
    let host = Host::start(version, Config::default(), Arc::new(testing::model("sum")), Arc::new(fake.clone()), now);
    let world = World { host, runs: fake.watch(), fake, clock: Arc::default() };
    // Whether it is asked before or after the file was looked at.
    assert_eq!(sum(&world.twin(1, [1.0; 3])), Err("no such operator".to_owned()));
    assert_eq!(world.host.observe().phase, Phase::Failed("no such operator".to_owned()));
}

#[test]
fn a_file_that_loads_for_ever_is_given_up() {
    let (open, slow) = gate();
    let fake = Fake::default();
    fake.hold_load(slow);
    let version = Version { model: "sum".to_owned(), version: "1".to_owned(), sha256: [0; 32], backend: Kind::Fake, library: None };
    let clock = Arc::new(AtomicI64::new(0));
    let own = Arc::clone(&clock);
    let now: Now = Arc::new(move || Timestamp(own.load(Ordering::SeqCst)));
    let host = Host::start(version, Config::default(), Arc::new(testing::model("sum")), Arc::new(fake.clone()), now);
    let world = World { host, runs: fake.watch(), fake, clock };
    let asked = world.twin(1, [1.0; 3]);
    world.advance(LOAD_MAX);
    world.host.supervise();
    // It had waited long enough by then.
    assert_eq!(sum(&asked), Err("it waited for more than 1000 ms".to_owned()));
    assert_eq!(sum(&world.twin(1, [1.0; 3])), Err("loading it took more than 60 s".to_owned()));
    assert_eq!(world.host.observe().stuck, 1);
    // Coming back late changes nothing.
    drop(open);
    assert!(matches!(world.host.observe().phase, Phase::Failed(_)));
}

#[test]
fn several_threads_never_run_two_requests_of_one_twin_at_a_time() {
    let (open, slow) = gate();
    let world = world(Config { mode: Mode::Every, workers: 2, max_batch: 1, ..Config::default() }, [Act::Wait(slow)]);
    let first = world.twin(1, [0.0; 3]);
    assert_eq!(world.begins(), 1);
    let second = world.twin(1, [1.0; 3]);
    // Of another twin, and therefore before it.
    assert_eq!(sum(&world.twin(2, [2.0; 3])), Ok(6.0));
    assert!(second.try_recv().is_err());
    drop(open);
    assert_eq!((sum(&first), sum(&second)), (Ok(0.0), Ok(3.0)));
}

/// The same with the real clock and the thread that looks.
#[test]
fn the_watchdog_finds_what_hangs() {
    let fake = Fake::new([Act::Hang]);
    let version = Version { model: "sum".to_owned(), version: "1".to_owned(), sha256: [0; 32], backend: Kind::Fake, library: None };
    let clock = Arc::new(AtomicI64::new(0));
    let own = Arc::clone(&clock);
    let now: Now = Arc::new(move || Timestamp(own.load(Ordering::SeqCst)));
    let host = Host::start(version, Config::default(), Arc::new(testing::model("sum")), Arc::new(fake.clone()), now);
    let world = World { host, runs: fake.watch(), fake, clock };
    let watchdog = Watchdog::start().expect("a thread");
    watchdog.watch(&world.host);
    let hangs = world.twin(1, [1.0; 3]);
    world.begins();
    world.advance(Duration::from_secs(6));
    assert_eq!(sum(&hangs), Err("the run took more than 5000 ms".to_owned()));
}

#[test]
fn rows_of_a_real_model_come_back_to_those_who_asked() {
    for kind in testing::backends(&[Kind::Ort, Kind::Tract]) {
        let backends = crate::model::backend::Backends::new(&testing::library());
        let backend = Arc::clone(backends.get(kind).expect("it is there"));
        let version = Version { model: "sum".to_owned(), version: "1".to_owned(), sha256: [0; 32], backend: kind, library: None };
        let now: Now = Arc::new(|| Timestamp(0));
        let host = Host::start(version, Config::default(), Arc::new(testing::model("sum")), backend, now);
        let fake = Fake::default();
        let world = World { host, runs: fake.watch(), fake, clock: Arc::default() };
        let asked: Vec<_> = (0..1000).map(|twin| world.twin(twin, [twin as f32, 1.0, 0.0])).collect();
        for (twin, asked) in asked.iter().enumerate() {
            assert_eq!(sum(asked), Ok(twin as f64 + 1.0), "{kind}");
        }
        let figures = world.host.observe().figures;
        assert_eq!((figures.rows, figures.errors), (1000, 0));
    }
}
