//! The page in a real browser: headless Chromium, driven through `chromedriver`.
//!
//! `tests/run` installs both, and `axe-core`. Each test has its own service and browser. Screenshots are saved to
//! `target/screenshots`.

mod axe;
mod browser;
mod comfort;
mod driver;
mod events;
#[path = "../admin/failing.rs"]
#[expect(dead_code, reason = "the other program uses all of it")]
mod failing;
mod insight;
#[path = "../admin/kept.rs"]
#[expect(dead_code, reason = "the other program uses all of it")]
mod kept;
mod life;
mod look;
mod once;
mod reader;
mod sign_in;
mod site;
mod states;
mod tabs;
