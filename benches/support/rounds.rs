use super::figures::Figures;

/// Subjects that are measured in turns, A B C A B C, so that what the machine does besides falls on
/// all of them alike. Each round begins with another one, since each leaves its traces in the caches.
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
