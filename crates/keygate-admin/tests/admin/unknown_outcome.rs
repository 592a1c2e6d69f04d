//! Forms that create a key, sent again after the store failed: there is one key, and the page does not deny it.

use std::sync::atomic::{AtomicBool, Ordering};

use keygate::MemoryStore;

use crate::filled::{lacks, send, store_with_app};
use crate::hooked::{Hooked, outage};
use crate::support::{Answer, Page};

const ISSUE: &str = "/clients/App%201/keys/new";

/// Opens the form of `path`, submits it while `method` fails, and submits the form of the response again.
async fn sent_twice(method: &'static str, fails_before: bool) -> (MemoryStore, [Answer; 2]) {
    let (store, old) = store_with_app();
    let mut page = Page::new(Hooked::failing(store.clone(), method, fails_before)).await;
    let rotate = format!("/keys/{}/rotate", old.key_id());
    let (path, typed) = if method == "issue" {
        (ISSUE, vec![("label", "laptop"), ("lifetime", "30d"), ("step", "issue")])
    } else {
        (&*rotate, vec![("label", "laptop"), ("lifetime", "same"), ("grace", "1h")])
    };
    let form = page.get(path).await;
    let failed = send(&mut page, path, &form, &typed).await;
    let again = send(&mut page, path, &failed, &typed).await;
    // Once the outcome is known, the form keeps to it.
    let third = send(&mut page, path, &failed, &typed).await;
    assert_eq!(third.status, 200);
    third.says("No second key was issued");
    (store, [failed, again])
}

#[tokio::test]
async fn form_issues_no_second_key_after_an_unknown_outcome() {
    for method in ["issue", "rotate"] {
        let (store, [failed, again]) = sent_twice(method, false).await;
        assert_eq!(failed.status, 503, "{method}");
        failed.says("could not be confirmed").says("no second key is issued");
        let keys = store.list_keys(None).unwrap();
        assert_eq!(keys.len(), 2, "{method}");
        let new = keys.iter().find(|key| key.label.as_deref() == Some("laptop")).unwrap();
        assert_eq!(again.status, 200, "{method}: {}", again.body);
        again
            .says("The key was issued, but it could not be shown")
            .says(&format!("/keys/{}/revoke", new.key_id))
            .says("revoke it and issue another one");
        lacks(&again, "in the meantime");
        lacks(&again, "id=\"key\"");
    }
}

#[tokio::test]
async fn form_issues_its_key_if_the_store_failed_before() {
    for method in ["issue", "rotate"] {
        let (store, [failed, again]) = sent_twice(method, true).await;
        assert_eq!((failed.status, again.status), (503, 200), "{method}");
        again.says("only time you will see this key");
        assert_eq!(store.list_keys(None).unwrap().len(), 2, "{method}");
    }
}

#[tokio::test]
async fn failed_look_up_of_a_key_issues_no_second_one() {
    let (store, _) = store_with_app();
    let is_down = AtomicBool::new(false);
    let failing = Hooked::new(Box::new(store.clone()), move |method, is_before| {
        if method == "issue" && !is_before {
            is_down.store(true, Ordering::Relaxed);
        }
        let fails = is_down.load(Ordering::Relaxed) && ["issue", "find_key"].contains(&method);
        Box::pin(async move { if fails { Err(outage()) } else { Ok(()) } })
    });
    let mut page = Page::new(failing).await;
    let typed = [("label", "laptop"), ("lifetime", "30d"), ("step", "issue")];
    let form = page.get(ISSUE).await;
    let failed = send(&mut page, ISSUE, &form, &typed).await;
    for _ in 0..2 {
        let again = send(&mut page, ISSUE, &failed, &typed).await;
        assert_eq!(again.status, 503);
        again.says("The store cannot be reached");
    }
    assert_eq!(store.list_keys(None).unwrap().len(), 2);
}
