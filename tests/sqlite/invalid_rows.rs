//! Invalid rows: their key or client is an outage, never unknown, and all others are served.

use std::time::Duration;

use keygate::ManageKeys as _;
use keygate::manage::ManageError;

use crate::fixture::{
    Folder, REVOKED, Response, UNKNOWN, cause, id, new, request, sqlite3, store, try_sqlite3,
};

/// The outcome for `A` after these statements, which run without checks.
async fn check_invalid(sql: &str) -> Response {
    let folder = Folder::new();
    let store = store(&folder.database(), "A").await;
    store.add_client("App 2".into()).await.unwrap();
    store.issue("App 2", new('B')).await.unwrap();
    let unchecked = "pragma ignore_check_constraints = on; pragma foreign_keys = off;";
    let sql = sql.replace("KEY_A", &format!("where key_id = '{}'", id('A')));
    let sql = sql.replace("APP_1", "where name = 'App 1'");
    sqlite3(&folder.database(), &format!("{unchecked}{sql}"));
    let response = request(&store, 'A').await;
    assert_eq!(request(&store, 'B').await, Response::Admitted, "{sql}");
    assert_eq!(request(&store, 'Z').await, UNKNOWN, "{sql}");
    response
}

#[tokio::test]
async fn invalid_row_is_an_outage_that_names_it() {
    let key = format!("the row of the key {} cannot be used", id('A'));
    let client = "the row of the client `App 1` cannot be used";
    for (sql, owner, why) in [
        ("update keygate_keys set expires = 'tomorrow' KEY_A;", &*key, "`expires`"),
        ("update keygate_keys set expires = '2026-11-23' KEY_A;", &key, "`expires`"),
        ("update keygate_keys set expires = '' KEY_A;", &key, "`expires`"),
        ("update keygate_keys set not_before = 'later' KEY_A;", &key, "`not_before`"),
        ("update keygate_keys set scopes = '[\"A b\"]' KEY_A;", &key, "scope"),
        ("update keygate_keys set networks = '[\"here\"]' KEY_A;", &key, "networks"),
        ("update keygate_clients set networks = '[\"here\"]' APP_1;", client, "networks"),
        ("update keygate_clients set title = ' a' APP_1;", client, "title"),
        ("update keygate_keys set revoked = 'yes' KEY_A;", &key, "`revoked`"),
        ("update keygate_keys set algorithm = 'md5' KEY_A;", &key, "algorithm"),
        ("update keygate_keys set client = 'App 3' KEY_A;", &key, "client does not exist"),
        ("delete from keygate_clients APP_1;", &key, "client does not exist"),
        ("update keygate_clients set enabled = 2 APP_1;", client, "`enabled`"),
        ("update keygate_clients set scopes = '' APP_1;", client, "scopes"),
        ("update keygate_clients set scopes = '{}' APP_1;", client, "scopes"),
        ("update keygate_clients set scopes = '[1]' APP_1;", client, "scopes"),
        ("update keygate_clients set scopes = '[\"A b\"]' APP_1;", client, "scope"),
        ("update keygate_clients set quota = '7' APP_1;", client, "quota"),
        (
            "update keygate_clients set quota = '{\"rate\":\"1/day\",\"burst\":36526}' APP_1;",
            client,
            "100 years",
        ),
        ("update keygate_clients set metadata = '[]' APP_1;", client, "metadata"),
        ("update keygate_clients set metadata = '{\"a\":1}' APP_1;", client, "metadata"),
        ("update keygate_clients set metadata = cast(x'ff' as text) APP_1;", client, "metadata"),
    ] {
        match check_invalid(sql).await {
            Response::Outage(cause) => {
                assert!(cause.contains(owner) && cause.contains(why), "{sql}: {cause}");
            }
            response => panic!("{sql}: {response:?}"),
        }
    }
}

#[tokio::test]
async fn invalid_name_is_an_outage() {
    for sql in [
        "update keygate_clients set name = '' APP_1; update keygate_keys set client = '' KEY_A;",
        "update keygate_clients set name = ' x' APP_1; update keygate_keys set client = ' x' KEY_A;",
    ] {
        let response = check_invalid(sql).await;
        assert!(matches!(response, Response::Outage(_)), "{sql}: {response:?}");
    }
}

#[tokio::test]
async fn operators_list_readable_rows_and_the_errors_of_others() {
    let folder = Folder::new();
    let store = store(&folder.database(), "ABC").await;
    store.add_client("App 2".into()).await.unwrap();
    sqlite3(
        &folder.database(),
        &format!(
            "pragma ignore_check_constraints = on;
            update keygate_keys set label = ' x ' where key_id = '{}';
            update keygate_keys set expires = 'tomorrow' where key_id = '{}';
            update keygate_clients set quota = '7' where name = 'App 2';",
            id('A'),
            id('B')
        ),
    );
    for client in [None, Some("App 1")] {
        let keys = store.list_readable_keys(client).await.unwrap();
        let found = keys.found.iter().map(|key| key.key_id);
        assert_eq!(found.collect::<Vec<_>>(), [id('C')]);
        let mut rows = [('A', "its label"), ('B', "its `expires`")].map(|(letter, why)| {
            format!("the row of the key {} cannot be used: {why}", id(letter))
        });
        rows.sort();
        assert_eq!(keys.unreadable.len(), 2);
        assert!(keys.unreadable.iter().zip(&rows).all(|(reported, row)| reported.starts_with(row)));
    }
    let clients = store.list_readable_clients().await.unwrap();
    assert_eq!((clients.found.len(), clients.found[0].keys), (1, 3));
    assert!(clients.unreadable[0].starts_with("the row of the client `App 2` cannot be used"));

    // Lists and exports fail rather than omit rows.
    let is_named = |error| match error {
        ManageError::Unavailable(error) => cause(&error).contains("cannot be used"),
        _ => false,
    };
    assert!(is_named(store.list_keys(None).await.unwrap_err()));
    assert!(is_named(store.list_clients().await.unwrap_err()));
    assert!(is_named(keygate::manage::TransferKeys::export_keys(&store).await.unwrap_err()));
}

