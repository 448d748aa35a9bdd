//! What somebody does to an alarm or a rule, on its way to the twin and back.

use tokio::sync::oneshot;

use crate::alarm::Verdict;
use crate::twin::{Forced, Managed, Told};
use crate::view::Cell;

use super::Runtime;
use super::twin_actor::TwinMsg;

#[derive(Debug, thiserror::Error)]
#[error("the twin `{0}` does not answer")]
pub struct Unanswered(String);

impl Runtime {
    /// `None`: there is no such twin. What was done is in the journal behind [`crate::journal::Journal::durable`].
    pub async fn tell(&self, twin: &str, told: Told) -> Result<Option<Verdict>, Unanswered> {
        let Some(resident) = self.shared.directory.by_id(twin) else { return Ok(None) };
        let (answer, verdict) = oneshot::channel();
        self.shared.directory.send(&resident, TwinMsg::Tell(Box::new(told), answer));
        verdict.await.map(Some).map_err(|_| Unanswered(twin.to_owned()))
    }

    /// `None`: there is no such twin. What was done is in the journal as with [`Runtime::tell`].
    pub async fn manage(&self, twin: &str, managed: Managed) -> Result<Option<Verdict>, Unanswered> {
        let Some(resident) = self.shared.directory.by_id(twin) else { return Ok(None) };
        let (answer, verdict) = oneshot::channel();
        self.shared.directory.send(&resident, TwinMsg::Manage(Box::new(managed), answer));
        verdict.await.map(Some).map_err(|_| Unanswered(twin.to_owned()))
    }

    /// `None`: there is no such twin; else why it was refused, if it was. What was done is in the journal as with [`Runtime::tell`].
    pub async fn force(&self, twin: &str, forced: Forced) -> Result<Option<Option<String>>, Unanswered> {
        let Some(resident) = self.shared.directory.by_id(twin) else { return Ok(None) };
        let (answer, refused) = oneshot::channel();
        self.shared.directory.send(&resident, TwinMsg::Force(Box::new(forced), answer));
        refused.await.map(Some).map_err(|_| Unanswered(twin.to_owned()))
    }

    /// The twins that have an open alarm.
    pub fn alarmed(&self) -> Vec<std::sync::Arc<Cell>> {
        self.followers.alarmed.open()
    }

    /// The twins that keep closed ones.
    pub fn once_alarmed(&self) -> Vec<std::sync::Arc<Cell>> {
        self.followers.alarmed.closed()
    }
}
