use super::node::Node;

/// Fields that are true for a working key.
const ON: [&str; 4] = ["enabled", "active", "is_active", "valid"];
/// Fields that are true for a key that does not work.
const OFF: [&str; 6] = ["disabled", "revoked", "revoked_at", "revokedat", "blocked", "deleted_at"];
/// Fields with the state as a word, such as `active`.
const STATE: [&str; 2] = ["status", "state"];

/// Returns whether a field says that its key does not work. Unknown values count as not working.
pub(super) fn is_off(field: &str, value: &str) -> bool {
    let (field, value) = (field.trim().to_ascii_lowercase(), value.trim().to_ascii_lowercase());
    let field = field.as_str();
    let is_no = ["", "false", "f", "no", "n", "0", "null"].contains(&value.as_str());
    (ON.contains(&field) && is_no)
        || (OFF.contains(&field) && !is_no)
        || (STATE.contains(&field) && !ON.contains(&value.as_str()))
}

/// Returns whether an object says that its key does not work.
pub(super) fn is_object_off(object: &Node) -> bool {
    object.entries().iter().any(|(field, value)| match value {
        Node::Null => is_off(field, ""),
        Node::Bool(value) => is_off(field, &value.to_string()),
        Node::Number(value) => is_off(field, &value.to_string()),
        Node::Text(value) => is_off(field, value),
        Node::List(_) | Node::Map(_) => false,
    })
}

pub(super) const REASON: &str = "it is disabled or revoked";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_that_end_a_key_are_known_in_many_forms() {
        for (field, value) in [
            ("enabled", "false"),
            ("Active", "0"),
            ("enabled", ""),
            ("revoked", "true"),
            ("revoked_at", "2026-01-01T00:00:00Z"),
            ("disabled", "1"),
            ("blocked", "yes"),
            ("status", "revoked"),
            ("state", ""),
        ] {
            assert!(is_off(field, value), "{field}: {value}");
        }
        for (field, value) in [
            ("enabled", "true"),
            ("active", "1"),
            ("revoked", "false"),
            ("revoked_at", ""),
            ("disabled", "no"),
            ("status", "Active"),
            ("name", "revoked"),
        ] {
            assert!(!is_off(field, value), "{field}: {value}");
        }
    }
}
