//! One whole program on a temporary folder: real ports, a real journal, a real graph store, and a clock that is turned by hand.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use pollux::app::{App, Settings};
use pollux::catalog;
use pollux::config::kind::ByteCount;
use pollux::config::{self, Environment, Flags};
use pollux::reading::{Seq, TwinId};
use pollux::runtime::edit::{self, Edited, Op};
use pollux::source::{Sources, render_text};
use pollux::twin::{Edge, State};
use serde_json::Value as Json;
use tempfile::TempDir;

use super::clock::{HandClock, at};
use super::sender::Sender;

/// However busy the machine is, what takes longer than this has failed.
pub const PATIENCE: Duration = Duration::from_secs(30);
/// Between two looks at something that another thread brings about.
const LOOK_EVERY: Duration = Duration::from_millis(2);

pub struct World {
    pub clock: HandClock,
    workspace: PathBuf,
    data: PathBuf,
    lasting_store: bool,
    /// How often it was killed.
    deaths: u32,
    alive: Option<Alive>,
    /// Goes last.
    _folder: TempDir,
}

struct Alive {
    app: App,
    threads: tokio::runtime::Runtime,
    http: reqwest::Client,
}

impl World {
    /// The workspace of these files: paths and texts. The graph store is in memory; after a restart the journal alone says what was.
    pub fn of(files: &[(&str, &str)]) -> World {
        World::new(files, false)
    }

    /// The same with the graph store on disk.
    pub fn lasting(files: &[(&str, &str)]) -> World {
        World::new(files, true)
    }

    fn new(files: &[(&str, &str)], lasting_store: bool) -> World {
        let folder = tempfile::tempdir().unwrap();
        let workspace = folder.path().join("workspace");
        for (path, text) in files {
            write(&workspace.join(path), text);
        }
        let (clock, data) = (HandClock::new(at("10:00:00")), folder.path().join("data"));
        let mut world = World { clock, workspace, data, lasting_store, deaths: 0, alive: None, _folder: folder };
        world.start();
        world
    }

    pub fn start(&mut self) {
        let threads = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap();
        let settings = self.settings();
        let app = threads.block_on(App::start(settings)).unwrap_or_else(|error| panic!("the program does not start: {error:#}"));
        let http = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build().unwrap();
        self.alive = Some(Alive { app, threads, http });
    }

    fn settings(&self) -> Settings {
        let mut sources = Sources::new();
        for folder in ["schemas", "twins", "detectors"] {
            read_into(&mut sources, &self.workspace, &self.workspace.join(folder));
        }
        let free: SocketAddr = "127.0.0.1:0".parse().unwrap();
        let flags = Flags { http: Some(free), mqtt: Some(free), data: Some(self.data.clone()) };
        let loaded = config::load(&mut sources, &self.workspace, &Environment::default(), &flags);
        let (catalog, mut problems) = catalog::load(&sources);
        problems.extend(loaded.problems);
        assert!(!problems.has_errors(), "the workspace of this test has errors:\n{}", render_text(&sources, &problems.sorted(), false));
        let mut config = loaded.config;
        // Worlds that are not about them have quick followers and small files.
        if !loaded.origins.contains_key(&("runtime", "project_every")) {
            config.runtime.project_every = Duration::from_millis(10);
        }
        if !loaded.origins.contains_key(&("journal", "segment_bytes")) {
            config.journal.segment_bytes = ByteCount::mib(1);
        }
        // Files are written in one step after the other; what is between is nobody's business.
        if !loaded.origins.contains_key(&("runtime", "follow_files")) {
            config.runtime.follow_files = false;
        }
        if !self.lasting_store {
            config.store.url = Some("mem://".to_owned());
        }
        let catalog = Arc::new(catalog);
        let environment = Environment::default();
        Settings { workspace: self.workspace.clone(), config, environment, catalog, clock: self.clock.face(), demo: false }
    }

    fn alive(&self) -> &Alive {
        self.alive.as_ref().expect("the program runs")
    }

    pub fn app(&self) -> &App {
        &self.alive().app
    }

    /// Ends in good order.
    pub fn stop(&mut self) {
        let Alive { app, threads, .. } = self.alive.take().expect("the program runs");
        threads.block_on(app.stop()).unwrap();
    }

    /// Ends without saving anything: all tasks and actors are gone in the middle of what they did. What had been appended to the journal is on
    /// disk; what is in front of it is lost. (Powers of the disk are the business of `sim`, `kill -9` that of `crash`.)
    pub fn kill(&mut self) {
        let Alive { app, threads, http } = self.alive.take().expect("the program runs");
        let journal = app.runtime.shared.journal.clone();
        threads.shutdown_timeout(PATIENCE);
        drop((app, http));
        journal.close().unwrap();
        // The embedded engine keeps its lock in this process although nothing runs it any more; so the next start gets the files as they are now.
        self.deaths += 1;
        let data = self.data.with_file_name(format!("data-{}", self.deaths));
        copy(&self.data, &data);
        self.data = data;
    }

    /// Changes the structure as somebody would through the API.
    pub fn edit(&self, ops: Json) -> Result<Edited, edit::Error> {
        self.edit_with(ops, edit::Options::default())
    }

