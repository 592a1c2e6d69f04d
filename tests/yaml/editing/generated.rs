//! Any valid file, in any layout, after any changes.

mod content;
mod dice;
mod flow;
mod layout;
mod oracle;
mod step;

use std::cell::Cell;
use std::fs;
use std::time::Duration;

use keygate::YamlStore;
use keygate::manage::ManageError;
use proptest::collection::vec;
use proptest::num::u8::ANY;
use proptest::prelude::*;
use proptest::test_runner::{FileFailurePersistence, TestCaseError, TestRunner};

use self::content::{Content, Twin};
use self::dice::Dice;
use self::flow::Flow;
use self::layout::Page;
use self::oracle::Kept;
use self::step::{Step, make};
use crate::editing::fixture::{Folder, read};

/// The numbers of all changes, of changes refused for the file's layout, and of completed changes.
#[derive(Default)]
struct Count {
    requested: Cell<u32>,
    refused: Cell<u32>,
    made: Cell<u32>,
}

#[test]
fn edits_match_a_memory_store_and_keep_every_other_byte() {
    let persistence = FileFailurePersistence::WithSource("regressions");
    let config = ProptestConfig {
        cases: std::env::var("PROPTEST_CASES").map_or(128, |cases| cases.parse().unwrap()),
        source_file: Some(file!()),
        failure_persistence: Some(Box::new(persistence)),
        ..ProptestConfig::default()
    };
    let count = Count::default();
    let strategy = (vec(ANY, 0..60), vec(ANY, 0..200), vec(any::<[u8; 3]>(), 1..7));
    let mut runner = TestRunner::new(config);
    let run = runner.run(&strategy, |(content, layout, steps)| {
        check(&Content::new(Dice::new(content)), Dice::new(layout), &steps, &count)
    });
    run.unwrap_or_else(|failure| panic!("{failure}"));
    let (requested, refused, made) = (count.requested.get(), count.refused.get(), count.made.get());
    assert!(
        refused * 20 <= requested,
        "{refused} of {requested} changes were refused for the layout"
    );
    assert!(made * 4 >= requested, "only {made} of {requested} changes were made");
}

fn check(
    content: &Content,
    layout: Dice,
    steps: &[[u8; 3]],
    count: &Count,
) -> Result<(), TestCaseError> {
    let page = Page::new(content, layout);
    let folder = Folder::new();
    let path = folder.file("keys.yml", page.text());
    let twin = Twin::new(content);
    let opened = YamlStore::open(&path);
    let store = opened.map_err(|error| TestCaseError::fail(format!("{error}\n{}", page.text())))?;
    let store = store.with_clock(twin.clock().reader());
    let (mut kept, mut flow) = (Kept::new(&page), Flow::new(&page, content));
    same(&store, &twin, page.text())?;
    for step in steps {
        let step = Step::new(*step, content);
        let before = read(&path);
        count.requested.set(count.requested.get() + 1);
        // Not whole seconds, so that lost fractions are noticed.
        twin.clock().advance(Duration::from_millis(1_234));
        let changed = make(&store, &step);
        if changed.as_ref().is_err_and(|error| error.contains("laid out in a way")) {
            prop_assert!(page.is_unusual(), "{step:?} was refused {changed:?}\n{before}");
            count.refused.set(count.refused.get() + 1);
            if std::env::var("SHOW_REFUSED").is_ok() {
                println!("REFUSED {step:?}\n{before}\n");
            }
            prop_assert_eq!(read(&path), before);
            continue;
        }
        let is_flow = flow.refuses(&step, &twin);
        if changed.as_ref().is_err_and(|error| error.contains("is in flow style")) {
            let is_expected = is_flow || flow.may_refuse(&step);
            prop_assert!(is_expected, "{:?} was refused: {:?}\n{}", step, changed, before);
            prop_assert_eq!(read(&path), before);
            continue;
        }
        let is_update = step.changes(twin.store());
        let right = twin.make(&step);
        let shown = format!("{step:?}\n{before}\n---- became\n{}", read(&path));
        if right.is_ok() {
            prop_assert!(!is_flow, "{} was made", shown);
            count.made.set(count.made.get() + 1);
            if is_update {
                flow.make(&step);
                kept.touch(&step, &twin);
            }
        } else {
            prop_assert_eq!(read(&path), before, "refused");
        }
        prop_assert_eq!(changed, right, "{}", shown);
        same(&store, &twin, &shown)?;
        let again = YamlStore::open(&path).expect("what was written loads");
        same(&again, &twin, &shown)?;
        let after = fs::read_to_string(&path).unwrap();
        kept.check(&after).map_err(|lost| TestCaseError::fail(format!("{lost}\n{shown}")))?;
        if matches!(step, Step::Hash) {
            for key in content.plain_keys() {
                prop_assert!(!after.contains(&key), "{} is left\n{}", key, shown);
            }
        }
    }
    Ok(())
}

fn same(store: &YamlStore, twin: &Twin, shown: &str) -> Result<(), TestCaseError> {
    let failed = |error: ManageError| TestCaseError::fail(error.to_string());
    prop_assert_eq!(store.list_clients(), twin.store().list_clients(), "{}", shown);
    let (keys, right) = (store.list_keys(None), twin.store().list_keys(None));
    prop_assert_eq!(keys.map_err(failed)?, right.map_err(failed)?, "{}", shown);
    Ok(())
}
