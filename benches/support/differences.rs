use super::figures::{Figures, part};
use super::table::{Table, Unit, met};

/// A table of the costs of subjects in addition to their baselines.
pub(crate) struct Differences(Table);

impl Differences {
    pub(crate) fn new() -> Self {
        Self(Table::new(&["what", "ours", "yardstick", "difference", "target", "met"]))
    }

    /// Adds the median difference of two subjects that were measured in turn, in `unit`.
    pub(crate) fn subtract(
        &mut self,
        what: &str,
        unit: Unit,
        figures: &Figures,
        [ours, yardstick]: [&str; 2],
        target: impl Into<Option<f64>>,
    ) {
        let pairs = figures.of(ours).iter().zip(figures.of(yardstick));
        let difference = part(pairs.map(|(ours, yardstick)| ours - yardstick).collect(), 500);
        let target = target.into();
        self.0.row([
            what.to_owned(),
            unit.show(figures.median(ours)),
            unit.show(figures.median(yardstick)),
            unit.show(difference),
            target.map_or_else(String::new, |target| unit.show(target)),
            met(difference, target),
        ]);
    }

    pub(crate) fn print(&self, title: &str) {
        self.0.print(title);
    }
}
