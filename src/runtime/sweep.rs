//! Idle twins go to rest. One pass over all residents now and then, instead of a timer for each.

use std::sync::Weak;
use std::time::Duration;

use super::Runtime;
use super::twin_actor::TwinMsg;

/// The longest and shortest time between two passes.
const PASS_MAX: Duration = Duration::from_secs(60);
const PASS_MIN: Duration = Duration::from_millis(250);

pub async fn run(runtime: Weak<Runtime>) {
    loop {
        let Some(pass) = runtime.upgrade().map(|runtime| runtime.shared.config.passivate_after / 4) else { return };
        tokio::time::sleep(pass.clamp(PASS_MIN, PASS_MAX)).await;
        let Some(runtime) = runtime.upgrade() else { return };
        let idle_since = runtime.shared.clock.now().minus(runtime.shared.config.passivate_after);
        for resident in runtime.shared.directory.all() {
            if resident.is_idle(idle_since) && resident.actor().is_some() {
                resident.send_quietly(TwinMsg::Rest);
            }
        }
    }
}
