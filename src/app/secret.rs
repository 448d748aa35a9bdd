//! A secret that the program makes for itself and keeps in the data folder.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::Context;

/// The secret in this file, which is made if it is not there.
pub(super) fn kept(path: &Path) -> anyhow::Result<[u8; 32]> {
    let mut secret = [0; 32];
    match File::open(path) {
        Ok(mut file) => {
            let whole = file.read_exact(&mut secret);
            whole.with_context(|| format!("{} is damaged: delete it, and clients begin their pages anew", path.display()))?;
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            File::open("/dev/urandom").and_then(|mut random| random.read_exact(&mut secret)).context("the system gives no random bytes")?;
            let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
            made.and_then(|mut file| file.write_all(&secret)).with_context(|| format!("{} cannot be written", path.display()))?;
        }
        Err(error) => return Err(error).with_context(|| format!("{} cannot be read", path.display())),
    }
    Ok(secret)
}
