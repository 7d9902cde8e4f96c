//! One table of all targets, redrawn in place.
//!
//! A frame begins by going back over the last one, so that the scrollback stays clean; it is never
//! higher than the terminal, where going back would miss.

use std::time::Duration;

use netkit::heartbeat::Tally;
use netkit::heartbeat::report::Summary;
use netkit::time::Millis;

use super::{tone, word};
use crate::output::View;
use crate::output::style::Tone;
use crate::output::table::{Align, Table};
use crate::output::text::cut;

/// Notices that are kept below the table.
const NOTICES: usize = 4;
/// Lines around the rows: the header, the line about hidden rows, the cursor's.
const FRAME: usize = 3;
/// The heights of a spark.
const SPARKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// Beats in a sparkline.
const SPARKLINE: usize = 12;

/// What is on the screen.
#[derive(Debug, Default)]
pub(crate) struct Screen {
    lines: usize,
    notices: Vec<String>,
}

impl Screen {
    /// Remembers a change, to be shown below the table.
    pub(crate) fn notice(&mut self, line: String) {
        if self.notices.len() == NOTICES {
            self.notices.remove(0);
        }
        self.notices.push(line);
    }

    /// The next frame.
    pub(crate) fn frame(
        &mut self,
        tallies: &[Tally],
        now: Duration,
        height: usize,
        view: &View,
    ) -> String {
        let room = height.saturating_sub(FRAME + NOTICES).max(1);
        let mut body = table(tallies, now, room, view);
        for notice in &self.notices {
            body.push_str(notice);
        }
        let up = match self.lines {
            0 => String::new(),
            lines => format!("\u{1b}[{lines}A"),
        };
        self.lines = body.lines().count();
        format!("{up}\r\u{1b}[J{body}")
    }
}

fn table(tallies: &[Tally], now: Duration, room: usize, view: &View) -> String {
    let columns = [
        ("target", Align::Left),
        ("state", Align::Left),
        ("last", Align::Right),
        ("p50", Align::Right),
        ("p99", Align::Right),
        ("1m", Align::Right),
        ("5m", Align::Right),
        ("all", Align::Right),
        ("recent", Align::Left),
        ("streak", Align::Right),
        ("breaker", Align::Left),
    ];
    let breakers = tallies
        .iter()
        .any(|tally| tally.summary(now).breaker.is_some());
    let columns = if breakers {
        &columns[..]
    } else {
        &columns[..columns.len() - 1]
    };
    let mut shown: Vec<_> = tallies.iter().collect();
    // What needs looking at comes first where not everything fits.
    if shown.len() > room {
        shown.sort_by_key(|tally| match tally.state() {
            state if state.is_down() => 0,
            netkit::heartbeat::State::Suspect => 1,
            _ => 2,
        });
    }
    let mut table = Table::new(*view, columns);
    for tally in shown.iter().take(room) {
        let mut cells = row(&tally.summary(now), tally, view);
        cells.truncate(columns.len());
        table.row(&cells);
    }
    let mut text = table.to_string();
    let hidden = shown.len().saturating_sub(room);
    if hidden > 0 {
        put!(text, "  and {hidden} more\n");
    }
    text
}

/// The name takes what the figures leave.
const FIGURES: usize = 62;

fn row(summary: &Summary, tally: &Tally, view: &View) -> Vec<(String, Tone)> {
    let name = view.safe(&summary.target);
    let last = tally.recent().last().flatten();
    let rtt = |time: Option<Millis>| time.map_or_else(|| "-".to_owned(), |time| time.to_string());
    let streak = match summary.streak {
        0 => "-".to_owned(),
        streak => format!("{streak:+}"),
    };
    let breaker = summary
        .breaker
        .map_or("-", netkit::policy::breaker::State::code);
    let loss = |loss: Option<f64>| {
        let tone = match loss {
            Some(loss) if loss > 0.0 => Tone::Bad,
            _ => Tone::Plain,
        };
        let text = loss.map_or_else(|| "-".to_owned(), |loss| format!("{loss:.1}%"));
        (text, tone)
    };
    vec![
        (
            cut(&name, view.width.saturating_sub(FIGURES).max(8)),
            Tone::Strong,
        ),
        (word(summary.state).to_owned(), tone(summary.state)),
        (rtt(last.map(Millis)), Tone::Plain),
        (rtt(summary.rtt_ms.map(|rtt| rtt.p50)), Tone::Plain),
        (rtt(summary.rtt_ms.map(|rtt| rtt.p99)), Tone::Plain),
        loss(summary.loss_1m_pct),
        loss(summary.loss_5m_pct),
        loss(summary.loss_pct),
        (sparkline(tally), Tone::Dim),
        (streak, Tone::Plain),
        (breaker.replace('_', "-"), Tone::Plain),
    ]
}

/// The last round trips against the longest of them; a cross where there was none.
fn sparkline(tally: &Tally) -> String {
    let recent: Vec<_> = tally.recent().collect();
    let recent = &recent[recent.len().saturating_sub(SPARKLINE)..];
    let longest = recent.iter().flatten().max().copied().unwrap_or_default();
    recent.iter().map(|rtt| spark(*rtt, longest)).collect()
}

fn spark(rtt: Option<Duration>, longest: Duration) -> char {
    let Some(rtt) = rtt else { return '×' };
    let steps = SPARKS.len() as u128;
    let step = (rtt.as_nanos() * steps).checked_div(longest.as_nanos());
    let step = usize::try_from(step.unwrap_or(0)).unwrap_or(0);
    SPARKS[step.min(SPARKS.len() - 1)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spark_is_to_scale() {
        let ms = Duration::from_millis;
        let row = [Some(0), Some(10), Some(50), None, Some(100)];
        let text: String = row.iter().map(|rtt| spark(rtt.map(ms), ms(100))).collect();
        assert_eq!(text, "▁▁▅×█");
    }

    #[test]
    fn a_frame_goes_back_over_the_last_and_fits_the_terminal() {
        let view = View {
            width: 80,
            colour: false,
            rich: true,
            verbose: false,
        };
        let tallies: Vec<_> = (0..100)
            .map(|n| Tally::new(format!("10.0.0.{n}:80")))
            .collect();
        let mut screen = Screen::default();
        screen.notice("● something\n".to_owned());
        let first = screen.frame(&tallies, Duration::ZERO, 24, &view);
        assert!(first.starts_with("\r\u{1b}[J"), "{first}");
        let lines = first.lines().count();
        assert!(lines < 24 && first.contains("and 83 more"), "{first}");
        let second = screen.frame(&tallies, Duration::ZERO, 24, &view);
        assert!(second.starts_with(&format!("\u{1b}[{lines}A")), "{second}");
        for line in first.lines() {
            assert!(line.chars().count() <= 84, "{line:?}");
        }
    }
}
