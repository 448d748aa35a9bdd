//! The ways out of the program: what the runtime hands over, each edge takes in its own manner.

use std::sync::Arc;

use crate::ingress::mqtt::Endpoint;
use crate::runtime::outbox::{Call, Outlet};
use crate::twin::Ending;
use crate::webhook::{Delivery, End, Hooks, Refused};

#[derive(Debug)]
pub(super) struct Ways {
    /// `None` if the embedded endpoint is switched off: then nobody listens.
    pub mqtt: Option<Arc<Endpoint>>,
    pub hooks: Arc<Hooks>,
}

impl Outlet for Ways {
    fn publish(&self, topic: &str, payload: &[u8], _retain: bool) {
        if let Some(mqtt) = &self.mqtt {
            mqtt.publish(topic, payload);
        }
    }

    fn call(&self, call: Call) {
        let Call { hook, key, body, asked_at, ended } = call;
        // Whoever refuses does not take the word for its end along.
        let ended = Arc::new(parking_lot::Mutex::new(Some(ended)));
        let told = {
            let ended = ended.clone();
            Box::new(move |end: End| {
                if let Some(ended) = ended.lock().take() {
                    ended(ending(end));
                }
            })
        };
        if let Err(refused) = self.hooks.send(&hook, Delivery { key, body, asked_at }, told)
            && let Some(ended) = ended.lock().take()
        {
            ended(match refused {
                Refused::Unknown { .. } | Refused::TooLarge { .. } => Some(Ending::Failed(refused.to_string())),
                Refused::Full { .. } | Refused::Stopping => None,
            });
        }
    }
}

fn ending(end: End) -> Option<Ending> {
    match end {
        End::Delivered { .. } => Some(Ending::Done),
        End::GivenUp { reason, attempts } => Some(Ending::Failed(format!("given up after {attempts} attempts: {reason}"))),
        End::Stopped => None,
    }
}
