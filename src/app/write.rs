//! Several files of a workspace are written together: each whole or not at all, and all of them or none.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// How files become again what they were.
#[derive(Debug)]
pub(crate) struct Undo(Vec<(PathBuf, Option<Vec<u8>>)>);

impl Undo {
    pub(crate) fn run(self) -> io::Result<()> {
        for (path, before) in self.0 {
            match before {
                Some(bytes) => replace(&path, &bytes)?,
                None => fs::remove_file(&path)?,
            }
        }
        Ok(())
    }
}

/// All of them, or none.
pub(crate) fn write_all(dir: &Path, files: &BTreeMap<String, String>) -> io::Result<Undo> {
    let mut undo = Undo(Vec::new());
    for (path, text) in files {
        let path = dir.join(path);
        match put(&path, text) {
            Ok(before) => undo.0.push((path, before)),
            Err(error) => return undo.run().and(Err(error)),
        }
    }
    Ok(undo)
}

/// Gives back what stood there.
fn put(path: &Path, text: &str) -> io::Result<Option<Vec<u8>>> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let before = match fs::read(path) {
        Ok(bytes) => Some(bytes),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    replace(path, text.as_bytes())?;
    Ok(before)
}

/// Whole or not at all, also after a power cut.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    // With a dot in front it is no file of the workspace.
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let beside = folder.join(format!(".{name}.new"));
    let mut file = fs::File::create(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    fs::File::open(folder)?.sync_all()
}
