//! The suite for managing, with stores that follow it.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use keygate::testing::{FakeClock, manage_contract};
use keygate::{MemoryStore, YamlStore};

use crate::store_contract::naive::{Fault, Naive};

#[tokio::test]
async fn memory_store_can_be_managed() {
    manage_contract(async |clock| MemoryStore::new().with_clock(clock.reader())).await;
}

/// A store on a new file that starts with this text.
fn yaml(clock: &FakeClock, text: &str) -> YamlStore {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("managed {number}.yml"));
    fs::write(&path, text).unwrap();
    YamlStore::open(path).unwrap().with_clock(clock.reader())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn yaml_store_can_be_managed() {
    manage_contract(async |clock| yaml(&clock, "")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn yaml_store_starting_with_empty_brackets_can_be_managed() {
    manage_contract(async |clock| yaml(&clock, "{} # nothing yet\n")).await;
}

#[tokio::test]
async fn model_can_be_managed() {
    manage_contract(async |clock| Naive::new(Fault::default(), clock)).await;
}

/// Makes each change in a task of its runtime, as some database clients do.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn waiting_store_can_be_managed() {
    let fault = Fault {
        steps: Arc::new(|naive, change| {
            Some(Box::pin(async move {
                tokio::task::yield_now().await;
                let make = async move {
                    let mut model = naive.model();
                    naive.check(&model, &change)?;
                    model.make(change, naive.now())
                };
                tokio::spawn(make).await.unwrap()
            }))
        }),
        ..Fault::default()
    };
    manage_contract(async |clock| Naive::new(fault.clone(), clock)).await;
}
