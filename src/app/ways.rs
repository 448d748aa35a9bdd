//! The ways out of the program: what the runtime hands over, each edge takes in its own manner.

use std::sync::Arc;

use crate::ingress::mqtt::Endpoint;
use crate::runtime::outbox::{Call, Outlet};
use crate::twin::Ending;

#[derive(Debug)]
pub(super) struct Ways {
    /// `None` if the embedded endpoint is switched off: then nobody listens.
    pub mqtt: Option<Arc<Endpoint>>,
}

impl Outlet for Ways {
    fn publish(&self, topic: &str, payload: &[u8], _retain: bool) {
        if let Some(mqtt) = &self.mqtt {
            mqtt.publish(topic, payload);
        }
    }

    fn call(&self, call: Call) {
        let Call { hook, ended, .. } = call;
        ended(Ending::Failed(format!("there is no [[webhook]] named `{hook}` in pollux.toml")));
    }
}
