//! One table of all targets, redrawn in place.
//!
//! A frame begins by going back over the last one, so that the scrollback stays clean; it is never
//! higher than the terminal, where going back would miss.

use std::time::Duration;

use netkit::heartbeat::report::Summary;
use netkit::heartbeat::{State, Tally};
use netkit::time::Millis;

use super::{tone, word};
use crate::output::View;
use crate::output::style::Tone;
use crate::output::text::cut;

/// Notices that are kept below the table.
const NOTICES: usize = 4;
/// Lines around the rows: the header, the line about hidden rows, the cursor's.
const FRAME: usize = 3;
/// The heights of a spark.
const SPARKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// Beats in a sparkline.
const SPARKLINE: usize = 8;

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
        // Line by line: to clear all first would flicker, and some terminals keep what is cleared.
        let body = body.replace('\n', "\u{1b}[K\n");
        format!("{up}\r{body}\u{1b}[J")
    }
}

/// One column of all rows.
struct Column {
    title: &'static str,
    right: bool,
    cells: Vec<(String, Tone)>,
}

/// What is left out where the terminal is too narrow, in this order.
const DISPENSABLE: [&str; 4] = ["5m", "recent", "p50", "1m"];
/// Widths that keep the table still while its values change.
const WIDTHS: [(&str, usize); 9] = [
    ("state", 7),
    ("last", 6),
    ("p50", 6),
    ("p99", 6),
    ("1m", 4),
    ("5m", 4),
    ("lost", 4),
    ("recent", SPARKLINE),
    ("run", 4),
];
/// The name keeps at least that much.
const LEAST_NAME: usize = 12;

fn table(tallies: &[Tally], now: Duration, room: usize, view: &View) -> String {
    let mut shown: Vec<_> = tallies.iter().collect();
    // What needs looking at comes first where not everything fits.
    if shown.len() > room {
        shown.sort_by_key(|tally| match tally.state() {
            state if state.is_down() => 0,
            State::Suspect => 1,
            _ => 2,
        });
    }
    let hidden = shown.len().saturating_sub(room);
    shown.truncate(room);
    let mut columns = columns(&shown, now, view);
    fit(&mut columns, view.width);
    let mut text = heading(&columns, view);
    for row in 0..shown.len() {
        text.push_str(&line(&columns, row, view));
    }
    if hidden > 0 {
        put!(text, "  and {hidden} more\n");
    }
    text
}

fn columns(shown: &[&Tally], now: Duration, view: &View) -> Vec<Column> {
    let summaries: Vec<_> = shown.iter().map(|tally| tally.summary(now)).collect();
    let of = |title, right, cell: &dyn Fn(&Summary) -> (String, Tone)| Column {
        title,
        right,
        cells: summaries.iter().map(cell).collect(),
    };
    let time = |time: Option<Millis>| {
        let text = time.map_or_else(|| "-".to_owned(), |time| time.to_string());
        (text, Tone::Plain)
    };
    let own = |title, right, cell: &dyn Fn(&Tally) -> (String, Tone)| Column {
        title,
        right,
        cells: shown.iter().map(|tally| cell(tally)).collect(),
    };
    let last = |tally: &Tally| time(tally.recent().last().flatten().map(Millis));
    let mut columns = vec![
        of("target", false, &|s| (view.safe(&s.target), Tone::Strong)),
        of("state", false, &|s| {
            (word(s.state).to_owned(), tone(s.state))
        }),
        own("last", true, &last),
        of("p50", true, &|s| time(s.rtt_ms.map(|rtt| rtt.p50))),
        of("p99", true, &|s| time(s.rtt_ms.map(|rtt| rtt.p99))),
        of("1m", true, &|s| loss(s.loss_1m_pct)),
        of("5m", true, &|s| loss(s.loss_5m_pct)),
        of("lost", true, &|s| loss(s.loss_pct)),
        own("recent", false, &|tally| (sparkline(tally), Tone::Dim)),
        of("run", true, &|s| (format!("{:+}", s.streak), Tone::Plain)),
    ];
    if summaries.iter().any(|summary| summary.breaker.is_some()) {
        columns.push(of("breaker", false, &|s| breaker(s)));
    }
    columns
}

fn loss(loss: Option<f64>) -> (String, Tone) {
    match loss {
        Some(loss) if loss >= 9.95 => (format!("{loss:.0}%"), Tone::Bad),
        Some(loss) if loss > 0.0 => (format!("{loss:.1}%"), Tone::Bad),
        Some(_) => ("0%".to_owned(), Tone::Plain),
        None => ("-".to_owned(), Tone::Plain),
    }
}

fn breaker(summary: &Summary) -> (String, Tone) {
    use netkit::policy::breaker::State;
    match summary.breaker {
        Some(state @ (State::Open | State::HalfOpen)) => {
            (state.code().replace('_', "-"), Tone::Bad)
        }
        _ => (State::Closed.code().to_owned(), Tone::Plain),
    }
}

impl Column {
    fn width(&self) -> usize {
        let cells = self.cells.iter().map(|(text, _)| text.chars().count());
        let least = WIDTHS.iter().find(|(title, _)| *title == self.title);
        let least = least.map_or(self.title.len(), |(_, width)| *width);
        cells.chain([least]).max().unwrap_or(0)
    }

    fn pad(&self, text: &str) -> String {
        let gap = " ".repeat(self.width().saturating_sub(text.chars().count()));
        if self.right {
            gap + text
        } else {
            text.to_owned() + &gap
        }
    }
}

/// Columns between two columns, and in front of the first.
const GAP: usize = 2;

/// Leaves columns out, and cuts the names, until a row fits.
fn fit(columns: &mut Vec<Column>, width: usize) {
    let rest = |columns: &[Column]| -> usize {
        let widths = columns.iter().skip(1).map(Column::width);
        widths.map(|width| width + GAP).sum::<usize>() + GAP
    };
    for title in DISPENSABLE {
        let name = columns.first().map_or(0, Column::width).min(LEAST_NAME);
        if rest(columns) + name <= width {
            break;
        }
        columns.retain(|column| column.title != title);
    }
    let room = width.saturating_sub(rest(columns)).max(1);
    if let Some(names) = columns.first_mut() {
        for (name, _) in &mut names.cells {
            *name = cut(name, room);
        }
    }
}

fn heading(columns: &[Column], view: &View) -> String {
    let titles: Vec<_> = columns
        .iter()
        .map(|column| column.pad(column.title))
        .collect();
    let line = format!("{:GAP$}{}", "", titles.join("  "));
    format!("{}\n", view.paint(Tone::Dim, line.trim_end()))
}

fn line(columns: &[Column], row: usize, view: &View) -> String {
    let cell = |column: &Column| {
        let (text, tone) = column.cells.get(row).cloned().unwrap_or_default();
        view.paint(tone, &column.pad(&text))
    };
    let cells: Vec<_> = columns.iter().map(cell).collect();
    format!("{:GAP$}{}\n", "", cells.join("  "))
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
        assert!(first.starts_with("\r  target"), "{first}");
        let lines = first.matches('\n').count();
        assert!(lines < 24 && first.contains("and 83 more"), "{first}");
        let second = screen.frame(&tallies, Duration::ZERO, 24, &view);
        assert!(second.starts_with(&format!("\u{1b}[{lines}A")), "{second}");
        for line in first.lines().skip(1) {
            assert!(line.chars().count() <= 80 + "\u{1b}[K".len(), "{line:?}");
        }
    }
}
