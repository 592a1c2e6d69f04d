//! A standby may lag behind, and is taken for the database only where somebody says so.

use keygate::{AuthError, DatabaseError, ManageError, ManageKeys as _, PostgresStore};

use crate::servers::Postgres;
use crate::{KEY, ask, filled, patient};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn standby_is_an_outage_unless_it_is_allowed() {
    let server = Postgres::start();
    let database = server.database();
    let store = filled(&database).await;
    server.restart_as_standby();
    for opened in [
        PostgresStore::connect(&database.url()).await,
        PostgresStore::migrate(&database.url()).await,
    ] {
        let error = opened.unwrap_err();
        assert!(matches!(error, DatabaseError::Unavailable(_)), "{error:?}");
        assert!(error.to_string().contains("answers as a standby"), "{error}");
    }
    // What was connected before is no way in.
    let error = ask(&store, KEY).await.unwrap_err();
    assert!(matches!(error, AuthError::Unavailable(_)), "{error:?}");
    let error = store.list_keys(None).await.unwrap_err();
    assert!(matches!(error, ManageError::Unavailable(_)), "{error:?}");

    let store = patient(&database.url()).allow_standby().connect().await.unwrap();
    assert_eq!(ask(&store, KEY).await.unwrap().name(), "App 1");
    assert!(store.disable_client("App 1").await.is_err());
}
