use super::figures::{Figures, Ratio};

/// A table of measurements, printed at once, with columns of fitting widths.
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(head: &[&str]) -> Self {
        Self { rows: vec![head.iter().map(|&text| text.to_owned()).collect()] }
    }

    /// A table of ratios to baselines.
    pub(crate) fn of_ratios() -> Self {
        Self::new(&["what", "ours", "yardstick", "ratio", "quartiles", "target", "met"])
    }

    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    pub(crate) fn ratio(
        &mut self,
        what: &str,
        [ours, yardstick]: [String; 2],
        ratio: Ratio,
        target: impl Into<Option<f64>>,
    ) {
        let [low, high] = ratio.quartiles;
        let target = target.into();
        self.row([
            what.to_owned(),
            ours,
            yardstick,
            format!("{:.2}", ratio.median),
            format!("{low:.2}-{high:.2}"),
            target.map_or_else(String::new, |target| format!("{target:.2}")),
            met(ratio.median, target),
        ]);
    }

    /// The ratio of two subjects that were measured in `unit`.
    pub(crate) fn compare(
        &mut self,
        what: &str,
        unit: Unit,
        figures: &Figures,
        [ours, yardstick]: [&str; 2],
        target: impl Into<Option<f64>>,
    ) {
        let cells = [ours, yardstick].map(|name| unit.show(figures.median(name)));
        self.ratio(what, cells, figures.ratio(ours, yardstick), target);
    }

    pub(crate) fn print(&self, title: &str) {
        println!("\n{title}");
        let columns = self.rows[0].len();
        let width = |column: usize| self.rows.iter().map(|row| row[column].chars().count()).max();
        let widths: Vec<usize> = (0..columns).filter_map(width).collect();
        for (place, row) in self.rows.iter().enumerate() {
            let cells = row.iter().zip(&widths).map(|(cell, width)| format!(" {cell:width$} "));
            println!("|{}|", cells.collect::<Vec<_>>().join("|"));
            if place == 0 {
                let rules = widths.iter().map(|width| "-".repeat(width + 2));
                println!("|{}|", rules.collect::<Vec<_>>().join("|"));
            }
        }
    }
}

/// A unit: its name, its size in measured units, and the decimals to show.
#[derive(Clone, Copy)]
pub(crate) struct Unit(pub(crate) &'static str, pub(crate) f64, pub(crate) usize);

impl Unit {
    pub(crate) fn show(self, figure: f64) -> String {
        let Self(name, unit, decimals) = self;
        format!("{:.decimals$} {name}", figure / unit)
    }
}

/// Whether a figure meets its target, for the last column.
pub(crate) fn met(figure: f64, target: Option<f64>) -> String {
    let met = target.map(|target| if figure <= target { "yes" } else { "NO" });
    met.unwrap_or_default().to_owned()
}
