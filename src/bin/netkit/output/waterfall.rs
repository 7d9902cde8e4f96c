//! Bars that show when each stage ran, to scale.

use std::time::Duration;

/// Draws the part of `width` cells that lies between two moments of `total`.
///
/// A stage is never invisible: what is shorter than a cell gets a thin mark. The result is `width`
/// cells wide.
pub(crate) fn bar(start: Duration, end: Duration, total: Duration, width: usize) -> String {
    if width == 0 {
        return String::new();
    }
    let (first, last) = (
        cell(start, total, width),
        cell(end.max(start), total, width),
    );
    let cells = last - first;
    // A moment at the very end lies behind the last cell.
    let first = first.min(width - 1);
    let mark = if cells == 0 {
        "▏".to_owned()
    } else {
        "█".repeat(cells)
    };
    let rest = width - first - cells.max(1);
    format!("{}{mark}{}", " ".repeat(first), " ".repeat(rest))
}

/// The cell border nearest to a moment.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a share between 0 and 1 of a terminal's width"
)]
fn cell(at: Duration, total: Duration, width: usize) -> usize {
    if total.is_zero() {
        return 0;
    }
    let share = (at.as_secs_f64() / total.as_secs_f64()).min(1.0);
    (share * width as f64).round() as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    #[test]
    fn bars_are_to_scale() {
        assert_eq!(bar(ms(0), ms(50), ms(100), 10), "█████     ");
        assert_eq!(bar(ms(50), ms(100), ms(100), 10), "     █████");
        assert_eq!(bar(ms(50), ms(51), ms(100), 10), "     ▏    ");
        assert_eq!(bar(ms(100), ms(100), ms(100), 10), "         ▏");
        assert_eq!(bar(ms(0), ms(0), ms(0), 3), "▏  ");
    }

    proptest! {
        #[test]
        fn a_bar_has_its_width_and_a_mark(start: u32, end: u32, total: u32, width in 1_usize..200) {
            let [start, end, total] = [start, end, total].map(|n| ms(n.into()));
            let bar = bar(start, end, total, width);
            prop_assert_eq!(bar.chars().count(), width);
            prop_assert!(!bar.trim().is_empty());
        }
    }
}
