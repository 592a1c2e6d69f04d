use serde_json::Value;

use crate::failure::Failure;
use crate::output::Output;

/// The values of a client or key that a change modified.
#[derive(Default)]
pub(crate) struct Differences(Vec<String>);

impl Differences {
    /// Adds a value before and after the change, if it differs. An empty text is shown as `none`.
    pub(crate) fn add(&mut self, name: &str, [before, after]: [String; 2]) {
        if before != after {
            let [before, after] =
                [before, after].map(|text| if text.is_empty() { "none".to_owned() } else { text });
            self.0.push(format!("{name} {before} -> {after}"));
        }
    }

    /// Reports the change of this client or key.
    pub(crate) fn report(self, changed: &str, json: &Value, out: &Output) -> Result<(), Failure> {
        if self.0.is_empty() {
            return out.report_unchanged(
                &format!("{changed} already has these values: nothing was changed"),
                json,
            );
        }
        out.report_change(&format!("changed {changed}: {}", self.0.join(", ")), json)
    }
}
