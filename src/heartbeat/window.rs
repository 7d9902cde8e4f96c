//! The loss over the last minute and the last five: counts in fixed memory.

use std::time::Duration;

/// One cell of the ring.
const CELL: Duration = Duration::from_secs(5);
/// Five minutes of cells.
const CELLS: usize = 60;

/// Beats and losses by the five seconds in which they were decided.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Window {
    cells: [Cell; CELLS],
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Cell {
    /// Which five seconds since the start.
    number: u64,
    beats: u32,
    lost: u32,
}

impl Window {
    pub(super) fn new() -> Self {
        Self {
            cells: [Cell::default(); CELLS],
        }
    }

    pub(super) fn record(&mut self, at: Duration, lost: bool) {
        let number = number(at);
        let place = usize::try_from(number % CELLS as u64).unwrap_or(0);
        let cell = &mut self.cells[place];
        if cell.number != number {
            *cell = Cell {
                number,
                ..Cell::default()
            };
        }
        cell.beats = cell.beats.saturating_add(1);
        cell.lost = cell.lost.saturating_add(lost.into());
    }

    /// The loss over the last `span` (at most five minutes, to five seconds), in percent; `None`
    /// without beats.
    pub(super) fn loss_pct(&self, at: Duration, span: Duration) -> Option<f64> {
        let now = number(at);
        let first = now.saturating_sub(number(span).saturating_sub(1));
        let within = |cell: &&Cell| (first..=now).contains(&cell.number);
        let (beats, lost) = self
            .cells
            .iter()
            .filter(within)
            .fold((0_u64, 0_u64), |(beats, lost), cell| {
                (beats + u64::from(cell.beats), lost + u64::from(cell.lost))
            });
        super::fold::percent(lost, beats)
    }
}

fn number(at: Duration) -> u64 {
    at.as_secs() / CELL.as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn what_is_older_than_the_span_is_forgotten() {
        let mut window = Window::new();
        for second in 0..600 {
            window.record(s(second), (290..300).contains(&second));
        }
        assert_eq!(
            window.loss_pct(s(300), s(60)),
            Some(0.0),
            "the ring holds the last five minutes"
        );
        let mut window = Window::new();
        for second in 0..120 {
            window.record(s(second), second < 60);
        }
        assert_eq!(window.loss_pct(s(119), s(60)), Some(0.0));
        assert_eq!(window.loss_pct(s(119), s(300)), Some(50.0));
        assert_eq!(Window::new().loss_pct(s(9), s(60)), None);
    }
}
