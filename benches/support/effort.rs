use std::env;

/// How much a run measures.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effort {
    /// Shows that the bench runs; its figures mean nothing.
    Smoke,
    Quick,
    Full,
}

impl Effort {
    /// Cargo passes `--bench` under `cargo bench` alone, not under `cargo test --benches`.
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
