//! The tests of a server: a verdict a row.

use netkit::resolve::check::{CheckReport, Grade, Row};

use crate::output::View;
use crate::output::style::Tone;
use crate::output::table::{Align, Table};
use crate::output::tables::headline;

/// A headline and a table on a terminal; a test a line in a pipe, its fields separated by tabs.
pub(crate) fn render(report: &CheckReport, view: &View) -> String {
    if !view.rich {
        return report.rows.iter().map(|row| plain(row, report)).collect();
    }
    let good = match report.grade {
        Grade::Fail => Some(false),
        Grade::Warn => None,
        _ => Some(true),
    };
    let verdict = format!("{} ({})", report.grade.code(), summary(report));
    let mut text = headline(view, good, &report.server, &verdict);
    text.push_str(&table(report, view));
    text
}

/// `12 pass, 1 absent, 1 fail`.
fn summary(report: &CheckReport) -> String {
    let grades = [
        Grade::Pass,
        Grade::Absent,
        Grade::Skipped,
        Grade::Warn,
        Grade::Fail,
    ];
    let count = |grade: Grade| report.rows.iter().filter(|row| row.grade == grade).count();
    let counts = grades.into_iter().map(|grade| (grade, count(grade)));
    let counts = counts.filter(|(_, count)| *count > 0);
    let words: Vec<_> = counts
        .map(|(grade, count)| format!("{count} {}", grade.code()))
        .collect();
    words.join(", ")
}

fn table(report: &CheckReport, view: &View) -> String {
    let mut table = Table::new(
        *view,
        &[
            ("test", Align::Left),
            ("verdict", Align::Left),
            ("seen", Align::Left),
            ("time", Align::Right),
            ("rule", Align::Left),
        ],
    );
    for row in &report.rows {
        let time = row.rtt_ms.map(|time| time.to_string());
        table.row(&[
            (row.test.clone(), Tone::Strong),
            (row.grade.code().to_owned(), tone(row.grade)),
            (view.safe(&row.text), Tone::Plain),
            (time.unwrap_or_else(|| "-".to_owned()), Tone::Dim),
            (row.rule.clone().unwrap_or_default(), Tone::Dim),
        ]);
    }
    table.to_string()
}

fn tone(grade: Grade) -> Tone {
    match grade {
        Grade::Pass => Tone::Good,
        Grade::Fail => Tone::Bad,
        Grade::Warn => Tone::Warn,
        _ => Tone::Dim,
    }
}

fn plain(row: &Row, report: &CheckReport) -> String {
    let (server, test, grade) = (&report.server, &row.test, row.grade.code());
    format!("{server}\t{test}\t{grade}\t{}\n", row.text)
}
