//! What somebody does to an alarm, on its way to the twin and back.

use tokio::sync::oneshot;

use crate::alarm::Verdict;
use crate::twin::Told;
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

    /// Switches one of a twin's rules on or off for it alone. `None`: there is no such twin.
    pub async fn switch(&self, twin: &str, rule: &str, enabled: bool) -> Result<Option<Verdict>, Unanswered> {
        let Some(resident) = self.shared.directory.by_id(twin) else { return Ok(None) };
        let (answer, verdict) = oneshot::channel();
        self.shared.directory.send(&resident, TwinMsg::Switch(rule.into(), enabled, answer));
        verdict.await.map(Some).map_err(|_| Unanswered(twin.to_owned()))
    }

    /// The twins of which some rule has something to say.
    pub fn alarmed(&self) -> Vec<std::sync::Arc<Cell>> {
        self.followers.alarmed.cells()
    }
}
