use std::io::Write as _;

use clap::builder::styling::Style;
use tabwriter::TabWriter;

use crate::output::one_line;

const HEADING: Style = Style::new().bold();

/// A table with headings. Each column is as wide as its widest cell on a terminal.
#[derive(Default)]
pub(crate) struct Table {
    rows: Vec<Vec<Cell>>,
}

pub(crate) struct Cell {
    text: String,
    is_empty: bool,
}

impl Cell {
    pub(crate) fn styled(text: impl Into<String>, style: Style) -> Self {
        let text = one_line(&text.into());
        Self { is_empty: text.is_empty(), text: format!("{style}{text}{style:#}") }
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::styled(text, Style::new())
    }
}

impl Table {
    pub(crate) fn new(headings: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let headings = headings.into_iter().map(|heading| Cell::styled(heading, HEADING));
        Self { rows: vec![headings.collect()] }
    }

    pub(crate) fn push(&mut self, row: impl IntoIterator<Item = Cell>) {
        self.rows.push(row.into_iter().collect());
    }

    /// Adds a row to a table without headings, with a name in the first column.
    pub(crate) fn push_fact(&mut self, name: &str, value: impl Into<Cell>) {
        self.push([Cell::styled(name, HEADING), value.into()]);
    }

    /// Removes those of the given columns that are empty except for their heading.
    pub(crate) fn without_empty<const N: usize>(mut self, columns: [usize; N]) -> Self {
        let is_empty = |column: &usize| self.rows.iter().skip(1).all(|row| row[*column].is_empty);
        let mut empty: Vec<_> = columns.into_iter().filter(is_empty).collect();
        empty.sort_unstable();
        for column in empty.into_iter().rev() {
            self.rows.iter_mut().for_each(|row| drop(row.remove(column)));
        }
        self
    }

    /// Formats the table with styles. The output removes them if it is not a terminal.
    pub(crate) fn render(&self) -> String {
        let mut writer = TabWriter::new(Vec::new()).minwidth(0).ansi(true);
        for row in &self.rows {
            let cells: Vec<_> = row.iter().map(|cell| &*cell.text).collect();
            // Writing to memory does not fail.
            let _ = writeln!(writer, "{}", cells.join("\t"));
        }
        let aligned = writer.into_inner().unwrap_or_default();
        let lines = String::from_utf8_lossy(&aligned);
        lines.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
    }
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
    fn empty_columns_are_removed_if_asked_for() {
        let mut table = Table::new(["A", "B", "C", "D"]);
        table.push(["1".into(), "".into(), "".into(), "".into()]);
        table.push(["2".into(), "".into(), "".into(), "x".into()]);
        let plain = anstream::adapter::strip_str(&table.without_empty([3, 1]).render()).to_string();
        assert_eq!(plain, "A  C  D\n1\n2     x\n");
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
