use super::figures::Figures;

/// Subjects that are measured in turn, A B C A B C, so that other work of the machine affects all of them equally. Each
/// round begins with another subject, since each affects the caches of the next one.
pub(crate) struct Rounds<'a> {
    subjects: Vec<(&'static str, Measure<'a>)>,
}

type Measure<'a> = Box<dyn FnMut() -> f64 + 'a>;

impl<'a> Rounds<'a> {
    pub(crate) fn new() -> Self {
        Self { subjects: Vec::new() }
    }

    pub(crate) fn add(&mut self, name: &'static str, measure: impl FnMut() -> f64 + 'a) {
        self.subjects.push((name, Box::new(measure)));
    }

    pub(crate) fn run(mut self, rounds: usize) -> Figures {
        let mut figures = Figures::default();
        let count = self.subjects.len();
        for round in 0..rounds {
            for turn in 0..count {
                let (name, measure) = &mut self.subjects[(round + turn) % count];
                figures.add(name, measure());
            }
        }
        figures
    }
}
