//! The thread that follows the file, and requests during its work.

use std::sync::atomic::{AtomicBool, Ordering};
use std::{fs, thread};

use crate::this_program;
use crate::watching::folder::{Folder, admits, short, until, watch};

/// The number of threads of this process that follow a file, according to the system.
#[cfg(target_os = "linux")]
fn followers(of: &str) -> usize {
    let tasks = fs::read_dir("/proc/self/task").unwrap();
    let names = tasks.filter_map(|task| fs::read_to_string(task.ok()?.path().join("comm")).ok());
    names.filter(|name| name.trim() == of).count()
}

#[cfg(target_os = "linux")]
#[test]
fn follower_ends_with_the_last_clone_of_the_store() {
    // A separate process, since other tests have followers as well.
    if !this_program::is_alone() {
        this_program::pass_alone(module_path!(), "follower_ends_with_the_last_clone_of_the_store");
        return;
    }
    let folder = Folder::new();
    let store = watch(folder.write("keys.yml", &short(&[0]))).unwrap();
    until("the follower", || followers("keygate-watch") == 1);
    let clone = store.clone();
    drop(store);
    folder.rename_over("keys.yml", &short(&[1]));
    until("the change", || admits(&clone, 1));
    drop(clone);
    until("the end of the follower", || followers("keygate-watch") == 0);
}

#[test]
fn readers_see_the_old_or_the_new_state_while_the_file_changes() {
    let folder = Folder::new();
    let store = watch(folder.write("keys.yml", &short(&[0, 1]))).unwrap();
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    // In every version of the file.
                    assert!(admits(&store, 0));
                    assert!([1, 2].contains(&store.len()));
                }
            });
        }
        for round in 0..10 {
            let keys = if round % 2 == 0 { &[0, 2][..] } else { &[0] };
            folder.rename_over("keys.yml", &short(keys));
            until("the change", || admits(&store, 2) == keys.contains(&2));
        }
        stop.store(true, Ordering::Relaxed);
    });
}

#[test]
fn watching_a_missing_file_is_an_error() {
    let folder = Folder::new();
    let error = watch(folder.path("none.yml")).unwrap_err();
    assert!(error.to_string().contains("none.yml"), "{error}");
}
