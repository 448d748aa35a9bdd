//! The real binary on a folder of its own: started on free ports, watched through its log, asked over HTTP, stopped or killed.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// However busy the machine is, what takes longer than this has failed.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// Between two looks at something that another process brings about.
const LOOK_EVERY: Duration = Duration::from_millis(5);

const MACHINE: &str = "\
type: Machine
telemetry:
  count: {type: int}
  temperature: {type: double, unit: degC}
";

/// A workspace in a folder that goes away with it. The data lie inside.
pub struct Workspace {
    dir: TempDir,
}

impl Workspace {
    pub fn empty() -> Workspace {
        Workspace { dir: tempfile::tempdir().unwrap() }
    }

    /// `machine-0` and on, of a type with `count` and `temperature`.
    pub fn of_machines(count: usize) -> Workspace {
        let workspace = Workspace::empty();
        workspace.write("schemas/Machine.yaml", MACHINE);
        let twins: String = (0..count).map(|machine| format!("  - {{id: machine-{machine}, type: Machine}}\n")).collect();
        workspace.write("twins/machines.yaml", &format!("twins:\n{twins}"));
        workspace
    }

    pub fn write(&self, path: &str, text: &str) {
        let path = self.dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    pub fn journal(&self) -> PathBuf {
        self.dir.path().join("data/journal")
    }

    /// The segments of the journal, oldest first.
    pub fn segments(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.journal()).unwrap().map(|entry| entry.unwrap().path());
        let mut segments: Vec<PathBuf> = entries.filter(|path| path.extension().is_some_and(|extension| extension == "seg")).collect();
        segments.sort();
        segments
    }

    /// `pollux run` on free ports with these settings, given as environment variables without their prefix.
    pub fn command(&self, settings: &[(&str, &str)]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pollux"));
        command.arg("run").arg(self.path()).args(["--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0"]);
        set_up(&mut command, settings);
        command
    }

    /// Starts without waiting for anything.
    pub fn launch(&self, settings: &[(&str, &str)]) -> Launched {
        Launched::from(self.command(settings))
    }

    pub fn start(&self, settings: &[(&str, &str)]) -> Program {
        self.launch(settings).ready()
    }

    /// A start that must fail: what it says of it.
    pub fn refused(&self, settings: &[(&str, &str)]) -> String {
        let mut launched = self.launch(settings);
        let status = launched.ended();
        assert_eq!(status.code(), Some(1), "{}", launched.log());
        launched.log()
    }
}

/// The environment of whoever runs the tests shall not change them.
pub fn set_up(command: &mut Command, settings: &[(&str, &str)]) {
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("POLLUX_")) {
        command.env_remove(name);
    }
    command.env("POLLUX_LOG_FORMAT", "json");
    // What a test writes is small, and the default segment takes long to fill with zeros.
    command.env("POLLUX_JOURNAL_SEGMENT_BYTES", "1MiB").env("POLLUX_JOURNAL_GROUP_BYTES_MAX", "256KiB");
    for (name, value) in settings {
        command.env(format!("POLLUX_{name}"), value);
    }
}

/// A process that may not be ready yet. It is killed when it is dropped.
pub struct Launched {
    child: Child,
    lines: Receiver<String>,
    log: Arc<Mutex<String>>,
}

impl From<Command> for Launched {
    fn from(mut command: Command) -> Launched {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let (sender, lines) = channel();
        let log = Arc::new(Mutex::new(String::new()));
        let (stderr, kept) = (child.stderr.take().unwrap(), log.clone());
        // It ends with the process, and goes on reading when nobody listens any more, so that the process is never stuck on its log.
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                kept.lock().unwrap().push_str(&format!("{line}\n"));
                sender.send(line).ok();
            }
        });
        Launched { child, lines, log }
    }
}

impl Launched {
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Waits for the line that says so.
    pub fn ready(self) -> Program {
        let end = Instant::now() + PATIENCE;
        loop {
            let line = match self.lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(line) => line,
                Err(RecvTimeoutError::Timeout) => panic!("not ready in time:\n{}", self.log()),
                Err(RecvTimeoutError::Disconnected) => panic!("it ended before it was ready:\n{}", self.log()),
            };
            let Ok(line) = serde_json::from_str::<Value>(&line) else { continue };
            if line["message"] == "ready" {
                let address = |field: &str| line[field].as_str().unwrap().parse().unwrap();
                return Program {
                    http: address("http"),
                    mqtt: address("mqtt"),
                    replayed: line["replayed"].as_u64().unwrap(),
                    process: self,
                };
            }
        }
    }

    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits for its end and for the last line of its log.
    pub fn ended(&mut self) -> ExitStatus {
        let end = Instant::now() + PATIENCE;
        let rest = |end: Instant| end.saturating_duration_since(Instant::now());
        loop {
            match self.lines.recv_timeout(rest(end)) {
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout) => panic!("it does not end:\n{}", self.log()),
                Err(RecvTimeoutError::Disconnected) => return self.child.wait().unwrap(),
            }
        }
    }
}

impl Drop for Launched {
    fn drop(&mut self) {
        // It may have ended by itself.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// A process that works.
pub struct Program {
    pub http: SocketAddr,
    pub mqtt: SocketAddr,
    /// Entries of the journal that the start went through.
    pub replayed: u64,
    pub process: Launched,
}

impl Program {
    pub fn pid(&self) -> u32 {
        self.process.child.id()
    }

    /// `kill -9`.
    pub fn kill(mut self) {
        self.process.kill();
    }

    /// Asks it to stop, waits for its end, and gives its log.
    pub fn stop(mut self) -> String {
        self.terminate();
        let status = self.process.ended();
        assert_eq!(status.code(), Some(0), "{}", self.process.log());
        self.process.log()
    }

    /// SIGTERM, and no more.
    pub fn terminate(&self) {
        let pid = rustix::process::Pid::from_child(&self.process.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    }

    /// The status and the body of an answer.
    pub fn get(&self, path: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(self.http).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: pollux\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer to {path}: {answer}"));
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }

    pub fn json(&self, path: &str) -> Value {
        let (status, body) = self.get(path);
        assert_eq!(status, 200, "{path}: {body}");
        serde_json::from_str(&body).unwrap()
    }

    /// What a metric says, by its name with its labels.
    pub fn metric(&self, series: &str) -> f64 {
        let (_, page) = self.get("/metrics");
        let line = page.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("no {series} in\n{page}")).parse().unwrap()
    }

    /// Waits until something holds that this process brings about.
    pub fn until(&self, what: &str, mut holds: impl FnMut(&Program) -> bool) {
        until(what, || holds(self), || self.process.log());
    }
}

/// Waits until something holds; `log` says what happened if it never does.
pub fn until(what: &str, mut holds: impl FnMut() -> bool, log: impl Fn() -> String) {
    let end = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < end, "waited in vain until {what}:\n{}", log());
        std::thread::park_timeout(LOOK_EVERY);
    }
}
