/// The figures of all subjects, one per round.
#[derive(Default)]
pub(crate) struct Figures(Vec<(&'static str, Vec<f64>)>);

/// The ratios of two subjects, round by round.
#[derive(Clone, Copy)]
pub(crate) struct Ratio {
    pub(crate) median: f64,
    pub(crate) quartiles: [f64; 2],
}

impl Figures {
    pub(crate) fn add(&mut self, name: &'static str, figure: f64) {
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some((_, figures)) => figures.push(figure),
            None => self.0.push((name, vec![figure])),
        }
    }

    /// The figures of one subject, one per round.
    pub(crate) fn of(&self, name: &str) -> &[f64] {
        let found = self.0.iter().find(|(known, _)| *known == name);
        &found.expect("the subject is among those measured").1
    }

    pub(crate) fn median(&self, name: &str) -> f64 {
        part(self.of(name).to_vec(), 500)
    }

    /// Compares figures of the same round, since a disturbance affects both subjects alike.
    pub(crate) fn ratio(&self, ours: &str, yardstick: &str) -> Ratio {
        let pairs = self.of(ours).iter().zip(self.of(yardstick));
        Ratio::of(pairs.map(|(ours, yardstick)| ours / yardstick).collect())
    }
}

impl Ratio {
    fn of(ratios: Vec<f64>) -> Self {
        let quartiles = [part(ratios.clone(), 250), part(ratios.clone(), 750)];
        Self { median: part(ratios, 500), quartiles }
    }
}

/// The quantile of the figures, in thousandths.
pub(crate) fn part(mut figures: Vec<f64>, thousandths: usize) -> f64 {
    figures.sort_unstable_by(f64::total_cmp);
    figures[(figures.len() - 1) * thousandths / 1000]
}
