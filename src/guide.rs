//! The guide: from the first key to a fleet. Each page is a file in `docs/`.
//!
//! | page | answers |
//! | --- | --- |
//! | [`start`] | How do I protect a service? |
//! | [`sources`] | Where in a request is the key, and what does a refusal look like? |
//! | [`limits`] | What may a client do, how often, and who is calling? |
//! | [`operate`] | How do I issue, rotate and revoke keys in a file? |
//! | [`databases`] | How do I run keygate on SQLite and PostgreSQL? |
//! | [`fleet`] | How do many instances share one database? |
//! | [`security`] | Why is it safe, and when is another tool better? |

// In the repository, pages link to files. Here the same names link to modules: of two definitions of a
// link, Markdown takes the first.
macro_rules! page {
    ($name:ident, $file:literal) => {
        #[doc = "[start]: crate::guide::start"]
        #[doc = "[sources]: crate::guide::sources"]
        #[doc = "[limits]: crate::guide::limits"]
        #[doc = "[operate]: crate::guide::operate"]
        #[doc = "[databases]: crate::guide::databases"]
        #[doc = "[fleet]: crate::guide::fleet"]
        #[doc = "[security]: crate::guide::security"]
        #[doc = "[readme]: crate"]
        #[doc = ""]
        #[doc = include_str!($file)]
        pub mod $name {}
    };
}

page!(start, "../docs/start.md");
page!(sources, "../docs/sources.md");
page!(limits, "../docs/limits.md");
page!(operate, "../docs/operate.md");
page!(databases, "../docs/databases.md");
page!(fleet, "../docs/fleet.md");
page!(security, "../docs/security.md");
