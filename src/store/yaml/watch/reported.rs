use std::collections::HashSet;
use std::mem;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use crate::key::KeyDigest;
use crate::store::yaml::key_file::KeyFile;
use crate::store::yaml::report::YamlEvent;

/// How often a failure that lasts is reported again.
const AGAIN: Duration = Duration::from_secs(60);

/// What the follower has reported.
pub(super) struct Reported {
    failure: Option<(Instant, String)>,
    /// Of the text whose warnings were.
    digest: KeyDigest,
    warnings: HashSet<String>,
}

impl Reported {
    /// The warnings of a store that was opened just now have been reported.
    pub(super) fn at_start(origin: &KeyFile) -> Self {
        let warnings = origin.warnings().iter().map(ToString::to_string).collect();
        Self { failure: None, digest: origin.digest(), warnings }
    }

    /// After each look, whether or not the store took what it saw.
    pub(super) fn report(&mut self, path: &Path, origin: &KeyFile) {
        self.report_failure(path, origin);
        if mem::replace(&mut self.digest, origin.digest()) == self.digest {
            return;
        }
        let warnings = origin.warnings();
        for warning in &warnings {
            if !self.warnings.contains(&warning.to_string()) {
                origin.reporter().report(YamlEvent::Warning(warning.clone()));
            }
        }
        self.warnings = warnings.iter().map(ToString::to_string).collect();
    }

    /// Reports a failure when it begins, becomes another, or lasts, and reports its end.
    fn report_failure(&mut self, path: &Path, origin: &KeyFile) {
        let health = origin.health();
        let Some(error) = health.error else {
            if self.failure.take().is_some() {
                origin.reporter().report(YamlEvent::Recovered { path: path.to_owned() });
            }
            return;
        };
        let text = error.to_string();
        let is_reported =
            |(at, reported): &(Instant, String)| at.elapsed() < AGAIN && *reported == text;
        if !self.failure.as_ref().is_some_and(is_reported) {
            let since = health.failing_since.unwrap_or_else(SystemTime::now);
            let path = path.to_owned();
            origin.reporter().report(YamlEvent::ReloadFailed { path, since, error });
            self.failure = Some((Instant::now(), text));
        }
    }
}
