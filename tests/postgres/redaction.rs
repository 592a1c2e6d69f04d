//! No type of the PostgreSQL store shows a key or a password.

use keygate::store::{PostgresStore, Replica};

use crate::canary::{CANARY, assert_hidden, debug, error, text};
use crate::servers::Postgres;

#[test]
fn no_type_of_the_store_shows_a_password() {
    // A port without a listener.
    let url = format!("postgres://service:{CANARY}@127.0.0.1:1/keys");
    let replica_options = Replica::options(&url).unwrap();
    let replica = replica_options.clone().start();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let unreachable = runtime.block_on(PostgresStore::connect(&url)).unwrap_err();
    let not_a_url =
        PostgresStore::options(&format!("postgres://{CANARY}:{CANARY}@[/")).unwrap_err();
    let lazy = PostgresStore::options(&url).unwrap();
    let server = Postgres::start();
    server.psql(&format!("create role other superuser login password '{CANARY}'"));
    let url = server.url_as("other", CANARY);
    let connected = runtime.block_on(PostgresStore::migrate(&url)).unwrap();
    let options = || PostgresStore::options(&url).unwrap();
    let sound = runtime.block_on(options().inspect()).unwrap();
    server.psql("drop table keygate.events");
    let broken = runtime.block_on(options().inspect()).unwrap();
    assert!(!broken.is_empty());
    let findings = [sound, broken].concat();
    for (name, shown) in [
        ("DatabaseFinding", findings.iter().map(text).collect::<String>() + &debug(&findings)),
        ("PostgresOptions", debug(&lazy)),
        ("PostgresStore", debug(&connected)),
        ("DatabaseError", error(&unreachable) + &error(&not_a_url)),
        ("ReplicaOptions", debug(&replica_options)),
        ("Replica", debug(&replica)),
        ("ReplicaHealth", debug(&replica.health())),
    ] {
        assert_hidden(name, &shown);
    }
}
