//! From events to the report: the one place where they meet.

use super::event::Event;
use super::report::Report;
use crate::event::Stamped;

impl Report {
    /// Applies one event.
    pub fn apply(&mut self, event: &Stamped<Event>) {
        match &event.event {
            Event::Listening(facts) => self.listeners.push(facts.clone()),
            Event::Stats(totals) => {
                self.totals = (**totals).clone();
            }
            Event::Draining { by, open } => {
                self.ended_by = Some(*by);
                self.open_at_stop = Some(*open);
            }
            // Single connections are counted by the workers: the totals hold them.
            Event::Opened(_)
            | Event::Rejected { .. }
            | Event::Data { .. }
            | Event::Fault { .. }
            | Event::Upstream(_)
            | Event::Proxied(_)
            | Event::Secured(_)
            | Event::Mirror(_)
            | Event::Piece(_)
            | Event::Exhausted { .. }
            | Event::Closed(_)
            | Event::Ended => {}
        }
    }
}
