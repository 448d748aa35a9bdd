//! The places where the library may be, as absolute paths, with what is wrong with a place before anything is loaded from it.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Failure, From};

/// Below the root of the project; `make onnxruntime` fills it and git ignores it.
pub const PROJECT_FOLDER: &str = ".onnxruntime";
const SYSTEM_FOLDERS: &[&str] =
    &["/usr/local/lib", "/usr/lib", "/usr/lib64", "/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/opt/onnxruntime/lib"];
const FILE_NAME: &str = if cfg!(target_os = "macos") { "libonnxruntime.dylib" } else { "libonnxruntime.so" };
/// Entries of a folder that are looked at.
const ENTRIES_MAX: usize = 10_000;

/// What was said about the place of the library. Whoever reads settings and the environment fills it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search {
    pub setting: Option<PathBuf>,
    /// `ORT_DYLIB_PATH`
    pub variable: Option<PathBuf>,
    /// The project's own folder.
    pub project: PathBuf,
    pub system: Vec<PathBuf>,
}

impl Default for Search {
    fn default() -> Search {
        let system = SYSTEM_FOLDERS.iter().map(PathBuf::from).collect();
        Search { setting: None, variable: None, project: PathBuf::from(PROJECT_FOLDER), system }
    }
}

impl Search {
    /// Files to load, each with who named it, or why there is none.
    pub(super) fn candidates(&self) -> Vec<Result<(From, PathBuf), Failure>> {
        let named = [(From::Setting, &self.setting), (From::Variable, &self.variable)];
        let mut all: Vec<_> = named
            .into_iter()
            .filter_map(|(from, path)| path.as_ref().map(|path| (from, path)))
            .map(|(from, path)| file(from, path))
            .collect();
        all.push(newest(&self.project).map(|path| (From::Project, path)).ok_or_else(|| Failure {
            from: From::Project,
            path: absolute(&self.project),
            reason: format!("no {FILE_NAME} is there: `make onnxruntime` fetches it"),
        }));
        all.extend(self.system.iter().filter_map(|folder| newest(folder)).map(|path| Ok((From::System, path))));
        all
    }
}

/// A path that a person gave is a file. Whether it is one is asked here, as a loader may wait for ever at a pipe.
fn file(from: From, path: &Path) -> Result<(From, PathBuf), Failure> {
    let path = absolute(path);
    let reason = match fs::metadata(&path) {
        Ok(found) if found.is_file() => return Ok((from, path)),
        Ok(found) if found.is_dir() => format!("it is a folder: name the file in it, as in {}", path.join(FILE_NAME).display()),
        Ok(_) => "it is not a file".to_owned(),
        Err(error) => error.to_string(),
    };
    Err(Failure { from, path, reason })
}

/// Not against the folder of the executable, as the loading library itself would.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// The library with the highest version in its name: `libonnxruntime.so.1.31.1` before `libonnxruntime.so.1.20.1`.
fn newest(folder: &Path) -> Option<PathBuf> {
    let entries = fs::read_dir(folder).ok()?.take(ENTRIES_MAX).flatten();
    let found = entries.filter_map(|entry| {
        let name = entry.file_name().into_string().ok()?;
        let rest = name.strip_prefix(FILE_NAME)?;
        let is_file = fs::metadata(entry.path()).is_ok_and(|found| found.is_file());
        let is_library = is_file && (rest.is_empty() || rest.starts_with('.'));
        is_library.then(|| (version(rest), name.clone()))
    });
    let (_, name) = found.max()?;
    Some(absolute(&folder.join(name)))
}

fn version(text: &str) -> Vec<u32> {
    text.split('.').filter_map(|part| part.parse().ok()).collect()
}
