//! A receiver of webhooks: answers as it is told to, and passes on what came.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;

use crate::webhook::HookUrl;

#[derive(Debug)]
pub(super) struct Request {
    /// As in `POST /hook HTTP/1.1`.
    pub(super) line: String,
    /// By their names in small letters.
    pub(super) headers: BTreeMap<String, String>,
    pub(super) body: String,
}

pub(super) enum Reply {
    /// A status, headers with their line ends, and a body.
    Says(u16, &'static str, &'static str),
    /// The connection stays open, and nothing comes.
    Silence,
    /// 200, once it is allowed to.
    Later(Arc<Notify>),
    HangUp,
}

pub(super) const FINE: Reply = Reply::Says(200, "", "");

/// By the request and how many were there before it.
type Answer = dyn Fn(&Request, usize) -> Reply + Send + Sync;

pub(super) struct Receiver {
    pub(super) address: SocketAddr,
    requests: UnboundedReceiver<Request>,
    _tasks: JoinSet<()>,
}

impl Receiver {
    pub(super) async fn start(answer: impl Fn(&Request, usize) -> Reply + Send + Sync + 'static) -> Receiver {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, requests) = unbounded_channel();
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, Arc::new(answer), sender));
        Receiver { address, requests, _tasks: tasks }
    }

    pub(super) fn url(&self) -> HookUrl {
        HookUrl::parse(&format!("http://{}/hook?from=pollux", self.address)).unwrap()
    }

    pub(super) async fn next(&mut self) -> Request {
        self.requests.recv().await.unwrap()
    }

    /// The bodies of what came and was not looked at, in order.
    pub(super) fn bodies(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.requests.try_recv().ok()).map(|request| request.body).collect()
    }
}

async fn accept(listener: TcpListener, answer: Arc<Answer>, requests: UnboundedSender<Request>) {
    let mut connections = JoinSet::new();
    let count = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    while let Ok((stream, _)) = listener.accept().await {
        let (answer, requests, count) = (answer.clone(), requests.clone(), count.clone());
        connections.spawn(async move {
            let next = || count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            serve(stream, &*answer, &requests, &next).await.unwrap_or_default();
        });
    }
}

/// Any number of requests on one connection. Returns when either side has enough.
async fn serve(
    mut stream: TcpStream,
    answer: &Answer,
    requests: &UnboundedSender<Request>,
    number: &(dyn Fn() -> usize + Sync),
) -> Option<()> {
    let mut bytes = Vec::new();
    loop {
        let request = read(&mut stream, &mut bytes).await?;
        let mut reply = answer(&request, number());
        requests.send(request).ok()?;
        if let Reply::Later(allowed) = &reply {
            allowed.notified().await;
            reply = FINE;
        }
        match reply {
            Reply::Says(status, headers, body) => {
                let text = format!("HTTP/1.1 {status} X\r\n{headers}content-length: {}\r\n\r\n{body}", body.len());
                stream.write_all(text.as_bytes()).await.ok()?;
            }
            Reply::Silence | Reply::Later(_) => std::future::pending().await,
            Reply::HangUp => return None,
        }
    }
}

async fn read(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> Option<Request> {
    let head_end = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at;
        }
        more(stream, bytes).await?;
    };
    let head = String::from_utf8(bytes.drain(..head_end + 4).collect()).unwrap();
    let mut lines = head.trim_end().lines();
    let line = lines.next()?.to_owned();
    let headers: BTreeMap<String, String> =
        lines.filter_map(|line| line.split_once(": ")).map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect();
    let length: usize = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    while bytes.len() < length {
        more(stream, bytes).await?;
    }
    let body = String::from_utf8(bytes.drain(..length).collect()).unwrap();
    Some(Request { line, headers, body })
}

async fn more(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> Option<()> {
    let mut chunk = [0; 4096];
    let count = stream.read(&mut chunk).await.ok()?;
    bytes.extend_from_slice(&chunk[..count]);
    (count > 0).then_some(())
}
