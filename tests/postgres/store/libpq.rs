//! The environment variables of libpq.

use std::process::Command;

use crate::servers::Postgres;
use crate::store::migrated;
use crate::store::passwords::Home;

/// The user that this process runs as.
fn system_user() -> String {
    let output = Command::new("id").arg("-un").output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn url_without_a_user_uses_the_user_of_the_process() {
    let server = Postgres::start();
    let database = server.database();
    migrated(&database).await;
    for name in [&*system_user(), "named"] {
        server.psql(&format!("create role \"{name}\" login superuser password 'c4n4ry'"));
    }
    let url = format!("postgres://127.0.0.1:{}/{}", server.port(), database.name());
    let home = Home::new();
    home.connects(&url, &[("PGPASSWORD", "c4n4ry")]);
    home.connects(&url, &[("PGPASSWORD", "c4n4ry"), ("PGUSER", "")]);
    home.connects(&url, &[("PGPASSWORD", "c4n4ry"), ("PGUSER", "named")]);
    server.psql("drop role named");
    let shown = home.run(&url, &[("PGPASSWORD", "c4n4ry"), ("PGUSER", "named")]);
    assert!(shown.contains("\"named\""), "{shown}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unsupported_environment_variables_are_refused() {
    let database = Postgres::shared().database();
    migrated(&database).await;
    let home = Home::new();
    for (name, value) in [
        ("PGSSLMODE", "verify_full"),
        ("PGPORT", "5432x"),
        ("PGREQUIREAUTH", "scram-sha-256"),
        ("PGCHANNELBINDING", "require"),
        ("PGSSLCRL", "/etc/crl.pem"),
    ] {
        let url = "postgres://a@127.0.0.1/keys";
        let shown = home.run(url, &[(name, value)]);
        let expected = format!("`{name}` in the environment");
        assert_eq!(shown.matches(&expected).count(), 4, "{name}: {shown}");
    }
    // The URL wins over the environment.
    let url = format!("{}?sslmode=prefer", database.url());
    home.connects(&url, &[("PGSSLMODE", "verify_full"), ("PGPORT", "x")]);
    home.connects(&url, &[("PGCHANNELBINDING", "prefer")]);
}
