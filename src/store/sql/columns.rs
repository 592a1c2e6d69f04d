//! The columns of the tables. Statements, bulk inserts, the rows of lookups and comparisons are all made from these
//! lists.
//!
//! A [`Cursor`] reads one column after the other, so that no code contains the position of a column.

use super::client_columns::{networks, scopes};
use super::column::{Codec, Column, Table};
use crate::client::{label, sorted};
use crate::key::{KeyDigest, Rounding};
use crate::manage::KeyFacts;

mod clients;

pub(in crate::store) use clients::CLIENTS;

pub(in crate::store) static KEYS: Table<KeyFacts> = Table {
    name: "keys",
    columns: &[
        Column::new(
            "digest",
            Codec::Bytes(
                |key| key.digest.to_bytes().to_vec(),
                |key, bytes| {
                    key.digest = digest(bytes)?;
                    Ok(())
                },
            ),
        ),
        Column::new(
            "algorithm",
            Codec::Text(
                |_| Some("sha256".into()),
                |_, text| match text {
                    Some("sha256") => Ok(()),
                    _ => Err("its algorithm is not `sha256`".to_owned()),
                },
            ),
        ),
        Column::new(
            "client",
            Codec::Text(
                |key| Some((&*key.client).into()),
                |key, client| {
                    key.client = client.ok_or("it has no client")?.into();
                    Ok(())
                },
            ),
        ),
        Column::managed(
            "label",
            Codec::Text(
                |key| key.label.as_deref().map(Into::into),
                |key, text| {
                    if let Some(text) = text {
                        label::check(text).map_err(|error| format!("its label {error}"))?;
                    }
                    key.label = text.map(Into::into);
                    Ok(())
                },
            ),
        ),
        Column::managed(
            "created",
            Codec::Time(Rounding::Down, |key| key.created, |key, created| key.created = created),
        ),
        Column::new(
            "expires",
            Codec::Time(
                Rounding::Down,
                |key| key.lifetime.expires,
                |key, expires| key.lifetime.expires = expires,
            ),
        ),
        Column::new(
            "revoked",
            Codec::Time(Rounding::Down, |key| key.revoked, |key, revoked| key.revoked = revoked),
        ),
        Column::new(
            "replaced_by",
            Codec::Text(
                |key| key.replaced_by.map(|key_id| key_id.to_string().into()),
                |key, text| {
                    let successor = text.map(str::parse).transpose();
                    key.replaced_by =
                        successor.map_err(|_| "its `replaced_by` is not the id of a key")?;
                    Ok(())
                },
            ),
        ),
        Column::new(
            "not_before",
            Codec::Time(
                Rounding::Up,
                |key| key.lifetime.not_before,
                |key, not_before| key.lifetime.not_before = not_before,
            ),
        ),
        Column::new(
            "scopes",
            Codec::Texts(
                |key| key.scopes.iter().map(ToString::to_string).collect(),
                |key, texts| {
                    key.scopes = sorted(scopes(texts)?);
                    Ok(())
                },
            ),
        ),
        Column::new(
            "networks",
            Codec::Texts(
                |key| key.networks.iter().map(ToString::to_string).collect(),
                |key, texts| {
                    key.networks = sorted(networks(texts)?);
                    Ok(())
                },
            ),
        ),
    ],
};

