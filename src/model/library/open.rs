//! Loading the library, once in a process, without ever taking the process along.
//!
//! Any use of `ort` before a successful `init_from` looks for a library by itself and panics when there is none. So nothing but this file
//! and [`crate::model::backend::ort`], which needs what is made here, may call into it.

use std::fs::File;
use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use ort::environment::{Environment, GlobalThreadPoolOptions};
use parking_lot::Mutex;

use super::{Failure, From, Library, Loaded, Search};
use crate::model::panic_text;

/// Beyond that a loader is taken to hang.
pub const LOAD_SECONDS_MAX: u64 = 10;

/// `ort` keeps the library and its environment for the life of the process, and so do we: a later search finds what is loaded.
static PROCESS: Mutex<State> = Mutex::new(State::Unasked);

enum State {
    Unasked,
    Loaded(Loaded),
    /// A loader that hangs holds a lock inside `ort`: nobody may enter there again.
    Hangs(PathBuf),
}

/// Searches and loads. Call it once at the start, before anything asks for a model.
pub fn open(search: &Search) -> Library {
    let mut process = PROCESS.lock();
    let mut failures = Vec::new();
    if let State::Loaded(loaded) = &*process {
        return Library { loaded: Some(loaded.clone()), failures };
    }
    for candidate in search.candidates() {
        let (from, path) = match candidate {
            Ok(found) => found,
            Err(failure) => {
                failures.push(failure);
                continue;
            }
        };
        if let State::Hangs(other) = &*process {
            let reason = format!("not tried, as loading {} hangs", other.display());
            failures.push(Failure { from, path, reason });
            continue;
        }
        match load_guarded(&path) {
            Ok(loaded) => {
                *process = State::Loaded(loaded.clone());
                return Library { loaded: Some(loaded), failures };
            }
            Err(Trouble::Reason(reason)) => failures.push(Failure { from, path, reason }),
            Err(Trouble::Hangs) => {
                *process = State::Hangs(path.clone());
                failures.push(Failure { from, path, reason: format!("loading it took more than {LOAD_SECONDS_MAX} s") });
            }
        }
    }
    if failures.iter().all(|failure| failure.from != From::System) {
        let folders = search.system.iter().map(|folder| Failure {
            from: From::System,
            path: folder.clone(),
            reason: "no library of that name is there".to_owned(),
        });
        failures.extend(folders);
    }
    Library { loaded: None, failures }
}

enum Trouble {
    Reason(String),
    Hangs,
}

/// On a thread of its own, because a panic or a hang in there is a reason like any other.
fn load_guarded(path: &Path) -> Result<Loaded, Trouble> {
    let (sender, receiver) = mpsc::sync_channel(1);
    let own = path.to_owned();
    let load = move || {
        let result =
            catch_unwind(AssertUnwindSafe(|| load(&own))).unwrap_or_else(|panic| Err(format!("it panicked: {}", panic_text(&*panic))));
        // Nobody listens any more if it took too long.
        drop(sender.send(result));
    };
    let thread = std::thread::Builder::new().name("onnxruntime-load".to_owned()).spawn(load);
    if let Err(error) = thread {
        return Err(Trouble::Reason(format!("no thread to load it on: {error}")));
    }
    match receiver.recv_timeout(Duration::from_secs(LOAD_SECONDS_MAX)) {
        Ok(result) => result.map_err(Trouble::Reason),
        Err(_) => Err(Trouble::Hangs),
    }
}

fn load(path: &Path) -> Result<Loaded, String> {
    check_header(path)?;
    let builder = ort::init_from(path).map_err(|error| error.to_string())?;
    let environment = build(builder).map_err(|error| error.to_string())?;
    Ok(Loaded { path: path.to_owned(), version: version(path), environment })
}

/// The system's loader says only that it failed.
fn check_header(path: &Path) -> Result<(), String> {
    let mut magic = Vec::new();
    File::open(path).and_then(|file| file.take(4).read_to_end(&mut magic)).map_err(|error| error.to_string())?;
    let is_library = matches!(magic.as_slice(), b"\x7fELF" | [0xcf, 0xfa, 0xed, 0xfe] | [0xca, 0xfe, 0xba, 0xbe]);
    if is_library { Ok(()) } else { Err("it is not a shared library".to_owned()) }
}

/// One pool without workers for all sessions: else each makes a pool of one thread per core, and thousands of small models starve each other.
fn build(builder: ort::environment::EnvironmentBuilder) -> ort::Result<Environment> {
    let threads = GlobalThreadPoolOptions::default().with_intra_threads(1)?.with_inter_threads(1)?.with_spin_control(false)?;
    builder.with_name("pollux").with_telemetry(false).with_global_thread_pool(threads).build()
}

/// The library names the branch that it was built from; a library of one's own may not, but its file usually does.
fn version(path: &Path) -> String {
    let info = ort::info();
    let from_info = info.split("git-branch=rel-").nth(1).and_then(|rest| rest.split([',', ' ']).next());
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let from_name = name.split(".so.").nth(1);
    from_info.or(from_name).unwrap_or("of an unknown version").to_owned()
}
