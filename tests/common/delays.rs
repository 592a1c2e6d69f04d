//! Random delays that can be repeated.

use std::time::{Duration, UNIX_EPOCH};

use keygate::KeyDigest;

const SEED: &str = "KEYGATE_TEST_SEED";

/// Draws delays from the seed in `KEYGATE_TEST_SEED`, or from a new one.
///
/// Prints the seed and each delay, which the test harness shows when the test fails.
pub(crate) struct Delays {
    seed: u64,
    drawn: u64,
}

impl Delays {
    pub(crate) fn new() -> Self {
        let seed = match std::env::var(SEED) {
            Ok(seed) => seed.parse().expect("KEYGATE_TEST_SEED is a whole number"),
            // The low digits of the time in nanoseconds.
            Err(_) => UNIX_EPOCH.elapsed().unwrap().subsec_nanos().into(),
        };
        println!("{SEED}={seed} repeats these delays");
        Self { seed, drawn: 0 }
    }

    pub(crate) fn next_up_to(&mut self, longest: Duration) -> Duration {
        self.drawn += 1;
        let digest = KeyDigest::of(format!("{} {}", self.seed, self.drawn).as_bytes()).to_bytes();
        let share = f64::from(u16::from_be_bytes([digest[0], digest[1]])) / 65_536.0;
        let delay = longest.mul_f64(share);
        println!("delay {}: {delay:?}", self.drawn);
        delay
    }
}

#[test]
fn same_seed_draws_the_same_delays() {
    let drawn = |seed| {
        let mut delays = Delays { seed, drawn: 0 };
        [(); 3].map(|()| delays.next_up_to(Duration::from_millis(60)))
    };
    assert_eq!(drawn(7), drawn(7));
    assert_ne!(drawn(7), drawn(8));
    assert!(drawn(7)[0] != drawn(7)[1] && drawn(7)[0] < Duration::from_millis(60));
}
