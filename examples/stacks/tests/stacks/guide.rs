//! Checks the facts about stacks in the guide.

use std::fs;
use std::path::Path;

use crate::{cases, cases_of_one_route};

/// The name of the stack in the guide, its file, its package, and whether a test starts it.
const STACKS: [(&str, &str, &str, bool); 13] = [
    ("actix-web", "src/actix.rs", "actix-web", true),
    ("axum, and its SSE and WebSocket", "src/streams.rs", "axum", true),
    ("axum, `from_fn`", "src/from_fn.rs", "axum", true),
    ("lambda_http", "src/lambda.rs", "lambda_http", true),
    ("rmcp (MCP)", "src/mcp.rs", "rmcp", true),
    ("salvo", "src/salvo.rs", "salvo", true),
    ("tonic", "src/grpc.rs", "tonic", true),
    ("async-graphql, on axum", "async-graphql/src/lib.rs", "async-graphql", false),
    ("jsonrpsee", "jsonrpsee/src/lib.rs", "jsonrpsee", false),
    ("poem", "poem/src/lib.rs", "poem", false),
    ("rocket", "rocket/src/lib.rs", "rocket", false),
    ("tiny_http", "tiny_http/src/lib.rs", "tiny_http", false),
    ("warp", "warp/src/lib.rs", "warp", false),
];

/// The stacks that need more than the five lines of a stack with the layer.
const BY_HAND: [&str; 5] = ["axum, `from_fn`", "rmcp (MCP)", "poem", "rocket", "tiny_http"];

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Counts the lines between the markers, without blank lines and comments.
fn glue(file: &str) -> usize {
    let mut is_glue = false;
    let mut count = 0;
    for line in file.lines().map(str::trim) {
        match line {
            "// Glue" => is_glue = true,
            "// End of glue" => is_glue = false,
            _ => count += usize::from(is_glue && !line.is_empty() && !line.starts_with("//")),
        }
    }
    assert!(!is_glue && count > 0);
    count
}

/// The version of a package in the lock file, without its patch.
fn version(lock: &str, package: &str) -> String {
    let (_, after) = lock.rsplit_once(&format!("name = \"{package}\"\nversion = \"")).unwrap();
    let (version, _) = after.split_once('"').unwrap();
    let (version, _) = version.rsplit_once('.').unwrap();
    version.to_owned()
}

#[test]
fn table_of_the_guide_is_true() {
    let (guide, lock) = (read("../../docs/stacks.md"), read("Cargo.lock"));
    for (name, file, package, is_started) in STACKS {
        let glue = glue(&read(file));
        let bound = if BY_HAND.contains(&name) { 15 } else { 5 };
        assert!(glue <= bound, "{name}: {glue} lines");
        let version = version(&lock, package);
        let passed = match name {
            _ if !is_started => String::new(),
            "rmcp (MCP)" => format!(" {} |", cases_of_one_route()),
            _ => format!(" {} |", cases().len()),
        };
        let row = format!("| {name} | {version} | {glue} |{passed}");
        assert!(guide.contains(&row), "the guide lacks {row}");
    }
    let guard = format!(
        "a guard for routes with attributes takes {} lines",
        glue(&read("rocket/src/guard.rs"))
    );
    assert!(guide.contains(&guard), "the guide lacks {guard}");
}

/// The example must equal the recipe, so that the tests here cover the guide.
#[test]
fn recipe_of_the_guide_ends_the_streams() {
    let recipe = read("src/connections.rs");
    let (_, recipe) = recipe.split_once("/// The keys that have open connections.").unwrap();
    let public = ["pub async fn", "pub fn", "pub struct"];
    let recipe = public
        .iter()
        .fold(recipe.to_owned(), |recipe, public| recipe.replace(public, &public["pub ".len()..]));
    assert!(read("../../docs/sources.md").contains(&recipe), "{recipe}");
}
