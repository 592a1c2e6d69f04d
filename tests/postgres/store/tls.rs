//! Connections with TLS, and refused ones without it.

use std::fs;
use std::path::Path;

use keygate::store::{DatabaseError, PostgresStore};

use crate::servers::{Database, Postgres};
use crate::store::{KEY, request, store_with_key};

/// The numbers of connections with and without TLS.
fn encrypted(database: &Database<'_>) -> String {
    database.psql(
        "select count(*) filter (where s.ssl), count(*) filter (where not s.ssl) \
         from pg_stat_ssl s join pg_stat_activity a using (pid) \
         where a.application_name = 'keygate' and a.datname = current_database()",
    )
}

async fn refused(url: &str) -> String {
    let error = PostgresStore::connect(url).await.unwrap_err();
    assert!(matches!(error, DatabaseError::Unavailable(_)), "{error:?}");
    error.to_string()
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn server_is_verified_in_full() {
    let server = Postgres::tls();
    let database = server.database();
    let store = store_with_key(&database).await;
    assert!(request(&store, KEY).await.is_ok());
    // One for lookups, and one for changes.
    assert_eq!(encrypted(&database), "2|0");

    let url = database.url();
    assert!(url.contains("sslmode=verify-full"), "{url}");
    let error = refused(&url.replace(&name(&server.ca()), &name(&server.other_ca()))).await;
    assert!(error.contains("over TLS: invalid peer certificate"), "{error}");
    let by_address = url.replace("localhost", "127.0.0.1");
    let error = refused(&by_address).await;
    assert!(error.contains("certificate not valid for name"), "{error}");
    // Only the authorities of the system.
    let error = refused(url.split_once("&sslrootcert").unwrap().0).await;
    assert!(error.contains("invalid peer certificate"), "{error}");
    let by_address = by_address.replace("verify-full", "verify-ca");
    assert!(PostgresStore::connect(&by_address).await.is_ok());
}

/// As in libpq, naming an authority requires it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn required_tls_uses_the_named_authority() {
    let server = Postgres::tls();
    let database = server.database();
    store_with_key(&database).await;
    let required =
        database.url().replace("verify-full", "require").replace("localhost", "127.0.0.1");
    let store = PostgresStore::connect(&required).await.unwrap();
    assert!(request(&store, KEY).await.is_ok());
    let error = refused(&required.replace(&name(&server.ca()), &name(&server.other_ca()))).await;
    assert!(error.contains("invalid peer certificate"), "{error}");
    // Without an authority, the server is not verified.
    drop(store);
    let store =
        PostgresStore::connect(required.split_once("&sslrootcert").unwrap().0).await.unwrap();
    assert!(request(&store, KEY).await.is_ok());
    assert!(encrypted(&database).ends_with("|0"));
    assert_ne!(encrypted(&database), "0|0");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn server_with_required_tls_refuses_plain_connections() {
    let server = Postgres::tls();
    let url = server.url().replace("verify-full", "disable");
    let error = refused(url.split_once("&sslrootcert").unwrap().0).await;
    assert!(error.contains("no encryption"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn server_without_tls_is_refused_with_a_remedy() {
    let database = Postgres::shared().database();
    for mode in ["require", "verify-ca", "verify-full"] {
        let error = refused(&format!("{}?sslmode={mode}", database.url())).await;
        assert!(error.contains("has no TLS"), "{mode}: {error}");
        for way_out in ["`ssl = on`", "`sslmode=disable`"] {
            assert!(error.contains(way_out), "{mode}: {error}");
        }
    }
}

#[tokio::test]
async fn unused_or_unreadable_authority_is_refused() {
    let location = |options: &str| {
        let url = format!("postgres://me@127.0.0.1:1/keys?{options}");
        match PostgresStore::options(&url).unwrap_err() {
            DatabaseError::Location { why } => why,
            error => panic!("{error:?}"),
        }
    };
    let here = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    for mode in ["", "sslmode=prefer&", "sslmode=allow&", "sslmode=disable&"] {
        let why = location(&format!("{mode}sslrootcert={here}"));
        assert!(why.contains("sslmode=verify-full"), "{why}");
    }
    let why = location(&format!("sslmode=verify-full&ssl-ca={here}"));
    assert!(why.contains("contains no PEM certificate"), "{why}");
}

#[test]
fn unreadable_root_certificate_is_an_outage() {
    let huge = Path::new(env!("CARGO_TARGET_TMPDIR")).join("huge-ca.pem");
    let begun = "-----BEGIN CERTIFICATE-----\n";
    fs::write(&huge, format!("{begun}{}", "\n".repeat(1 << 20))).unwrap();
    for (path, why) in [
        ("/nowhere/ca.pem", "No such file"),
        ("/dev/zero", "not a regular file"),
        (huge.to_str().unwrap(), "longer than 1024 KiB"),
    ] {
        let url = format!("postgres://me@127.0.0.1:1/keys?sslmode=verify-full&sslrootcert={path}");
        let error = PostgresStore::options(&url).unwrap_err();
        assert!(matches!(error, DatabaseError::Unavailable(_)), "{error:?}");
        let shown = error.to_string();
        assert!(shown.contains("`sslrootcert` names cannot be read"), "{shown}");
        assert!(shown.contains(why), "{shown}");
    }
    // The largest allowed file.
    let text = format!("{begun}{}", "\n".repeat((1 << 20) - begun.len()));
    fs::write(&huge, text).unwrap();
    let url = format!("postgres://me@host/keys?sslmode=verify-full&sslrootcert={}", huge.display());
    assert!(PostgresStore::options(&url).is_ok());
}

/// PostgreSQL's manual creates one like this, and libpq accepts it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn self_signed_certificate_is_refused_with_a_clear_error() {
    let server = Postgres::tls();
    let database = server.database();
    let folder = server.ca().parent().unwrap().to_owned();
    for (authority, own) in [("ca.pem", "server.pem"), ("ca.key", "server.key")] {
        fs::copy(folder.join(authority), folder.join(own)).unwrap();
    }
    server.restart();
    let error = refused(&database.url()).await;
    assert!(error.contains("the server uses the certificate of an authority"), "{error}");
    assert!(!error.contains("CaUsedAsEndEntity"), "{error}");
}
