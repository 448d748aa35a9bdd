//! The door to the parser: one thread with a large stack, because the parser is recursive and the caller's stack may be small.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread;

use super::parse;
use super::problem::Problem;
use super::scan;
use super::syntax::Parsed;

/// Room for the deepest nesting that the scan lets through, many times over, in a debug build.
const STACK_BYTES: usize = 64 * 1024 * 1024;
/// Texts that wait for the parser; whoever comes then waits for room.
const REQUESTS_MAX: usize = 16;

/// Reads expressions. Cheap to clone; its thread ends with the last of the clones.
#[derive(Debug, Clone)]
pub struct Compiler {
    requests: SyncSender<Request>,
}

#[derive(Debug)]
struct Request {
    source: String,
    reply: SyncSender<Result<Parsed, Vec<Problem>>>,
}

impl Compiler {
    pub fn start() -> io::Result<Compiler> {
        let (requests, inbox) = mpsc::sync_channel(REQUESTS_MAX);
        thread::Builder::new().name("expressions".to_owned()).stack_size(STACK_BYTES).spawn(move || serve(&inbox))?;
        Ok(Compiler { requests })
    }

    /// The tree of a text. Never panics and never overflows a stack, whatever the text.
    pub fn parse(&self, source: &str) -> Result<Parsed, Vec<Problem>> {
        // Before the copy: a text that is too large does not travel.
        scan::scan(source).map_err(|problem| vec![problem])?;
        let (reply, answer) = mpsc::sync_channel(1);
        let unread = || vec![Problem::new("E701", 0..source.len(), "the expression does not parse: the parser gave up on it")];
        self.requests.send(Request { source: source.to_owned(), reply }).map_err(|_| unread())?;
        answer.recv().map_err(|_| unread())?
    }
}

fn serve(inbox: &Receiver<Request>) {
    while let Ok(Request { source, reply }) = inbox.recv() {
        // A panic of the parser drops the reply unsent, which the caller sees; nothing is shared between two requests.
        let answer = catch_unwind(AssertUnwindSafe(|| parse::parse(&source)));
        if let Ok(parsed) = answer {
            // The caller may have gone; then nobody wants to know.
            drop(reply.send(parsed));
        }
    }
}
