//! Packets of a sender that asks once and is answered once, such as an HTTP request: offered as far as permits go, and waited for until it is known
//! what has become of each.

use std::sync::Arc;

use crate::reading::Seq;

use super::{Fault, Lane, Line, Outcome, Packet, Permits, Refused, Settled, Ticket};

/// How often a packet is offered again when its twin died with it.
const OFFERS_MAX: u32 = 3;

/// What has become of each packet, in their order, after the gate. Given up in between, it gives its permits back; what was offered goes on.
pub async fn offer_all(mut lane: Box<dyn Lane>, permits: &Permits, packets: &[Packet]) -> Vec<Outcome> {
    let line = Line::new();
    let mut permits = HeldPermits { permits, count: 0 };
    let mut outcomes = Vec::with_capacity(packets.len());
    let mut settled = Vec::new();
    let (mut offered, mut again) = (0, 0);
    while outcomes.len() < packets.len() {
        let nothing_is_under_way = offered == outcomes.len();
        if nothing_is_under_way {
            permits.wait_for_one().await;
            lane.offer(&packets[offered], line.issue());
            offered += 1;
        }
        while offered < packets.len() && permits.try_one() {
            lane.offer(&packets[offered], line.issue());
            offered += 1;
        }
        lane.flush();
        line.take(&mut settled);
        if settled.is_empty() {
            line.settled().await;
        }
        for (ticket, what) in settled.drain(..) {
            match what {
                Settled::Done(outcome) => {
                    permits.give_back(1);
                    outcomes.push(outcome);
                    again = 0;
                }
                Settled::Again(receipt) if again < OFFERS_MAX => {
                    again += 1;
                    lane.offer(&packets[index(ticket)], receipt);
                }
                Settled::Again(receipt) => {
                    if let Some(bell) = receipt.settle(Outcome::Rejected { seq: Seq(0), refused: Arc::new(busy()) }) {
                        bell.ring();
                    }
                }
            }
        }
    }
    outcomes
}

/// The line is made for these packets, so its tickets count them.
fn index(Ticket(ticket): Ticket) -> usize {
    usize::try_from(ticket).unwrap_or(usize::MAX)
}

fn busy() -> Refused {
    let message = "the twin could not take the reading; send it again later".to_owned();
    Refused { fault: Fault::Busy, code: "TWIN_UNAVAILABLE", message }
}

/// Permits that go back also when the request is given up.
struct HeldPermits<'a> {
    permits: &'a Permits,
    count: usize,
}

impl HeldPermits<'_> {
    fn try_one(&mut self) -> bool {
        let taken = self.permits.try_take();
        self.count += usize::from(taken);
        taken
    }

    async fn wait_for_one(&mut self) {
        self.permits.take().await;
        self.count += 1;
    }

    fn give_back(&mut self, count: usize) {
        self.permits.give_back(count);
        self.count -= count;
    }
}

impl Drop for HeldPermits<'_> {
    fn drop(&mut self) {
        self.permits.give_back(self.count);
    }
}
