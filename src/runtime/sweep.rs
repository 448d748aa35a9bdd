//! Idle twins go to rest. One pass over all residents now and then, instead of a timer for each.

use std::sync::{Arc, Weak};
use std::time::Duration;

use super::Runtime;
use super::resident::Resident;
use super::twin_actor::TwinMsg;

/// The longest and shortest time between two passes.
const PASS_MAX: Duration = Duration::from_secs(15);
const PASS_MIN: Duration = Duration::from_millis(100);

pub(super) async fn run(runtime: Weak<Runtime>) {
    loop {
        let Some(pass) = runtime.upgrade().map(|runtime| runtime.shared.config.passivate_after / 4) else { return };
        tokio::time::sleep(pass.clamp(PASS_MIN, PASS_MAX)).await;
        let Some(runtime) = runtime.upgrade() else { return };
        sweep(&runtime);
    }
}

fn sweep(runtime: &Runtime) {
    let config = &runtime.shared.config;
    let idle_since = runtime.shared.clock.now().minus(config.passivate_after);
    let awake: Vec<Arc<Resident>> = runtime.shared.directory.all().into_iter().filter(|resident| resident.actor().is_some()).collect();
    let (idle, mut busy): (Vec<_>, Vec<_>) = awake.into_iter().partition(|resident| resident.is_idle(idle_since));
    let too_many = busy.len().saturating_sub(config.awake_twins_max);
    if too_many > 0 {
        busy.sort_by_key(|resident| resident.last_mail());
        busy.truncate(too_many);
    } else {
        busy.clear();
    }
    for resident in idle.iter().chain(&busy) {
        resident.send_quietly(TwinMsg::Rest);
    }
}
