//! Programs that have a connection. Each leads a process group of its own, so that what it has started
//! ends with it, and no shell leaves the rest of its pipeline behind.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::sys;

/// Those that run, by the numbers of the leaders.
#[derive(Clone, Debug, Default)]
pub struct Programs(Arc<Mutex<BTreeSet<u32>>>);

impl Programs {
    /// Ends all of them, with what they have started.
    pub fn kill_all(&self) {
        for leader in std::mem::take(&mut *self.running()) {
            kill(leader);
        }
    }

    /// One runs.
    pub(crate) fn started(&self, leader: u32) {
        self.running().insert(leader);
    }

    /// It has ended and nobody else may have its number yet; what it has started goes on.
    pub(crate) fn ended(&self, leader: u32) {
        self.running().remove(&leader);
    }

    /// Ends one that has not been waited for yet: until then its number is nobody else's.
    pub(crate) fn kill(&self, leader: u32) {
        self.running().remove(&leader);
        kill(leader);
    }

    fn running(&self) -> MutexGuard<'_, BTreeSet<u32>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn kill(leader: u32) {
    // A group that is gone needs no end.
    let _ = sys::kill_group(leader);
}
