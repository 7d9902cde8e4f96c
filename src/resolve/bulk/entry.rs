//! The names under way: one entry each, in a slab whose places and buffers are used again.

use std::time::Duration;

use super::keeps::Stored;
use super::tries::Key;
use crate::resolve::ledger::Trigger;

/// Everything about a name under way.
#[derive(Debug, Default)]
pub(super) struct Entry {
    generation: u32,
    pub(super) seq: u64,
    pub(super) text: String,
    /// The question in wire format, its id zero.
    pub(super) query: Vec<u8>,
    pub(super) qtype: u16,
    /// When it was taken in.
    pub(super) since: Duration,
    /// When something has to be done about it.
    pub(super) due: Duration,
    /// Datagrams sent.
    pub(super) sent: u32,
    /// Those that wait for a reply: server and serial number.
    pub(super) live: Vec<(usize, u64)>,
    /// The last of those that was counted as lost.
    pub(super) given_up: Option<(usize, u64)>,
    /// The server asked last.
    pub(super) last: Option<usize>,
    /// Servers that answered with an error, a bit each (the first 64).
    pub(super) failed: u64,
    /// The best reply that is not good enough.
    pub(super) best: Option<Stored>,
    pub(super) over_tcp: OverTcp,
    /// Why TCP was tried.
    pub(super) tcp_reason: Option<Trigger>,
    /// Whether it waits for room to be sent.
    pub(super) queued: bool,
    /// Times the system said that nobody listens.
    pub(super) refused: u32,
    /// Whether a reply came that is broken.
    pub(super) malformed: bool,
    /// Whether OPT was left out because a server did not like it.
    pub(super) plain: bool,
    /// The error of the last datagram that could not be sent.
    pub(super) errno: Option<i32>,
    /// The hash under which the cache knows that it is asked.
    pub(super) hash: Option<u64>,
    /// Others that ask the same: number and text.
    pub(super) followers: Vec<(u64, String)>,
}

/// Where TCP stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum OverTcp {
    /// Not tried.
    #[default]
    Unused,
    Running,
    Failed,
}

impl Entry {
    /// Whether this server has answered with an error.
    pub(super) fn has_failed(&self, lane: usize) -> bool {
        lane < 64 && self.failed & 1 << lane != 0
    }

    pub(super) fn mark_failed(&mut self, lane: usize) {
        if lane < 64 {
            self.failed |= 1 << lane;
        }
    }

    /// Makes it as new, its buffers kept.
    fn reset(&mut self) {
        let Self {
            generation,
            mut text,
            mut query,
            mut live,
            mut followers,
            ..
        } = std::mem::take(self);
        text.clear();
        query.clear();
        live.clear();
        followers.clear();
        *self = Self {
            generation: generation.wrapping_add(1),
            text,
            query,
            live,
            followers,
            ..Self::default()
        };
    }
}

/// The entries.
#[derive(Debug, Default)]
pub(super) struct Slab {
    entries: Vec<Entry>,
    free: Vec<u32>,
}

impl Slab {
    /// Entries in use.
    pub(super) fn len(&self) -> usize {
        self.entries.len() - self.free.len()
    }

    /// An entry that is as new.
    pub(super) fn take(&mut self) -> Key {
        let place = self.free.pop().unwrap_or_else(|| {
            self.entries.push(Entry::default());
            u32::try_from(self.entries.len() - 1).unwrap_or(u32::MAX)
        });
        let generation = self.entries[place as usize].generation;
        Key { place, generation }
    }

    /// Gives an entry back: its key is nobody's from now on.
    pub(super) fn release(&mut self, key: Key) {
        if let Some(entry) = self.get_mut(key) {
            entry.reset();
            self.free.push(key.place);
        }
    }

    pub(super) fn get(&self, key: Key) -> Option<&Entry> {
        let entry = self.entries.get(key.place as usize)?;
        (entry.generation == key.generation).then_some(entry)
    }

    pub(super) fn get_mut(&mut self, key: Key) -> Option<&mut Entry> {
        let entry = self.entries.get_mut(key.place as usize)?;
        (entry.generation == key.generation).then_some(entry)
    }

    /// The entry of a key, and another one in use at a place.
    pub(super) fn pair(&mut self, key: Key, place: u32) -> Option<[&mut Entry; 2]> {
        let places = [key.place as usize, place as usize];
        self.entries.get_disjoint_mut(places).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_nobodys_once_its_entry_is_given_back() {
        let mut slab = Slab::default();
        let first = slab.take();
        slab.get_mut(first).unwrap().text.push_str("one");
        slab.release(first);
        assert!(slab.get(first).is_none());
        let second = slab.take();
        assert_eq!((second.place, slab.len()), (first.place, 1));
        assert!(slab.get(second).unwrap().text.is_empty());
        slab.release(first);
        assert!(slab.get(second).is_some(), "an old key releases nothing");
    }
}
