//! Columns of text: the only user of comfy-table.

use comfy_table::presets::NOTHING;
use comfy_table::{Cell, CellAlignment, Color, ContentArrangement};

use super::View;
use super::style::Tone;

/// Which way a column leans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Align {
    Left,
    Right,
}

/// A table without lines, indented by two columns.
#[derive(Debug)]
pub(crate) struct Table {
    table: comfy_table::Table,
    view: View,
}

/// Columns in front of every line.
const INDENT: usize = 2;

impl Table {
    /// A table with these columns.
    pub(crate) fn new(view: View, columns: &[(&str, Align)]) -> Self {
        let mut table = comfy_table::Table::new();
        table.load_style(NOTHING);
        table.set_content_arrangement(ContentArrangement::Dynamic);
        table.set_width(u16::try_from(view.width.saturating_sub(INDENT)).unwrap_or(u16::MAX));
        table.force_no_tty();
        if view.colour {
            table.enforce_styling();
        }
        let head = |(text, _): &(&str, Align)| cell(text, Tone::Dim, view);
        table.set_header(columns.iter().map(head).collect::<Vec<_>>());
        for (index, (_, align)) in columns.iter().enumerate() {
            let Some(column) = table.column_mut(index) else {
                continue;
            };
            // Figures are short and many: one column between them is enough.
            let gap = if *align == Align::Right { 1 } else { 2 };
            column.set_padding((0, if index + 1 == columns.len() { 0 } else { gap }));
            if *align == Align::Right {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        Self { table, view }
    }

    /// Adds a row of texts and their tones.
    pub(crate) fn row(&mut self, cells: &[(String, Tone)]) {
        let view = self.view;
        self.table.add_row(
            cells
                .iter()
                .map(|(text, tone)| cell(text, *tone, view))
                .collect::<Vec<_>>(),
        );
    }
}

impl std::fmt::Display for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for line in self.table.lines() {
            writeln!(f, "{:INDENT$}{}", "", line.trim_end())?;
        }
        Ok(())
    }
}

fn cell(text: &str, tone: Tone, view: View) -> Cell {
    let cell = Cell::new(text);
    if !view.colour {
        return cell;
    }
    match tone {
        Tone::Plain => cell,
        Tone::Good => cell.fg(Color::DarkGreen),
        Tone::Bad => cell.fg(Color::DarkRed),
        Tone::Warn => cell.fg(Color::DarkYellow),
        Tone::Dim => cell.add_attribute(comfy_table::Attribute::Dim),
        Tone::Strong => cell.add_attribute(comfy_table::Attribute::Bold),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(width: usize) -> View {
        View {
            width,
            colour: false,
            rich: true,
            verbose: false,
        }
    }

    #[test]
    fn columns_align_and_no_line_ends_in_spaces() {
        let mut table = Table::new(view(80), &[("name", Align::Left), ("took", Align::Right)]);
        table.row(&[("a".into(), Tone::Good), ("1 ms".into(), Tone::Plain)]);
        table.row(&[("long".into(), Tone::Bad), ("100 ms".into(), Tone::Plain)]);
        assert_eq!(
            table.to_string(),
            "  name    took\n  a       1 ms\n  long  100 ms\n"
        );
    }

    #[test]
    fn a_wide_row_is_folded_into_the_width() {
        let mut table = Table::new(view(40), &[("a", Align::Left), ("b", Align::Left)]);
        table.row(&[
            ("word ".repeat(8), Tone::Plain),
            ("word ".repeat(8), Tone::Plain),
        ]);
        for line in table.to_string().lines() {
            assert!(line.chars().count() <= 40, "{line:?}");
        }
    }
}
