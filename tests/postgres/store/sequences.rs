//! A sequence that was not copied with the rows of its table.

use std::error::Error as _;

use keygate::ManageKeys as _;
use keygate::manage::ManageError;
use keygate::store::PostgresStore;

use crate::servers::Postgres;
use crate::store::{KEY, OTHER_KEY, issue, migrated, request, store_with_key};

const EVENTS: &str = "select count(*), max(seq) from keygate.events";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sequence_behind_its_rows_is_fixed_by_migrating() {
    for behind in ["restart with 1", "restart with 2"] {
        let database = Postgres::shared().database();
        let store = store_with_key(&database).await;
        assert_eq!(database.psql(EVENTS), "2|2");
        database.psql(&format!("alter sequence keygate.events_seq_seq {behind}"));
        let error = store.disable_client("App 1").await.unwrap_err();
        let ManageError::Unavailable(error) = &error else { panic!("{error:?}") };
        let shown = error.source().unwrap().to_string();
        assert!(shown.contains("the sequence of keygate.events"), "{shown}");
        assert!(shown.contains("`keygate migrate`") && shown.contains("setval("), "{shown}");
        assert!(request(&store, KEY).await.is_ok());

        let store = migrated(&database).await;
        issue(&store, OTHER_KEY).await;
        assert_eq!(database.psql(EVENTS), "3|3");
    }
}

/// As after `alter ... restart with`, which leaves a gap.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sequence_ahead_of_its_rows_is_kept() {
    let database = Postgres::shared().database();
    store_with_key(&database).await;
    database.psql("alter sequence keygate.events_seq_seq restart with 100");
    let store = migrated(&database).await;
    issue(&store, OTHER_KEY).await;
    assert_eq!(database.psql(EVENTS), "3|100");
    PostgresStore::migrate(&database.url()).await.unwrap();
    let state = "select last_value, is_called from keygate.events_seq_seq";
    assert_eq!(database.psql(state), "100|t");
}
