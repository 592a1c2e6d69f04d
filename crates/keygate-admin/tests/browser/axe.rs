//! `axe-core`, which finds accessibility problems.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use serde_json::Value;

use crate::browser::Browser;

static AXE: LazyLock<String> = LazyLock::new(|| {
    // `tests/run` installs this version.
    let path = target().join("axe-core@4.14.1/node_modules/axe-core/axe.min.js");
    fs::read_to_string(&path).unwrap_or_else(|error| {
        panic!("{}: {error}: `tests/run` installs axe-core from npm", path.display())
    })
});

/// Returns the target folder.
pub(crate) fn target() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().to_owned()
}

impl Browser {
    /// Fails if `axe-core` finds a problem on the page.
    pub(crate) async fn is_accessible(&self, what: &str) {
        const RUN: &str = "const done = arguments[0]; axe.run({ resultTypes: ['violations'] }).then(
            ({ violations }) => done(violations.map(({ id, help, nodes }) =>
                `${id}: ${help}: ${nodes.map((node) => `${node.html} ${node.failureSummary}`).join('\\n  ')}`)),
            (error) => done([`axe-core failed: ${error}`]))";
        self.run(&AXE).await;
        let found = self.client.execute_async(RUN, Vec::new()).await.unwrap();
        assert_eq!(found, Value::Array(Vec::new()), "{what}: {found:#}");
    }
}
