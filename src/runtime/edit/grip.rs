//! Holding twins still while they are changed together.
//!
//! A resting twin is taken out of its place and put back. An awake one hands out its state and waits in the middle of its mail; it goes on with
//! what it is told it has become, or as it was when nobody tells it anything. It never waits for longer than the editor: whatever becomes of
//! that one, the other end of the channel goes with it.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::oneshot;

use crate::twin::Twin;

use super::Error;
use crate::runtime::directory::Directory;
use crate::runtime::resident::Resident;
use crate::runtime::twin_actor::TwinMsg;

/// How long twins may take to come to the editor's message through their mail.
const HOLD_WAIT_MAX: Duration = Duration::from_secs(5);

/// Mail for an actor: hand out your state and wait.
#[derive(Debug)]
pub struct Hold(oneshot::Sender<Handover>);

#[derive(Debug)]
struct Handover {
    twin: Twin,
    verdict: oneshot::Sender<Verdict>,
}

#[derive(Debug)]
enum Verdict {
    /// `apply` has made it of the state that was handed out.
    Become(Box<Twin>),
    /// The twin is no more.
    End,
}

impl Hold {
    /// Called by the twin's actor. Whether the twin has ended.
    pub(in crate::runtime) async fn out(self, twin: &mut Twin) -> bool {
        let (verdict, answer) = oneshot::channel();
        if self.0.send(Handover { twin: twin.face(), verdict }).is_err() {
            return false;
        }
        match answer.await {
            Ok(Verdict::Become(face)) => twin.put_on(*face),
            Ok(Verdict::End) => return true,
            Err(_) => {}
        }
        false
    }
}

/// One twin held still. Dropped, it goes on as it was.
#[derive(Debug)]
pub(super) struct Grip {
    pub(super) resident: Arc<Resident>,
    directory: Arc<Directory>,
    held: Held,
}

#[derive(Debug)]
enum Held {
    Resting(Option<Box<Twin>>),
    Awake { twin: Box<Twin>, verdict: Option<oneshot::Sender<Verdict>> },
}

impl Grip {
    /// Takes hold of all, or of none.
    pub(super) async fn all(residents: Vec<Arc<Resident>>, directory: &Arc<Directory>) -> Result<Vec<Grip>, Error> {
        let mut grips = Vec::with_capacity(residents.len());
        let mut asked = Vec::new();
        for resident in residents {
            match resident.take_resting() {
                Some(twin) => grips.push(Grip { resident, directory: directory.clone(), held: Held::Resting(Some(twin)) }),
                None => {
                    let (sender, handover) = oneshot::channel();
                    directory.send(&resident, TwinMsg::Hold(Hold(sender)));
                    asked.push(async move { (handover.await, resident) });
                }
            }
        }
        let late = |_| Error::Unavailable(format!("a twin did not come to this change within {HOLD_WAIT_MAX:?}; try again"));
        for (handover, resident) in tokio::time::timeout(HOLD_WAIT_MAX, join_all(asked)).await.map_err(late)? {
            let Ok(Handover { twin, verdict }) = handover else {
                return Err(Error::Unavailable(format!(
                    "`{}` has crashed and is being rebuilt, or left alone for a while; try again",
                    resident.id
                )));
            };
            grips.push(Grip { resident, directory: directory.clone(), held: Held::Awake { twin: Box::new(twin), verdict: Some(verdict) } });
        }
        Ok(grips)
    }

    /// The twin as it is held, to be planned with.
    pub(super) fn face(&self) -> Option<Twin> {
        match &self.held {
            Held::Resting(twin) => twin.as_ref().map(|twin| twin.face()),
            Held::Awake { twin, .. } => Some(twin.face()),
        }
    }

    /// Whether the twin is still as it was handed out. One whose actor has crashed meanwhile is rebuilt, and goes on without us.
    pub(super) fn stands(&self) -> bool {
        match &self.held {
            Held::Resting(twin) => twin.is_some(),
            Held::Awake { verdict, .. } => verdict.as_ref().is_some_and(|verdict| !verdict.is_closed()),
        }
    }

    /// The change is written. An actor that has crashed since is rebuilt with it.
    pub(super) fn become_now(mut self, face: Twin) {
        match &mut self.held {
            Held::Resting(twin) => {
                if let Some(twin) = twin {
                    twin.put_on(face);
                }
            }
            Held::Awake { verdict, .. } => {
                verdict.take().map(|verdict| verdict.send(Verdict::Become(Box::new(face))).ok());
            }
        }
    }

    /// The deletion is written.
    pub(super) fn end(mut self) {
        self.resident.end();
        match &mut self.held {
            Held::Resting(twin) => *twin = None,
            Held::Awake { verdict, .. } => {
                verdict.take().map(|verdict| verdict.send(Verdict::End).ok());
            }
        }
    }
}

impl Drop for Grip {
    fn drop(&mut self) {
        if let Held::Resting(twin) = &mut self.held
            && let Some(twin) = twin.take()
        {
            self.directory.give_back(&self.resident, twin);
        }
    }
}