pub(super) fn digest(bytes: &[u8]) -> Result<KeyDigest, String> {
    let bytes = bytes.try_into().map_err(|_| "its digest is not 32 bytes long")?;
    Ok(KeyDigest::from_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::ClientProfile;
    use crate::key::{Lifetime, Timestamp};
    use crate::manage::ClientFacts;
    use crate::store::sql::{Migration, Migrations};

    /// Copies all columns except one.
    fn copied<T>(table: &Table<T>, without: &str, from: &T, mut into: T) -> T {
        for column in table.columns.iter().filter(|column| column.name != without) {
            let into = &mut into;
            let done = match &column.codec {
                Codec::Bytes(get, set) => set(into, &get(from)),
                Codec::Text(get, set) | Codec::Json(get, set) => set(into, get(from).as_deref()),
                Codec::Texts(get, set) => set(into, &get(from)),
                Codec::Flag(get, set) => {
                    set(into, get(from));
                    Ok(())
                }
                Codec::Time(_, get, set) => {
                    set(into, get(from));
                    Ok(())
                }
            };
            done.expect(column.name);
        }
        into
    }

    #[test]
    fn key_that_lacks_a_column_differs() {
        let at = |micros| Timestamp::from_micros(micros).ok();
        let digest = KeyDigest::of(b"one");
        let key = KeyFacts {
            digest,
            client: "App 1".to_owned(),
            label: Some("production".to_owned()),
            scopes: vec!["orders:read".parse().unwrap()],
            networks: vec!["10.0.0.0/8".parse().unwrap()],
            created: at(1),
            lifetime: Lifetime { not_before: at(4), expires: at(3) },
            revoked: at(2),
            replaced_by: Some(KeyDigest::of(b"two").key_id()),
        };
        let empty = || KeyFacts::new(KeyDigest::of(b""), "");
        assert_eq!(copied(&KEYS, "", &key, empty()), key);
        for column in KEYS.columns.iter().filter(|column| column.name != "algorithm") {
            let other = copied(&KEYS, column.name, &key, empty());
            assert_eq!(key.differing(&other), [column.name]);
            assert!(column.differs(&key, &other) && !column.differs(&key, &key));
        }
    }

    #[test]
    fn client_that_lacks_a_column_differs() {
        let profile = ClientProfile::new("App 1")
            .with_title("The app")
            .with_networks(["10.0.0.0/8".parse().unwrap()])
            .with_scopes(["orders:read".parse().unwrap(), "*".parse().unwrap()])
            .with_quota("100/minute".parse().unwrap())
            .with_metadata([("team", "billing")]);
        let client = ClientFacts { profile, enabled: false };
        let empty = || ClientFacts { profile: ClientProfile::new(""), enabled: true };
        assert_eq!(copied(&CLIENTS, "", &client, empty()), client);
        for column in CLIENTS.columns {
            // The name replaces the profile, so it comes first.
            assert_ne!(copied(&CLIENTS, column.name, &client, empty()), client, "{}", column.name);
            assert!(column.differs(&client, &empty()) && !column.differs(&client, &client));
        }
    }

    /// The names and types of a table's columns in the documentation, without computed columns.
    fn documented<'a>(docs: &'a str, table: &str) -> Vec<(&'a str, &'a str)> {
        let (_, rest) = docs.split_once(&format!("\n| `{table}` |")).expect(table);
        let rows = rest.split("\n\n").next().unwrap().lines().skip(2);
        let rows = rows.filter(|row| !row.contains("computed by the database"));
        let code = |cell: &'a str| cell.split('`').nth(1).unwrap();
        rows.map(|row| row.split('|').skip(1).map(code))
            .map(|mut cells| (cells.next().unwrap(), cells.next().unwrap()))
            .collect()
    }

    fn listed<T>(table: &Table<T>, types: [&'static str; 6]) -> Vec<(&'static str, &'static str)> {
        let [bytes, text, json, texts, flag, time] = types;
        let of = |column: &Column<T>| match column.codec {
            Codec::Bytes(..) => bytes,
            Codec::Text(..) => text,
            Codec::Json(..) => json,
            Codec::Texts(..) => texts,
            Codec::Flag(..) => flag,
            Codec::Time(..) => time,
        };
        table.columns.iter().map(|column| (column.name, of(column))).collect()
    }

    /// Tests of each database compare the documentation with the tables that the migrations create.
    #[test]
    fn columns_match_the_documentation() {
        let docs = include_str!("../postgres/tables.md");
        let types = ["bytea", "text", "jsonb", "text[]", "boolean", "timestamptz"];
        assert_eq!(listed(&CLIENTS, types), documented(docs, "keygate.clients"));
        assert_eq!(listed(&KEYS, types), documented(docs, "keygate.keys"));
        let docs = include_str!("../sqlite/tables.md");
        let types = ["blob", "text", "text", "text", "integer", "text"];
        assert_eq!(listed(&CLIENTS, types), documented(docs, "keygate_clients"));
        assert_eq!(listed(&KEYS, types), documented(docs, "keygate_keys"));
    }

    /// Checks that older versions may not read tables with a column that they would ignore when they authenticate.
    fn excludes_older_readers(migrations: Migrations) -> bool {
        let names = |sql: &str| {
            let words = sql.split_whitespace().map(str::to_lowercase).collect::<Vec<_>>();
            let added = words.windows(3).filter(|words| words[..2] == ["add", "column"]);
            added.map(|words| words[2].clone()).collect::<Vec<_>>()
        };
        let clients = CLIENTS.columns.iter().map(|column| (column.name, column.authenticates));
        let keys = KEYS.columns.iter().map(|column| (column.name, column.authenticates));
        let authenticates = |name: &String| {
            clients.clone().chain(keys.clone()).any(|(known, needed)| needed && known == name)
        };
        let mut oldest = 1;
        migrations.newer_than(0).all(|(version, migration)| {
            if names(migration.sql).iter().any(authenticates) {
                oldest = version;
            }
            (oldest..=version).contains(&migration.oldest_reader)
        })
    }

    #[test]
    fn authenticating_column_excludes_older_readers() {
        #[cfg(feature = "postgres")]
        assert!(excludes_older_readers(crate::store::postgres::MIGRATIONS));
        #[cfg(feature = "sqlite")]
        assert!(excludes_older_readers(crate::store::sqlite::MIGRATIONS));
        let first = Migration { oldest_reader: 1, sql: "create table keygate.keys ()" };
        let added = |oldest_reader, column| {
            let sql: &str = format!("alter table keys\n  ADD COLUMN {column} text").leak();
            Migrations(Vec::leak(vec![first, Migration { oldest_reader, sql }]))
        };
        assert!(excludes_older_readers(added(1, "label")));
        assert!(excludes_older_readers(added(2, "expires")));
        assert!(!excludes_older_readers(added(1, "expires")));
        assert!(!excludes_older_readers(added(3, "expires")));
    }
}
