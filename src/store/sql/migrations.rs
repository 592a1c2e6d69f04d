//! The versions of the tables.

use super::DatabaseError;

/// All migrations of a database, in order; the first creates version 1. Existing databases have run them, so never
/// change one: add another.
#[derive(Clone, Copy)]
pub(in crate::store) struct Migrations(pub(in crate::store) &'static [Migration]);

#[derive(Clone, Copy)]
pub(in crate::store) struct Migration {
    /// The oldest version whose readers understand the tables after this migration.
    pub(in crate::store) oldest_reader: i32,
    pub(in crate::store) sql: &'static str,
}

impl Migrations {
    /// Returns the version that this code needs, the newest one that it knows.
    fn needed(self) -> i32 {
        self.newer_than(0).last().map_or(0, |(version, _)| version)
    }

    /// Returns the migrations of tables of this version, each with the version that it creates.
    pub(in crate::store) fn newer_than(
        self,
        found: i32,
    ) -> impl Iterator<Item = (i32, &'static Migration)> {
        (1..).zip(self.0).filter(move |(version, _)| *version > found)
    }

    /// Checks that this code can use tables of version `found`.
    pub(in crate::store) fn check(
        self,
        found: i32,
        oldest_reader: i32,
    ) -> Result<(), DatabaseError> {
        let needed = self.needed();
        if found < needed {
            return Err(DatabaseError::TooOld { found, needed });
        }
        if oldest_reader > needed {
            return Err(DatabaseError::TooNew { found, readable: needed });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIGRATIONS: Migrations = Migrations(&[
        Migration { oldest_reader: 1, sql: "" },
        Migration { oldest_reader: 1, sql: "" },
    ]);

    #[test]
    fn newer_tables_are_read_if_they_allow_it() {
        assert!(MIGRATIONS.check(2, 2).is_ok());
        assert!(MIGRATIONS.check(7, 2).is_ok());
        let error = MIGRATIONS.check(7, 3).unwrap_err();
        assert!(matches!(error, DatabaseError::TooNew { found: 7, readable: 2 }));
        let error = MIGRATIONS.check(1, 1).unwrap_err();
        assert!(matches!(error, DatabaseError::TooOld { found: 1, needed: 2 }));
    }

    #[test]
    fn pending_migrations_are_those_above_the_version() {
        let versions = |found| MIGRATIONS.newer_than(found).map(|(version, _)| version);
        assert_eq!(versions(0).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(versions(1).collect::<Vec<_>>(), [2]);
        assert_eq!(versions(2).count(), 0);
    }
}
