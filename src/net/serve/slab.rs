//! Where a worker keeps its connections: chunks that never move, so that growing costs no copy and
//! no memory twice.

/// Connections in one chunk.
const CHUNK: usize = 256;

/// A place and the generation of its tenant: an event for one that has left does not reach the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) index: u32,
    pub(super) generation: u32,
}

#[derive(Debug)]
struct Place<T> {
    generation: u32,
    tenant: Tenant<T>,
}

#[derive(Debug)]
enum Tenant<T> {
    Taken(T),
    /// The next free place.
    Free(Option<u32>),
}

/// Values under keys.
#[derive(Debug)]
pub(super) struct Slab<T> {
    chunks: Vec<Vec<Place<T>>>,
    free: Option<u32>,
    len: usize,
}

impl<T> Slab<T> {
    pub(super) fn new() -> Self {
        Self {
            chunks: Vec::new(),
            free: None,
            len: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// How many places there are, free ones included.
    pub(super) fn places(&self) -> usize {
        let last = self.chunks.last().map_or(0, Vec::len);
        self.chunks.len().saturating_sub(1) * CHUNK + last
    }

    pub(super) fn insert(&mut self, value: T) -> Key {
        self.len += 1;
        if let Some(index) = self.free {
            let place = &mut self.chunks[index as usize / CHUNK][index as usize % CHUNK];
            if let Tenant::Free(next) = place.tenant {
                self.free = next;
            }
            place.tenant = Tenant::Taken(value);
            let generation = place.generation;
            return Key { index, generation };
        }
        if self.chunks.last().is_none_or(|chunk| chunk.len() == CHUNK) {
            self.chunks.push(Vec::with_capacity(CHUNK));
        }
        let index = u32::try_from(self.places()).unwrap_or(u32::MAX);
        let tenant = Tenant::Taken(value);
        if let Some(chunk) = self.chunks.last_mut() {
            chunk.push(Place {
                generation: 0,
                tenant,
            });
        }
        Key {
            index,
            generation: 0,
        }
    }

    fn place(&mut self, key: Key) -> Option<&mut Place<T>> {
        let chunk = self.chunks.get_mut(key.index as usize / CHUNK)?;
        let place = chunk.get_mut(key.index as usize % CHUNK)?;
        (place.generation == key.generation).then_some(place)
    }

    pub(super) fn get(&mut self, key: Key) -> Option<&mut T> {
        match &mut self.place(key)?.tenant {
            Tenant::Taken(value) => Some(value),
            Tenant::Free(_) => None,
        }
    }

    /// What is at a place, whoever it is.
    pub(super) fn at(&mut self, index: usize) -> Option<(Key, &mut T)> {
        let place = self.chunks.get_mut(index / CHUNK)?.get_mut(index % CHUNK)?;
        let generation = place.generation;
        match &mut place.tenant {
            Tenant::Taken(value) => {
                let index = u32::try_from(index).ok()?;
                Some((Key { index, generation }, value))
            }
            Tenant::Free(_) => None,
        }
    }

    pub(super) fn remove(&mut self, key: Key) -> Option<T> {
        let free = self.free;
        let place = self.place(key)?;
        if matches!(place.tenant, Tenant::Free(_)) {
            return None;
        }
        let Tenant::Taken(value) = std::mem::replace(&mut place.tenant, Tenant::Free(free)) else {
            return None;
        };
        place.generation = place.generation.wrapping_add(1) & GENERATIONS;
        self.free = Some(key.index);
        self.len -= 1;
        Some(value)
    }
}

/// Generations wrap here: the upper bits of an event's key say what it is about.
pub(super) const GENERATIONS: u32 = 0x3fff_ffff;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_key_of_one_who_left_does_not_lead_to_the_next() {
        let mut slab = Slab::new();
        let first = slab.insert("a");
        assert_eq!(slab.remove(first), Some("a"));
        let second = slab.insert("b");
        assert_eq!(second.index, first.index);
        assert_eq!(slab.get(first), None);
        assert_eq!(slab.remove(first), None);
        assert_eq!(slab.get(second), Some(&mut "b"));
    }

    proptest! {
        #[test]
        fn behaves_as_a_map(steps in proptest::collection::vec(any::<(bool, u16)>(), 0..2_000)) {
            let (mut slab, mut model) = (Slab::new(), Vec::new());
            for (insert, value) in steps {
                if insert || model.is_empty() {
                    model.push((slab.insert(value), value));
                } else {
                    let (key, value) = model.swap_remove(usize::from(value) % model.len());
                    prop_assert_eq!(slab.remove(key), Some(value));
                }
            }
            prop_assert_eq!(slab.len(), model.len());
            prop_assert!(slab.places() >= slab.len());
            for (key, mut value) in model {
                prop_assert_eq!(slab.get(key), Some(&mut value));
                prop_assert_eq!(slab.at(key.index as usize), Some((key, &mut value)));
            }
        }
    }
}
