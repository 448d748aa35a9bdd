//! The fingerprint of a type's form: while it is the same, what is stored under it can be read.

use xxhash_rust::xxh3::Xxh3;

use crate::catalog::layout::{SlotSpec, ValueType};
use crate::catalog::logic::Logic;

use super::value_type::type_word;

/// Of what stored twins depend on: whose form it is, the slots, their types and units, in order, and what follows from them. Two types may say the
/// same of their members, or nothing; what is stored under one of them is no twin of the other.
pub(super) fn fingerprint(name: &str, slots: &[SlotSpec], logic: &Logic) -> u64 {
    let mut hash = Xxh3::new();
    let mut word = |text: &str| {
        hash.update(text.as_bytes());
        hash.update(&[0]);
    };
    word(name);
    for slot in slots {
        word(&slot.path);
        word(slot.section.as_str());
        word(type_word(&slot.value_type));
        word(slot.unit.as_ref().map_or("", |unit| unit.symbol()));
        if let ValueType::Enum(values) = &slot.value_type {
            values.iter().for_each(|value| word(&value.name));
        }
    }
    for computed in &logic.computed {
        hash.update(&computed.value.meaning.to_le_bytes());
    }
    for rollup in logic.all_rollups() {
        hash.update(&rollup.meaning.to_le_bytes());
    }
    for window in &logic.windows {
        hash.update(&window.meaning.to_le_bytes());
    }
    for spec in &logic.rules {
        hash.update(spec.rule.id.as_bytes());
        hash.update(&spec.rule.version.to_le_bytes());
        hash.update(&[u8::from(spec.rule.enabled)]);
    }
    for view in &logic.views {
        hash.update(&view.reorder.to_le_bytes());
        for slots in [&view.members, &view.firsts, &view.computed, &view.windows, &view.rules] {
            slots.iter().for_each(|slot| hash.update(&slot.to_le_bytes()));
            hash.update(&[0xff]);
        }
    }
    hash.digest()
}
