//! Secrets come from files or the environment, never from the workspace, and never reach a log.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::Environment;

const SECRET_BYTES_MAX: u64 = 64 * 1024;

/// A password or token. It shows itself only when asked.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    #[error("the environment variable `{0}`, which should hold a secret, is not set")]
    NotSet(String),
    #[error("cannot read the secret in {}: {source}", path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("the file {}, which should hold a secret, has nothing on its first line", .0.display())]
    Empty(PathBuf),
    #[error("the secret in {} lies in the workspace, which holds none: keep it elsewhere", .0.display())]
    InWorkspace(PathBuf),
    #[error("set either the file or the environment variable of a secret (`…_file` or `…_env`), not both")]
    Both,
}

impl Secret {
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl Environment {
    /// The secret that two keys of a section point at, such as `password_file` and `password_env`, if they do.
    pub fn secret(&self, workspace: &Path, file: Option<&Path>, variable: Option<&str>) -> Result<Option<Secret>, SecretError> {
        match (file, variable) {
            (None, None) => Ok(None),
            (Some(_), Some(_)) => Err(SecretError::Both),
            (Some(file), None) => read_file(workspace, file).map(Some),
            (None, Some(name)) => match self.get(name) {
                Some(value) => Ok(Some(Secret(value.to_owned()))),
                None => Err(SecretError::NotSet(name.to_owned())),
            },
        }
    }
}

fn read_file(workspace: &Path, file: &Path) -> Result<Secret, SecretError> {
    let unreadable = |source| SecretError::Unreadable { path: file.to_owned(), source };
    let real = workspace.join(file).canonicalize().map_err(unreadable)?;
    if real.starts_with(workspace.canonicalize().map_err(unreadable)?) {
        return Err(SecretError::InWorkspace(file.to_owned()));
    }
    let mut text = String::new();
    File::open(&real).and_then(|file| file.take(SECRET_BYTES_MAX).read_to_string(&mut text)).map_err(unreadable)?;
    match text.lines().next() {
        Some(line) if !line.is_empty() => Ok(Secret(line.to_owned())),
        _ => Err(SecretError::Empty(file.to_owned())),
    }
}
