use std::env;

/// The extent of a run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effort {
    /// A trial run, which shows that the bench works; its figures mean nothing.
    Smoke,
    Quick,
    Full,
}

impl Effort {
    /// Cargo passes `--bench` only in `cargo bench`, not in `cargo test --benches`.
    pub(crate) fn of_this_run() -> Self {
        if !env::args().any(|arg| arg == "--bench") {
            println!("a trial run: its figures mean nothing, those of `cargo bench` do");
            Self::Smoke
        } else if env::var_os("KEYGATE_BENCH_QUICK").is_some() {
            Self::Quick
        } else {
            Self::Full
        }
    }

    pub(crate) fn pick<T>(self, smoke: T, quick: T, full: T) -> T {
        match self {
            Self::Smoke => smoke,
            Self::Quick => quick,
            Self::Full => full,
        }
    }
}
