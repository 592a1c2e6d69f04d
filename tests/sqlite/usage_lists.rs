//! Lists of clients by their usage in `usage.db`.

use keygate::observe::{UsageHistory, UsageQuery, UsageWriter};

use crate::client_lists;
use crate::counted::Counted;
use crate::fixture::{Folder, sqlite3};

async fn history(folder: &Folder) -> UsageHistory {
    UsageHistory::in_folder(folder.path()).await.unwrap()
}

#[tokio::test]
async fn clients_are_listed_by_the_last_use_of_any_key() {
    let folder = Folder::new();
    let history = history(&folder).await;
    let run = |sql: &str| drop(sqlite3(&folder.path().join("usage.db"), sql));
    client_lists::by_last_use(&history, "keygate_usage_last", run).await;
}

#[tokio::test]
async fn series_by_client_equals_the_series_of_each() {
    let folder = Folder::new();
    let history = history(&folder).await;
    let run = |sql: &str| drop(sqlite3(&folder.path().join("usage.db"), sql));
    client_lists::series_of_some(&history, "keygate_usage_counts", run).await;
}

#[tokio::test]
async fn file_of_the_first_version_is_read_until_a_service_opens_it() {
    let folder = Folder::new();
    let file = folder.path().join("usage.db");
    let counted = Counted::new();
    let writer = UsageWriter::start(&counted.usage, &history(&folder).await).unwrap();
    counted.calls("a 1", 2);
    writer.stop().await.unwrap();
    let first = "drop index keygate_usage_last_by_time; drop index keygate_usage_counts_by_client; \
                 delete from keygate_migrations where version > 1;";
    sqlite3(&file, first);
    let versions = || sqlite3(&file, "select max(version) from keygate_migrations;");
    let history = UsageHistory::open(&file).await.unwrap();
    let of_a = UsageQuery::new().for_client("A");
    assert_eq!(history.top(&of_a, 9).await.unwrap()[0].totals.requests, 2);
    assert_eq!(history.clients_by_last_use(9, None).await.unwrap()[0].client, "A");
    assert_eq!(versions(), "1");
    UsageHistory::in_folder(folder.path()).await.unwrap();
    assert_eq!(versions(), "2");
}
