//! A mosquitto of a test's own, which can go away and come back on the same port with the same sessions.

use std::fs;
use std::io::Read;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::process::until;

pub struct Mosquitto {
    dir: TempDir,
    pub address: SocketAddr,
    child: Child,
}

impl Mosquitto {
    /// `None` where it is not installed.
    pub fn start() -> Option<Mosquitto> {
        let dir = tempfile::tempdir().unwrap();
        // It cannot be told to find a port itself. Another process may take this one first, which is then seen at once.
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let settings = format!(
            "listener {} 127.0.0.1\nallow_anonymous true\nuser root\npersistence true\npersistence_location {}/\nautosave_interval 0\n\
             max_queued_messages 0\nset_tcp_nodelay true\nlog_dest stderr\n",
            address.port(),
            dir.path().display()
        );
        fs::write(dir.path().join("mosquitto.conf"), settings).unwrap();
        let child = spawn(&dir)?;
        let mosquitto = Mosquitto { dir, address, child };
        mosquitto.wait();
        Some(mosquitto)
    }

    /// Stops it in good order, so that it saves its sessions.
    pub fn stop(&mut self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        self.child.wait().unwrap();
    }

    pub fn start_again(&mut self) {
        self.child = spawn(&self.dir).unwrap();
        self.wait();
    }

    fn wait(&self) {
        until("mosquitto listens", || TcpStream::connect(self.address).is_ok(), || self.log());
    }

    fn log(&self) -> String {
        let mut log = String::new();
        fs::File::open(self.dir.path().join("log")).unwrap().read_to_string(&mut log).unwrap();
        log
    }
}

fn spawn(dir: &TempDir) -> Option<Child> {
    let log = fs::OpenOptions::new().create(true).append(true).open(dir.path().join("log")).unwrap();
    let mut command = Command::new("mosquitto");
    command.arg("-c").arg(dir.path().join("mosquitto.conf")).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
    match command.spawn() {
        Ok(child) => Some(child),
        // Where it is installed, it may lie where only the administrator looks.
        Err(_) => Command::new("/usr/sbin/mosquitto")
            .args(command.get_args())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .ok(),
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        // It may have ended by itself.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
