//! The attempts under way: a slab whose occupied places form a queue in order of their start.
//!
//! All attempts have the same time, so the oldest is always the next to expire: no heap, no timer
//! each. Any place can be freed in constant time, and freed places are used again, so memory is
//! bounded by the most that were under way at once.

/// No place: the end of a chain.
const NONE: u32 = u32::MAX;

/// A place in the slab; doubles as the key of its socket in epoll.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place(u32);

impl From<Place> for u64 {
    fn from(place: Place) -> Self {
        place.0.into()
    }
}

#[derive(Debug)]
struct Node<A> {
    /// Empty in a free place.
    attempt: Option<A>,
    /// The next older one.
    previous: u32,
    /// The next younger one; in a free place, the next free one.
    next: u32,
}

/// Attempts in order of their start.
#[derive(Debug)]
pub(super) struct Pending<A> {
    nodes: Vec<Node<A>>,
    oldest: u32,
    youngest: u32,
    free: u32,
    count: usize,
}

impl<A> Pending<A> {
    pub(super) fn new() -> Self {
        Self {
            nodes: Vec::new(),
            oldest: NONE,
            youngest: NONE,
            free: NONE,
            count: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.count
    }

    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The one that began first.
    pub(super) fn oldest(&self) -> Option<(Place, &A)> {
        let attempt = self.nodes.get(self.oldest as usize)?.attempt.as_ref()?;
        Some((Place(self.oldest), attempt))
    }

    /// The attempt under an epoll key.
    pub(super) fn get(&self, key: u64) -> Option<(Place, &A)> {
        let place = u32::try_from(key).ok()?;
        Some((
            Place(place),
            self.nodes.get(place as usize)?.attempt.as_ref()?,
        ))
    }

    /// Adds the youngest; gives it back when the slab is full (4 billion places).
    pub(super) fn push(&mut self, attempt: A) -> Result<Place, A> {
        let place = match self.nodes.get(self.free as usize) {
            Some(_) => self.free,
            None => u32::try_from(self.nodes.len()).unwrap_or(NONE),
        };
        if place == NONE {
            return Err(attempt);
        }
        let node = Node {
            attempt: Some(attempt),
            previous: self.youngest,
            next: NONE,
        };
        match self.nodes.get_mut(place as usize) {
            Some(free) => {
                self.free = free.next;
                *free = node;
            }
            None => self.nodes.push(node),
        }
        self.link_after(self.youngest, place);
        self.youngest = place;
        self.count += 1;
        Ok(Place(place))
    }

    /// Takes one out, wherever it stands.
    pub(super) fn remove(&mut self, Place(place): Place) -> Option<A> {
        let node = self.nodes.get_mut(place as usize)?;
        let attempt = node.attempt.take()?;
        let (previous, next) = (node.previous, node.next);
        node.next = self.free;
        self.free = place;
        self.link_after(previous, next);
        self.link_before(next, previous);
        self.count -= 1;
        Some(attempt)
    }

    fn link_after(&mut self, place: u32, next: u32) {
        match self.nodes.get_mut(place as usize) {
            Some(node) => node.next = next,
            None => self.oldest = next,
        }
    }

    fn link_before(&mut self, place: u32, previous: u32) {
        match self.nodes.get_mut(place as usize) {
            Some(node) => node.previous = previous,
            None => self.youngest = previous,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// A queue from which any element may leave, checked against the obvious one.
        #[test]
        fn behaves_as_a_queue_with_removal(steps in proptest::collection::vec(0_usize..8, 0..200)) {
            let (mut pending, mut model, mut serial) = (Pending::new(), VecDeque::new(), 0);
            let mut most = 0;
            for step in steps {
                if step < 5 {
                    model.push_back((pending.push(serial).unwrap(), serial));
                    serial += 1;
                } else if let Some((place, value)) = model.remove(step % model.len().max(1)) {
                    prop_assert_eq!(pending.remove(place), Some(value));
                    prop_assert_eq!(pending.remove(place), None);
                }
                most = most.max(model.len());
                prop_assert_eq!(pending.len(), model.len());
                prop_assert_eq!(pending.oldest(), model.front().map(|(place, value)| (*place, value)));
                for (place, value) in &model {
                    prop_assert_eq!(pending.get(u64::from(*place)), Some((*place, value)));
                }
                prop_assert!(pending.nodes.len() <= most);
            }
        }
    }
}
