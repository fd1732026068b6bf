//! Which slot of a network is in which state: values only.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// The slots; one in none of the three states is free.
#[derive(Debug, Default)]
pub(super) struct Slots {
    lent: BTreeMap<u32, String>,
    ready: VecDeque<u32>,
    busy: BTreeSet<u32>,
}

impl Slots {
    /// Who has what.
    pub(super) fn lent(&self) -> impl Iterator<Item = (u32, &str)> {
        self.lent.iter().map(|(slot, name)| (*slot, name.as_str()))
    }

    /// How many are ready to be lent.
    pub(super) fn ready(&self) -> usize {
        self.ready.len()
    }

    /// Lends a ready slot to `name`, or tells which it has already; `None` if none is ready.
    pub(super) fn lend(&mut self, name: &str) -> Option<Lent> {
        let has = |(slot, lent_to): &(u32, &str)| *lent_to == name && !self.busy.contains(slot);
        if let Some((slot, _)) = self.lent().find(has) {
            return Some(Lent::Before(slot));
        }
        let slot = self.ready.pop_front()?;
        self.lent.insert(slot, name.to_owned());
        Some(Lent::Now(slot))
    }

    /// Takes over a lease of an earlier run.
    pub(super) fn restore(&mut self, slot: u32, name: String) {
        self.lent.insert(slot, name);
    }

    /// Takes the lowest free slot to make something of it.
    pub(super) fn begin(&mut self, capacity: u32) -> Option<u32> {
        let taken = |slot: &u32| {
            self.lent.contains_key(slot) || self.busy.contains(slot) || self.ready.contains(slot)
        };
        let slot = (0..capacity).find(|slot| !taken(slot))?;
        self.busy.insert(slot);
        Some(slot)
    }

    /// A slot that was busy or lent is ready.
    pub(super) fn set_ready(&mut self, slot: u32) {
        self.forget(slot);
        self.ready.push_back(slot);
    }

    /// Takes a lent slot to remove it; not if somebody else has it, or it is being removed already.
    pub(super) fn end(&mut self, slot: u32, name: &str) -> bool {
        self.lent.get(&slot).is_some_and(|lent_to| lent_to == name) && self.busy.insert(slot)
    }

    /// A slot that could not be removed is lent as before.
    pub(super) fn keep(&mut self, slot: u32) {
        self.busy.remove(&slot);
    }

    /// A slot is free.
    pub(super) fn forget(&mut self, slot: u32) {
        self.lent.remove(&slot);
        self.busy.remove(&slot);
        self.ready.retain(|ready| *ready != slot);
    }
}

/// A slot that is lent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lent {
    /// Just now.
    Now(u32),
    /// To the same name, before.
    Before(u32),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_goes_round() {
        let mut slots = Slots::default();
        assert_eq!(slots.lend("web.1"), None, "none is ready");
        assert_eq!(slots.begin(2), Some(0));
        assert_eq!(slots.begin(2), Some(1));
        assert_eq!(slots.begin(2), None, "both are busy");
        slots.set_ready(1);
        assert_eq!(slots.ready(), 1);
        assert_eq!(slots.lend("web.1"), Some(Lent::Now(1)));
        assert_eq!(slots.lend("web.1"), Some(Lent::Before(1)));
        assert_eq!(slots.begin(2), None, "one busy, one lent");
        assert!(!slots.end(1, "web.2"), "not its owner");
        assert!(slots.end(1, "web.1"));
        assert!(!slots.end(1, "web.1"), "once is enough");
        assert_eq!(slots.lend("web.1"), None, "what is being removed is not lent again");
        slots.keep(1);
        assert!(slots.end(1, "web.1"), "the first try failed");
        slots.forget(1);
        assert_eq!(slots.lent().count(), 0);
        assert_eq!(slots.begin(2), Some(1), "the lowest free one");
    }
}
