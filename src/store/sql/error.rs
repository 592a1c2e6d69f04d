use crate::error::StoreError;
use crate::manage::ManageError;

/// Reason why a database of keys cannot be used.
///
/// The message is for the operator, and never shows a password.
///
/// ```
/// use keygate::store::DatabaseError;
///
/// assert!(DatabaseError::NoTables.to_string().contains("keygate migrate"));
/// ```
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatabaseError {
    /// The URL or path is invalid, or it has an unknown option.
    #[error("{why}")]
    Location {
        /// The reason.
        why: String,
    },
    /// The database has no tables of keygate.
    #[error("the database has no tables of keygate: create them with `keygate migrate`")]
    NoTables,
    /// The tables are older than this version needs.
    #[error(
        "the tables have version {found} and this keygate needs version {needed}: \
         update them with `keygate migrate`"
    )]
    TooOld {
        /// The version of the tables.
        found: i32,
        /// The needed version.
        needed: i32,
    },
    /// The tables were created by a newer version, and this one cannot read them.
    #[error(
        "the tables have version {found}, which this keygate cannot read: use a newer keygate \
         (this one reads up to version {readable})"
    )]
    TooNew {
        /// The version of the tables.
        found: i32,
        /// The newest readable version.
        readable: i32,
    },
    /// The encoding of the database is not UTF-8.
    #[error(
        "the encoding of the database is {found}, and must be UTF8: create a database with `create database \
         ... encoding 'UTF8' template template0`, and move the keys there with `keygate import`"
    )]
    Encoding {
        /// PostgreSQL's name of the encoding.
        found: String,
    },
    /// Row-level security would hide rows of a table from this role: a revoked key could work, and a valid
    /// key could be unknown.
    #[error(
        "row-level security hides rows of keygate.{table} from this role (policies: {policies}): \
         `alter table keygate.{table} disable row level security`, or give the role `bypassrls`"
    )]
    RowSecurity {
        /// The table, in the schema `keygate`.
        table: String,
        /// The names of its policies. Without any, the role sees no row.
        policies: String,
    },
    /// A view or another object has the name of a table.
    #[error(
        "keygate.{object} is not a table: drop or rename it, and rename the table back to `{object}`"
    )]
    NotATable {
        /// The name of the object, in the schema `keygate`.
        object: String,
    },
    /// The owner of the tables or of their schema is a role that could replace them.
    #[error(
        "{object} belongs to the role `{owner}`, which could replace it: its owner must be `{role}`, a \
         role that `{role}` is a member of, or the owner of the database; if the content is yours, change \
         the owner with `alter ... owner to`, else drop the schema and run `keygate migrate`"
    )]
    ForeignOwner {
        /// The schema, the table or the function.
        object: String,
        /// The owner.
        owner: String,
        /// The role of the session.
        role: String,
    },
    /// The database could not be reached, it returned an error, or a file that its URL names could not be
    /// read.
    #[error("{}", cause(.0))]
    Unavailable(StoreError),
}

fn cause(error: &StoreError) -> String {
    use std::error::Error as _;
    error.source().map_or_else(|| error.to_string(), ToString::to_string)
}

impl From<StoreError> for DatabaseError {
    fn from(error: StoreError) -> Self {
        Self::Unavailable(error)
    }
}

impl From<DatabaseError> for ManageError {
    fn from(error: DatabaseError) -> Self {
        match error {
            DatabaseError::Unavailable(error) => Self::Unavailable(error),
            error => Self::Unavailable(StoreError::new(error)),
        }
    }
}
