//! Alarms that no rule of the type raises: other twins do, or devices. Their id is `name:source`, which no rule's id can be.

use crate::alarm::When;
use crate::catalog::logic::RuleSpec;
use crate::twin::event::Event;
use crate::twin::input::Raised;
use crate::twin::recent::Fingerprint;

use super::{Follower, Moment};

impl Follower<'_> {
    /// Another twin raises an alarm here, or takes it back. Said twice, it is done once.
    pub(in crate::twin) fn raised(mut self, raised: &Raised) {
        let fingerprint = Fingerprint::named(&raised.key);
        if self.twin.recent.contains(fingerprint) {
            return;
        }
        let spec = RuleSpec::outside(&raised.alarm_id(), raised.severity, &raised.text);
        let when = When { at: raised.at, now: self.now };
        let moment = Moment::new(raised.at, &[]);
        if raised.is_over {
            self.decide(&spec, |watched, watch| watched.clear(watch, when), moment);
        } else {
            self.decide(&spec, |watched, watch| watched.fire(watch, when), moment);
        }
        self.push(Event::Heard(fingerprint));
    }
}
