use keygate::YamlStore;

use super::check::{CANARY, file};
use super::refused_clients::DIGEST;

#[test]
fn lint_finds_all_faults_in_the_order_of_the_file() {
    let text = format!(
        "version: 2
quotas: c4n4ry
api_keys:
  c4n4ry: User 1
  c4n4ry-0123456789:
clients:
  App 1:
    enabled: 'yes'
    scope: []
    scopes: [orders:read, c4n4rY]
    quota: {{rate: 0/day, burst: [c4n4ry]}}
    metadata: [c4n4ry]
    keys:
      - label: c4n4ry
      - digest: c4n4ry-0123456789
        expires: c4n4ry
      - digest: {DIGEST}
        expires: tomorrow
      - digest: {DIGEST}
  App 1:
    keys: []
  '': c4n4ry
  App 2:
    keys:
      - c4n4ry
      - digest: {DIGEST}
clients: []
"
    );
    let path = file(text.as_bytes());
    let found = YamlStore::lint(&path);
    let lines: Vec<_> = found.errors.iter().map(|error| error.line().unwrap()).collect();
    assert_eq!(lines, [1, 2, 4, 5, 8, 9, 10, 11, 12, 14, 15, 16, 18, 19, 20, 22, 25, 26, 27]);
    assert!(!format!("{found:?}").to_lowercase().contains(CANARY));
    // Loading reports the first of them.
    let loaded = YamlStore::open(&path).unwrap_err().to_string();
    assert_eq!(loaded, found.errors[0].to_string());
}

#[test]
fn rotations_without_a_successor_or_end_are_reported() {
    let other = "sha256:3c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae";
    let text = format!(
        "clients:
  A:
    keys:
      - digest: {DIGEST}
        replaced_by: 3c26b46b68ffc68f
        expires: 2027-01-31T00:00:00Z
      - digest: {other}
        replaced_by: 0123456789abcdef
"
    );
    let found = YamlStore::lint(file(text.as_bytes()));
    assert!(found.errors.is_empty(), "{found:?}");
    let said = found.warnings.iter().map(ToString::to_string).collect::<Vec<_>>();
    let begins = |number: usize, what: &str| said[number].contains(what);
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(
        found
            .warnings
            .iter()
            .all(|warning| (warning.line(), warning.column()) == (Some(8), Some(22)))
    );
    assert!(begins(0, "does not expire") && begins(1, "not in the file"), "{said:?}");
}
