//! Says which tests `cargo test` left out, since cargo skips programs whose features are off without a word.

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
