use serde_json::Value;

use crate::failure::Failure;
use crate::output::Output;

/// The values of a client, a key or the policy that a change modified.
#[derive(Default)]
pub(crate) struct Differences(Vec<String>);

impl Differences {
    /// Adds a value before and after the change, if it differs.
    pub(crate) fn add(&mut self, name: &str, [before, after]: [Option<String>; 2]) {
        if before != after {
            self.0.push(format!(
                "{name} {} -> {}",
                or_none(before.as_deref()),
                or_none(after.as_deref())
            ));
        }
    }

    /// Adds a list before and after the change, if it differs. An empty one is shown as `none`.
    pub(crate) fn add_list(&mut self, name: &str, lists: [String; 2]) {
        self.add(name, lists.map(|list| Some(list).filter(|list| !list.is_empty())));
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

/// Shows a value, or `none`. A text that would look like no value is quoted.
pub(crate) fn or_none(value: Option<&str>) -> String {
    match value {
        None => "none".to_owned(),
        Some(text @ ("" | "none")) => format!("'{text}'"),
        Some(text) => text.to_owned(),
    }
}
