//! The slots of a twin in little room: most twins of a large plant have never been heard of, and what holds nothing takes none.

use crate::reading::SlotNo;

use super::state::Slot;

/// So many of a twin's first slots take room only once they hold something; a type with more has the rest in full.
const SPARSE: usize = u64::BITS as usize;

/// As many slots as the layout has, whether they take room or not.
#[derive(Debug, Clone, Default)]
pub struct Slots {
    /// Which of the first slots take room.
    held: u64,
    len: u16,
    /// Those of the first that take room, and all that come after, in order.
    room: Box<[Slot]>,
}

impl Slots {
    /// As many slots, all empty. A type has at most 4,096.
    pub fn empty(len: usize) -> Slots {
        let room = (SPARSE..len).map(|_| Slot::EMPTY).collect();
        Slots { held: 0, len: u16::try_from(len).unwrap_or(u16::MAX), room }
    }

    pub fn len(&self) -> usize {
        usize::from(self.len)
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub fn get(&self, slot: SlotNo) -> &Slot {
        const NONE: &Slot = &Slot::EMPTY;
        let index = slot.index();
        if index < SPARSE && self.held & (1 << index) == 0 { NONE } else { &self.room[self.place(index)] }
    }

    pub fn set(&mut self, slot: SlotNo, value: Slot) {
        let index = slot.index();
        let place = self.place(index);
        if index >= SPARSE || self.held & (1 << index) != 0 {
            self.room[place] = value;
        } else {
            let mut room = std::mem::take(&mut self.room).into_vec();
            room.insert(place, value);
            self.room = room.into_boxed_slice();
            self.held |= 1 << index;
        }
    }

    fn place(&self, index: usize) -> usize {
        let held = |below: u64| (self.held & below).count_ones() as usize;
        match index.checked_sub(SPARSE) {
            None => held((1 << index) - 1),
            Some(behind) => held(u64::MAX) + behind,
        }
    }

    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Slot> {
        (0..self.len).map(|index| self.get(SlotNo(index)))
    }
}

/// Whether an empty slot takes room or not makes no difference.
impl PartialEq for Slots {
    fn eq(&self, other: &Slots) -> bool {
        self.len == other.len && self.iter().eq(other.iter())
    }
}

impl FromIterator<Slot> for Slots {
    fn from_iter<I: IntoIterator<Item = Slot>>(slots: I) -> Slots {
        let mut made = Slots::default();
        let mut room = Vec::new();
        for slot in slots {
            let index = usize::from(made.len);
            if index >= SPARSE {
                room.push(slot);
            } else if slot != Slot::EMPTY {
                made.held |= 1 << index;
                room.push(slot);
            }
            made.len = made.len.saturating_add(1);
        }
        made.room = room.into_boxed_slice();
        made
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reading::Value;

    fn holding(value: i64) -> Slot {
        Slot { value: Some(Value::Int(value)), ..Slot::EMPTY }
    }

    /// Against a plain list, in an order that goes back and forth over the border.
    #[test]
    fn slots_hold_what_a_list_would() {
        for len in [1_usize, 8, 63, 64, 65, 200] {
            let (mut slots, mut list) = (Slots::empty(len), vec![Slot::EMPTY; len]);
            assert!(slots.iter().eq(&list));
            for step in 0..3 * len {
                let index = step * 7919 % len;
                let slot = if step % 5 == 4 { Slot::EMPTY } else { holding(step as i64) };
                slots.set(SlotNo(index as u16), slot.clone());
                list[index] = slot;
                assert!(slots.iter().eq(&list), "{len} slots after {step} steps");
                assert_eq!(slots, list.iter().cloned().collect());
            }
        }
    }
}