#[tokio::test]
async fn invalid_row_does_not_prevent_other_changes() {
    let folder = Folder::new();
    let store = store(&folder.database(), "ABC").await;
    let sql = format!(
        "pragma ignore_check_constraints = on;
        update keygate_keys set expires = 'tomorrow' where key_id = '{}';",
        id('A')
    );
    sqlite3(&folder.database(), &sql);
    assert_eq!(store.find_key(&id('B')).await.unwrap().client, "App 1");
    assert_eq!(store.find_client("App 1").await.unwrap().keys, 3);
    store.revoke(&id('B')).await.unwrap();
    store.rotate(&id('C'), new('D'), Duration::ZERO).await.unwrap();
    assert_eq!(
        (request(&store, 'B').await, request(&store, 'D').await),
        (REVOKED, Response::Admitted)
    );
    store.disable_client("App 1").await.unwrap();
    store.enable_client("App 1").await.unwrap();
    let error = store.find_key(&id('A')).await.unwrap_err();
    assert!(error.to_string().contains("`expires`"), "{error}");
    let error = store.rotate(&id('A'), new('E'), Duration::ZERO).await.unwrap_err();
    assert!(error.to_string().contains("`expires`"), "{error}");
    let ManageError::UnknownKey { .. } = store.find_key(&id('Z')).await.unwrap_err() else {
        panic!("the error is not about an unknown key")
    };
}

#[tokio::test]
async fn database_checks_rows_written_by_hand() {
    let folder = Folder::new();
    store(&folder.database(), "A").await;
    for sql in [
        "insert into keygate_clients (name) values ('');",
        "insert into keygate_clients (name) values (null);",
        "insert into keygate_clients (name) values ('App 1');",
        "update keygate_clients set enabled = 2;",
        "update keygate_clients set scopes = 'a';",
        "update keygate_clients set metadata = null;",
        "update keygate_keys set expires = 'tomorrow';",
        "update keygate_keys set client = 'App 2';",
        "insert into keygate_keys (digest, client) values (x'00', 'App 1');",
        "insert into keygate_keys (digest, client) values ('text', 'App 1');",
    ] {
        try_sqlite3(&folder.database(), sql).expect_err(sql);
    }
}

#[tokio::test]
async fn rows_by_hand_are_served() {
    let folder = Folder::new();
    let store = store(&folder.database(), "").await;
    let digest = crate::fixture::digest('C').to_text().replace("sha256:", "");
    sqlite3(
        &folder.database(),
        &format!(
            "insert into keygate_clients (name, scopes, quota) values ('By hand',
                '[\"orders:read\"]', '{{\"rate\": \"100/minute\", \"burst\": 20}}');
             insert into keygate_keys (digest, client, expires)
             values (x'{digest}', 'By hand', '2099-01-01T01:00:00+01:00');"
        ),
    );
    assert_eq!(request(&store, 'C').await, Response::Admitted);
    let keys = store.list_keys(Some("By hand")).await.unwrap();
    assert!(keys[0].created.is_some() && keys[0].expires().is_some());
}

#[tokio::test]
async fn invalid_keys_and_clients_can_be_revoked() {
    for (column, value) in [("label", "' x '"), ("created", "'soon'"), ("expires", "'tomorrow'")] {
        let folder = Folder::new();
        let store = store(&folder.database(), "A").await;
        sqlite3(
            &folder.database(),
            &format!(
                "pragma ignore_check_constraints = on; update keygate_keys set {column} = {value};"
            ),
        );
        let key = store.revoke(&id('A')).await.unwrap();
        assert!(key.revoked.is_some() && key.client == "App 1", "{key:?}");
        let revoked = "select revoked is not null from keygate_keys;";
        assert_eq!(sqlite3(&folder.database(), revoked), "1");
    }
    for (column, value) in [("enabled", "2"), ("scopes", "'{}'"), ("quota", "'7'")] {
        let folder = Folder::new();
        let store = store(&folder.database(), "A").await;
        sqlite3(
            &folder.database(),
            &format!(
                "pragma ignore_check_constraints = on; update keygate_clients set {column} = {value};"
            ),
        );
        store.revoke(&id('A')).await.unwrap();
        assert!(!store.disable_client("App 1").await.unwrap().enabled);
        store.remove_client("App 1").await.unwrap();
        assert_eq!(sqlite3(&folder.database(), "select count(*) from keygate_keys;"), "0");
    }
}
