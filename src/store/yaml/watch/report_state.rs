use std::collections::HashSet;
use std::mem;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use crate::key::KeyDigest;
use crate::store::yaml::key_file::KeyFile;
use crate::store::yaml::report::KeyFileEvent;

/// A lasting failure is reported again after this time.
const REPORT_AGAIN_AFTER: Duration = Duration::from_secs(60);

/// The failure and warnings that were last reported.
pub(super) struct ReportState {
    failure: Option<(Instant, String)>,
    /// The digest of the text whose warnings were reported.
    digest: KeyDigest,
    warnings: HashSet<String>,
}

impl ReportState {
    /// The state of a store that was just opened and whose warnings have been reported.
    pub(super) fn at_start(file: &KeyFile) -> Self {
        let warnings = file.warnings().iter().map(ToString::to_string).collect();
        Self { failure: None, digest: file.digest(), warnings }
    }

    /// Reports changes after a check of the file, whatever its outcome.
    pub(super) fn report(&mut self, path: &Path, file: &KeyFile) {
        self.report_failure(path, file);
        if mem::replace(&mut self.digest, file.digest()) == self.digest {
            return;
        }
        let warnings = file.warnings();
        for warning in &warnings {
            if !self.warnings.contains(&warning.to_string()) {
                file.events.report(KeyFileEvent::Warning(warning.clone()));
            }
        }
        self.warnings = warnings.iter().map(ToString::to_string).collect();
    }

    /// Reports a failure when it begins, changes, lasts or ends.
    fn report_failure(&mut self, path: &Path, file: &KeyFile) {
        let health = file.health();
        let Some(error) = health.error else {
            if self.failure.take().is_some() {
                file.events.report(KeyFileEvent::Recovered { path: path.to_owned() });
            }
            return;
        };
        let text = error.to_string();
        let is_reported = |(at, reported): &(Instant, String)| {
            at.elapsed() < REPORT_AGAIN_AFTER && *reported == text
        };
        if !self.failure.as_ref().is_some_and(is_reported) {
            let since = health.failing_since.unwrap_or_else(SystemTime::now);
            let path = path.to_owned();
            file.events.report(KeyFileEvent::ReloadFailed { path, since, error });
            self.failure = Some((Instant::now(), text));
        }
    }
}
