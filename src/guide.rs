//! The guide: from the first key to a fleet. Each page is a file in `docs/`.
//!
//! | page | answers |
//! | --- | --- |
//! | [`start`] | How do I protect a service? |
//! | [`sources`] | Where does a request carry its key, and what does a refusal look like? |
//! | [`limits`] | What may a client do, how often, and who is calling? |
//! | [`config`] | How do I keep keys in my own configuration? |
//! | [`operate`] | How do I issue, rotate and revoke keys in a file? |
//! | [`admin`] | How do I manage clients and keys in the browser? |
//! | [`import`] | How do I take over the keys of another system? |
//! | [`databases`] | How do I run keygate on SQLite and PostgreSQL? |
//! | [`fleet`] | How do many instances share one database? |
//! | [`stacks`] | How do I use keygate with actix, tonic, and other HTTP stacks? |
//! | [`security`] | Why is it safe, and when is another tool better? |
//! | [`threats`] | What does keygate protect, and against whom? |
//! | [`benchmarks`] | What does it cost? |
//! | [`changelog`] | What is new? |
//! | [`contributing`] | How do I change keygate? |
//! | [`architecture`] | Which file does what? |

// In the repository, pages link to files. These definitions come first, so that the same names link to modules here:
// Markdown uses the first definition of a link.
macro_rules! page {
    ($name:ident, $file:literal) => {
        #[doc = "[start]: crate::guide::start"]
        #[doc = "[sources]: crate::guide::sources"]
        #[doc = "[limits]: crate::guide::limits"]
        #[doc = "[config]: crate::guide::config"]
        #[doc = "[operate]: crate::guide::operate"]
        #[doc = "[admin]: crate::guide::admin"]
        #[doc = "[databases]: crate::guide::databases"]
        #[doc = "[import]: crate::guide::import"]
        #[doc = "[fleet]: crate::guide::fleet"]
        #[doc = "[stacks]: crate::guide::stacks"]
        #[doc = "[security]: crate::guide::security"]
        #[doc = "[readme]: crate"]
        #[doc = "[benchmarks]: crate::guide::benchmarks"]
        #[doc = "[threats]: crate::guide::threats"]
        #[doc = "[changelog]: crate::guide::changelog"]
        #[doc = "[architecture]: crate::guide::architecture"]
        #[doc = ""]
        #[doc = include_str!($file)]
        pub mod $name {}
    };
}

page!(start, "../docs/start.md");
page!(sources, "../docs/sources.md");
page!(limits, "../docs/limits.md");
page!(config, "../docs/config.md");
page!(operate, "../docs/operate.md");
page!(admin, "../docs/admin.md");
page!(import, "../docs/import.md");
page!(databases, "../docs/databases.md");
page!(fleet, "../docs/fleet.md");
page!(stacks, "../docs/stacks.md");
page!(security, "../docs/security.md");
page!(threats, "../SECURITY.md");
page!(benchmarks, "../benches/README.md");
page!(changelog, "../CHANGELOG.md");
page!(contributing, "../CONTRIBUTING.md");
page!(architecture, "../ARCHITECTURE.md");

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    /// The targets of `](target)` and `[name]: target`, without links to other sites.
    fn relative_links(text: &str) -> Vec<&str> {
        let inline = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        let defined = text.lines().filter_map(|line| {
            line.strip_prefix('[').and_then(|rest| Some(rest.split_once("]: ")?.1.trim()))
        });
        let is_elsewhere = |link: &&str| {
            ["http", "#", "crate::", "mailto:"].iter().any(|start| link.starts_with(start))
        };
        inline.chain(defined).filter(|link| !is_elsewhere(link)).collect()
    }

    fn pages() -> Vec<PathBuf> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let docs = fs::read_dir(root.join("docs")).unwrap().map(|entry| entry.unwrap().path());
        let others = ["README.md", "SECURITY.md", "CHANGELOG.md", "CONTRIBUTING.md"];
        docs.chain(others.map(|name| root.join(name))).collect()
    }

    #[test]
    fn architecture_names_files_that_exist() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let text = fs::read_to_string(root.join("ARCHITECTURE.md")).unwrap();
        let named = text.split('`').skip(1).step_by(2);
        let files: Vec<_> =
            named.filter(|name| name.starts_with("src/") || name.starts_with("crates/")).collect();
        assert!(files.len() > 50, "{files:?}");
        for file in files {
            assert!(root.join(file).exists(), "ARCHITECTURE.md names `{file}`");
        }
    }

    #[test]
    fn readme_has_at_most_900_words() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let text = fs::read_to_string(root.join("README.md")).unwrap();
        assert!(text.split_whitespace().count() <= 900);
    }

    #[test]
    fn relative_links_lead_to_files() {
        let mut count = 0;
        for page in pages() {
            let text = fs::read_to_string(&page).unwrap();
            for link in relative_links(&text) {
                let file = link.split('#').next().unwrap();
                let target = page.parent().unwrap().join(file);
                assert!(target.exists(), "{}: {link}", page.display());
                count += 1;
            }
        }
        assert!(count > 5, "{count} links were found");
    }

    #[test]
    fn every_page_of_the_guide_is_rendered() {
        for page in pages() {
            let Some(name) = page.strip_prefix(concat!(env!("CARGO_MANIFEST_DIR"), "/docs")).ok()
            else {
                continue;
            };
            let line = format!("page!({}, ", name.with_extension("").display());
            assert!(include_str!("guide.rs").contains(&line), "{}", page.display());
        }
    }
}