    pub fn edit_with(&self, ops: Json, options: edit::Options) -> Result<Edited, edit::Error> {
        let ops: Vec<Op> = serde_json::from_value(ops).unwrap();
        let Alive { app, threads, .. } = self.alive();
        threads.block_on(app.runtime.edit(ops, "tester", options))
    }

    /// The edges in the graph store.
    pub fn stored_edges(&self) -> Vec<Edge> {
        let Alive { app, threads, .. } = self.alive();
        let mut edges = Vec::new();
        threads.block_on(app.runtime.store().load_edges(&mut |edge| edges.push(edge))).unwrap();
        edges.sort_by_key(|edge| edge.no);
        edges
    }

    /// The edges of the running graph.
    pub fn edges(&self) -> Vec<Edge> {
        let mut edges: Vec<Edge> = self.app().runtime.graph.lock().all().map(|edge| edge.as_ref().clone()).collect();
        edges.sort_by_key(|edge| edge.no);
        edges
    }

    pub fn wait_for(&self, seq: Seq, in_store: bool) -> bool {
        let Alive { app, threads, .. } = self.alive();
        threads.block_on(app.runtime.wait_for(seq, in_store, PATIENCE))
    }

    /// Runs something on the threads of the program.
    pub fn block_on<T>(&self, work: impl Future<Output = T>) -> T {
        self.alive().threads.block_on(work)
    }

    pub fn write(&self, path: &str, text: &str) {
        write(&self.workspace.join(path), text);
    }

    pub fn journal(&self) -> PathBuf {
        self.data.join("journal")
    }

    pub fn mqtt(&self) -> SocketAddr {
        self.app().mqtt.expect("the endpoint is on")
    }

    pub fn sender(&self, id: &str) -> Sender {
        Sender::v5(self.mqtt(), id)
    }

    /// Status and body.
    pub fn post(&self, path: &str, body: impl Into<reqwest::Body>) -> (u16, String) {
        let Alive { app, threads, http } = self.alive();
        let request = http.post(format!("http://{}{path}", app.http)).body(body);
        threads.block_on(async {
            let response = request.send().await.unwrap();
            (response.status().as_u16(), response.text().await.unwrap())
        })
    }

    /// Status and body.
    pub fn get(&self, path: &str) -> (u16, String) {
        let Alive { app, threads, http } = self.alive();
        let request = http.get(format!("http://{}{path}", app.http));
        threads.block_on(async {
            let response = request.send().await.unwrap();
            (response.status().as_u16(), response.text().await.unwrap())
        })
    }

    pub fn json(&self, path: &str) -> Json {
        let (status, body) = self.get(path);
        assert_eq!(status, 200, "{path}: {body}");
        serde_json::from_str(&body).unwrap()
    }

    /// The value of a metric, with its labels as on the page.
    pub fn metric(&self, series: &str) -> u64 {
        let (_, page) = self.get("/metrics");
        let line = page.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("no metric {series}")).parse().unwrap()
    }

    /// What readers see of a twin.
    pub fn state(&self, id: &str) -> Arc<State> {
        self.app().runtime.view().twin(id).unwrap_or_else(|| panic!("there is no twin {id}")).state()
    }

    /// The row of a twin in the graph store.
    pub fn row(&self, id: &str) -> Json {
        self.find_row(id).unwrap_or_else(|| panic!("the graph store has no {id}"))
    }

    pub fn find_row(&self, id: &str) -> Option<Json> {
        let Alive { app, threads, .. } = self.alive();
        let id = TwinId::parse(id).unwrap();
        threads.block_on(app.runtime.store().twin(&id)).unwrap()
    }

    /// Waits until the graph store says the same as the read view; the answer is as of which commit.
    pub fn projected(&self) -> Seq {
        let runtime = &self.app().runtime;
        let seq = runtime.view().seq();
        self.until("the graph store has followed", || runtime.projected() >= seq);
        seq
    }

    /// Waits until nothing is under way between the wire and the disk.
    pub fn settled(&self) {
        self.until("all permits are back", || self.metric("pollux_permits_taken") == 0);
    }

    /// Waits until all that was due by the time of the clock is done and can be read.
    pub fn time_has_passed(&self) {
        // What one part has handed to the next may be seen in neither; then the next look finds more in the journal.
        let mut seen = Json::Null;
        self.until("what was due is done", || {
            let status = self.json("/admin/status");
            let is_idle = ["due", "leaving", "mail", "pendingBytes"].iter().all(|what| status[*what] == 0);
            let was_idle = std::mem::replace(&mut seen, if is_idle { status["seq"].clone() } else { Json::Null });
            is_idle && status["seq"] == status["durableSeq"] && was_idle == status["seq"]
        });
    }

    /// Waits for something that another thread brings about.
    pub fn until(&self, what: &str, mut holds: impl FnMut() -> bool) {
        let end = Instant::now() + PATIENCE;
        while !holds() {
            assert!(Instant::now() < end, "waited in vain until {what}");
            std::thread::park_timeout(LOOK_EVERY);
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if let Some(Alive { threads, .. }) = self.alive.take() {
            threads.shutdown_background();
        }
    }
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// All files below `folder`, in the order of their names.
fn read_into(sources: &mut Sources, root: &Path, folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            read_into(sources, root, &path);
        } else {
            let name = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
            sources.add(name, &fs::read(&path).unwrap());
        }
    }
}
