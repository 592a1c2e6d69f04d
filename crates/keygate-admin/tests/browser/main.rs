//! The page in a real browser: headless Chromium, driven through `chromedriver`.
//!
//! `tests/run` installs both, and `axe-core`. Each test has its own service and browser. Screenshots are saved to
//! `target/screenshots`.

mod axe;
mod browser;
mod comfort;
mod conflicts;
mod driver;
mod events;
#[path = "../admin/failing.rs"]
#[expect(dead_code, reason = "the other program uses all of it")]
mod failing;
#[path = "../admin/file_health.rs"]
mod file_health;
mod health;
mod insight;
#[path = "../admin/kept.rs"]
mod kept;
mod life;
mod lists;
mod look;
mod once;
mod outages;
mod reader;
mod refusals;
mod sign_in;
mod site;
mod states;
mod tabs;
