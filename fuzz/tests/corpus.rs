//! Checks every input of the corpus again, without a fuzzer.

use std::fs;
use std::path::Path;

fn replay(target: &str) {
    let (_, check) = keygate_fuzz::TARGETS.into_iter().find(|(name, _)| *name == target).unwrap();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    let mut count = 0;
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let data = fs::read(&path).unwrap();
        if std::panic::catch_unwind(|| check(&data)).is_err() {
            panic!("{} fails", path.display());
        }
        count += 1;
    }
    assert!(count > 20, "{} holds {count} files", folder.display());
}

#[test]
fn editor_matches_the_model() {
    replay("editor");
}

#[test]
fn folders_match_keys_in_memory() {
    replay("folder");
}

#[test]
fn files_of_other_systems_show_no_key() {
    replay("foreign");
}

#[test]
fn grammars_match_the_second_parser() {
    replay("grammars");
}

#[test]
fn sources_match_the_reference() {
    replay("sources");
}

#[test]
fn key_files_load_without_showing_a_word() {
    replay("yaml");
}
