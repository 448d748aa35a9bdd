//! A SurrealDB server of a test's own, which can be killed and come back on the same port with the same folder.

use std::ffi::OsString;
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::process::{PATIENCE, until};

pub const USER: &str = "root";
pub const PASSWORD: &str = "secret of a test";

pub struct Server {
    binary: OsString,
    dir: TempDir,
    pub address: SocketAddr,
    child: Child,
}

impl Server {
    /// `None` where nobody has built one: see `tests/surreal_server`.
    pub fn start() -> Option<Server> {
        let binary = std::env::var_os("POLLUX_TEST_SURREAL")?;
        let dir = tempfile::tempdir().unwrap();
        // It cannot be told to find a port itself. Another process may take this one first, which is then seen at once.
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let child = spawn(&binary, &dir, address);
        let mut server = Server { binary, dir, address, child };
        server.wait();
        Some(server)
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub fn start_again(&mut self) {
        self.child = spawn(&self.binary, &self.dir, self.address);
        self.wait();
    }

    /// What is on its disk, to be had again by [`Server::go_back`]. It must not run.
    pub fn keep(&self) {
        copy(&self.dir.path().join("database"), &self.dir.path().join("kept"));
    }

    pub fn go_back(&self) {
        fs::remove_dir_all(self.dir.path().join("database")).unwrap();
        fs::rename(self.dir.path().join("kept"), self.dir.path().join("database")).unwrap();
    }

    fn wait(&mut self) {
        let (address, dir, child) = (self.address, &self.dir, &mut self.child);
        let works = || {
            assert!(child.try_wait().unwrap().is_none(), "the SurrealDB server has ended:\n{}", log(dir));
            is_healthy(address)
        };
        until("the SurrealDB server works", works, || log(dir));
    }
}

fn spawn(binary: &OsString, dir: &TempDir, address: SocketAddr) -> Child {
    let mut command = Command::new(binary);
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("SURREAL_")) {
        command.env_remove(name);
    }
    // What it has answered must last, as the store demands of a server.
    let folder = format!("surrealkv://{}?sync=every", dir.path().join("database").display());
    command.args(["start", "--no-banner", "--bind", &address.to_string(), "--user", USER, "--pass", PASSWORD, &folder]);
    let log = fs::OpenOptions::new().create(true).append(true).open(dir.path().join("log")).unwrap();
    command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).spawn().expect("POLLUX_TEST_SURREAL names a program")
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() { copy(&entry.path(), &target) } else { fs::copy(entry.path(), target).map(drop).unwrap() }
    }
}

fn log(dir: &TempDir) -> String {
    fs::read_to_string(dir.path().join("log")).unwrap()
}

/// Listening is not enough: it may still be opening its folder.
fn is_healthy(address: SocketAddr) -> bool {
    let Ok(mut stream) = TcpStream::connect(address) else { return false };
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut answer = String::new();
    // One that is only just coming up may break the connection.
    let asked = write!(stream, "GET /health HTTP/1.1\r\nHost: surreal\r\nConnection: close\r\n\r\n");
    asked.and_then(|()| stream.read_to_string(&mut answer)).is_ok() && answer.starts_with("HTTP/1.1 200")
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
