//! Lists the tests that `cargo test` left out: cargo silently skips programs with disabled features.

fn main() {
    // Anything that lists or filters tests reads the output of each program.
    let is_plain = std::env::args().len() == 1;
    if is_plain && cfg!(not(all(feature = "postgres", feature = "sqlite"))) {
        println!(
            "note: the tests of databases and of the tool did not run. `tests/run` installs what they need\n\
             and runs all tests; `tests/run core` runs those that need no server."
        );
    }
}
