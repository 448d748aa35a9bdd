//! What a connection has sent and not yet seen acknowledged.

/// One slot per packet id, `1..=size`. Times are nanoseconds since the start of the run.
#[derive(Debug)]
pub(super) struct Window {
    /// 0: the slot is free; otherwise the time plus one.
    sent_at: Box<[u64]>,
    free: Vec<u16>,
}

impl Window {
    pub(super) fn new(size: u16) -> Window {
        Window { sent_at: vec![0; usize::from(size)].into_boxed_slice(), free: (1..=size).rev().collect() }
    }

    pub(super) fn free(&self) -> usize {
        self.free.len()
    }

    pub(super) fn waiting(&self) -> usize {
        self.sent_at.len() - self.free.len()
    }

    /// The packet id for a message whose clock starts at `nanos`, or `None` while the window is full.
    pub(super) fn take(&mut self, nanos: u64) -> Option<u16> {
        let id = self.free.pop()?;
        self.sent_at[usize::from(id) - 1] = nanos + 1;
        Some(id)
    }

    /// When the acknowledged message's clock started; `None` for an id that is not in flight.
    pub(super) fn release(&mut self, id: u16) -> Option<u64> {
        let slot = self.sent_at.get_mut(usize::from(id).checked_sub(1)?)?;
        let nanos = slot.checked_sub(1)?;
        *slot = 0;
        self.free.push(id);
        Some(nanos)
    }

    /// Empties the window for a new session and says how many messages were never acknowledged.
    pub(super) fn reset(&mut self) -> usize {
        let lost = self.waiting();
        self.sent_at.fill(0);
        self.free.clear();
        self.free.extend((1..=self.sent_at.len() as u16).rev());
        lost
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_given_again_only_after_its_acknowledgement() {
        let mut window = Window::new(2);
        let (a, b) = (window.take(10).unwrap(), window.take(20).unwrap());
        assert_ne!(a, b);
        assert_eq!(window.take(30), None);
        assert_eq!(window.release(b), Some(20));
        assert_eq!(window.release(b), None);
        assert_eq!(window.release(0), None);
        assert_eq!(window.release(9), None);
        assert_eq!(window.take(0), Some(b));
        assert_eq!(window.reset(), 2);
        assert_eq!(window.free(), 2);
    }
}
