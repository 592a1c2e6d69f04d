//! Errors for one key among many.

use keygate::manage::ManageError;
use keygate::{KeyId, ManageKeys as _};

use crate::servers::Postgres;
use crate::store::store_with_key;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nearest_to_a_mistyped_id_is_found_among_all() {
    let database = Postgres::shared().database();
    let store = store_with_key(&database).await;
    database.psql(
        "set session_replication_role = replica; \
         insert into keygate.keys (digest, client) \
         select sha256(n::text::bytea), 'App 1' from generate_series(1, 120000) n",
    );
    for (extreme, digit) in [("min", 3), ("max", 12)] {
        let id = database.psql(&format!("select {extreme}(key_id) from keygate.keys"));
        let other = if &id[digit..=digit] == "0" { "1" } else { "0" };
        let mistyped = format!("{}{other}{}", &id[..digit], &id[digit + 1..]);
        let error = store.revoke(&mistyped.parse().unwrap()).await.unwrap_err();
        let ManageError::UnknownKey { nearest, .. } = &error else { panic!("{error:?}") };
        assert_eq!(nearest.as_ref().map(KeyId::to_string), Some(id));
    }
}
