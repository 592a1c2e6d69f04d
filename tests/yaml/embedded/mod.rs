//! Keys in an application's own file.

mod editing;
mod following;
mod loading;

/// YAML that keygate refuses in its own part, above the keys.
const BEFORE: &str = "\
# The configuration of an application.
version: \"2.1\"
defaults: &defaults {retries: 3, hosts: [a, &b b]}
database_url: postgres://app:secret@localhost/app # the pool
workers: {<<: *defaults, count: 4}
? [complex, name]
: *b
motto: |
  two lines,
    as they are
tagged: !custom {x: !!int \"7\"}
deep: [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]
";

/// More of it, below the keys.
const AFTER: &str = "\
log:
    # indented by four
    - &level info
    - 'it''s'
nothing:
levels: [*level, *level]
";
