use std::io::Write as _;

use clap::builder::styling::Style;
use tabwriter::TabWriter;

use crate::output::one_line;

const HEADING: Style = Style::new().bold();

/// A table with headings. Each column is as wide as its widest text on a terminal.
pub(crate) struct Table<const N: usize>(Vec<[Cell; N]>);

pub(crate) struct Cell(String);

impl Cell {
    pub(crate) fn styled(text: impl Into<String>, style: Style) -> Self {
        Self(format!("{style}{}{style:#}", one_line(&text.into())))
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::styled(text, Style::new())
    }
}

impl Table<2> {
    pub(crate) fn push_fact(&mut self, name: &str, value: impl Into<Cell>) {
        self.push([Cell::styled(name, HEADING), value.into()]);
    }
}

impl<const N: usize> Table<N> {
    pub(crate) fn new(headings: [&str; N]) -> Self {
        Self(vec![headings.map(|heading| Cell::styled(heading, HEADING))])
    }

    /// A table without headings, whose first column has the names of the values.
    pub(crate) fn without_headings() -> Self {
        Self(Vec::new())
    }

    pub(crate) fn push(&mut self, row: [Cell; N]) {
        self.0.push(row);
    }

    /// Formats the table, with styles that the output removes if there is no terminal.
    pub(crate) fn render(&self) -> String {
        let mut writer = TabWriter::new(Vec::new()).minwidth(0).ansi(true);
        for row in &self.0 {
            let cells = row.each_ref().map(|cell| &*cell.0);
            // Writing into memory does not fail.
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
