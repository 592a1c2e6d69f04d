use std::fmt::Write as _;

use clap::builder::styling::Style;
use unicode_width::UnicodeWidthStr as _;

use crate::output::one_line;

const HEADING: Style = Style::new().bold();

/// A table with headings. Each column is as wide as its widest text on a terminal.
pub(crate) struct Table<const N: usize> {
    rows: Vec<[Cell; N]>,
}

pub(crate) struct Cell {
    text: String,
    style: Style,
}

impl Cell {
    pub(crate) fn styled(text: impl Into<String>, style: Style) -> Self {
        Self { text: one_line(&text.into()), style }
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::styled(text, Style::new())
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl<const N: usize> Table<N> {
    pub(crate) fn new(headings: [&str; N]) -> Self {
        Self { rows: vec![headings.map(|heading| Cell::styled(heading, HEADING))] }
    }

    pub(crate) fn push(&mut self, row: [Cell; N]) {
        self.rows.push(row);
    }

    /// Formats the table, with styles that the output removes if there is no terminal.
    pub(crate) fn render(&self) -> String {
        let width = |column: usize| {
            self.rows.iter().map(|row| row[column].text.width()).max().unwrap_or_default()
        };
        let widths: [usize; N] = std::array::from_fn(width);
        let lines = self.rows.iter().map(|row| line(row, &widths));
        lines.collect()
    }
}

fn line(row: &[Cell], widths: &[usize]) -> String {
    let mut line = String::new();
    let mut gap = 0;
    for (Cell { text, style }, width) in row.iter().zip(widths) {
        if !text.is_empty() {
            line.extend(std::iter::repeat_n(' ', gap));
            let _ = write!(line, "{style}{text}{style:#}");
            gap = 0;
        }
        gap += width - text.width() + 2;
    }
    line + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_by_terminal_width() {
        let mut table = Table::new(["NAME", "KEYS", "SCOPES"]);
        table.push(["日本".into(), "1".into(), "a".into()]);
        table.push(["Größe 1".into(), "".into(), "b".into()]);
        table.push(["x".into(), "12345".into(), "".into()]);
        let plain = anstream::adapter::strip_str(&table.render()).to_string();
        assert_eq!(
            plain,
            "NAME     KEYS   SCOPES\n\
             日本     1      a\n\
             Größe 1         b\n\
             x        12345\n"
        );
    }

    #[test]
    fn control_characters_stay_on_one_line() {
        let mut table = Table::new(["NAME", "KEYS"]);
        table.push(["a\nb\u{1b}[2J".into(), "1".into()]);
        let plain = anstream::adapter::strip_str(&table.render()).to_string();
        assert_eq!(plain, "NAME           KEYS\na\\nb\\u{1b}[2J  1\n");
    }

    #[test]
    fn style_ends_before_the_gap() {
        let mut table = Table::new(["A", "B"]);
        let red = Style::new().fg_color(Some(clap::builder::styling::AnsiColor::Red.into()));
        table.push([Cell::styled("x", red), "y".into()]);
        assert!(table.render().ends_with("\u{1b}[31mx\u{1b}[0m  y\n"), "{:?}", table.render());
    }
}
