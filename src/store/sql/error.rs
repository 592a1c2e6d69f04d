use crate::error::StoreError;
use crate::manage::ManageError;

/// Why a database of keys cannot be used.
///
/// It is made for the operator, and never shows a password.
///
/// ```
/// use keygate::store::DatabaseError;
///
/// assert!(DatabaseError::NoTables.to_string().contains("keygate migrate"));
/// ```
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatabaseError {
    /// The URL or the path does not name a database, or an option in it is not known.
    #[error("the location of the database is not valid: {why}")]
    Location {
        /// What is wrong with it.
        why: String,
    },
    /// The database has no tables of keygate yet.
    #[error("the database has no tables of keygate: make them with `keygate migrate`")]
    NoTables,
    /// The tables are older than this version needs.
    #[error(
        "the tables are of version {found} and this keygate needs version {needed}: \
         bring them up to date with `keygate migrate`"
    )]
    TooOld {
        /// The version of the tables.
        found: i32,
        /// The version that is needed.
        needed: i32,
    },
    /// The tables were made by a later version, which says that this one cannot read them.
    #[error(
        "the tables are of version {found}, which this keygate cannot read: use a later one \
         (the latest it can read is version {readable})"
    )]
    TooNew {
        /// The version of the tables.
        found: i32,
        /// The latest version that can be read.
        readable: i32,
    },
    /// The texts of the database are in another encoding than UTF-8, so that no client of it could
    /// read what another wrote.
    #[error(
        "the encoding of the database is {found}, and must be UTF8: make one with `create database \
         ... encoding 'UTF8' template template0`, and move the keys there with `keygate import`"
    )]
    Encoding {
        /// The encoding, by PostgreSQL's name.
        found: String,
    },
    /// Row-level security would hide rows of a table from this role, so that a revoked key could
    /// work and a valid key be unknown.
    #[error(
        "row-level security hides rows of keygate.{table} from this role (policies: {policies}): \
         `alter table keygate.{table} disable row level security`, or give the role `bypassrls`"
    )]
    RowSecurity {
        /// The table, in the schema `keygate`.
        table: String,
        /// The names of its policies. Where there are none, the role sees no row at all.
        policies: String,
    },
    /// A view or another object stands in the place of a table.
    #[error(
        "keygate.{object} is not a table: rename the table to `{object}` again, and drop what stands \
         in its place"
    )]
    NotATable {
        /// The name of the object, in the schema `keygate`.
        object: String,
    },
    /// The tables or their schema belong to a role that could replace them with others.
    #[error(
        "{object} belongs to the role `{owner}`, who could replace it: it must belong to `{role}`, to \
         a role that `{role}` is a member of, or to the owner of the database; `alter ... owner to` \
         changes it if the content is yours, else drop the schema and run `keygate migrate`"
    )]
    ForeignOwner {
        /// The schema, the table or the function.
        object: String,
        /// The role that it belongs to.
        owner: String,
        /// The role of the session.
        role: String,
    },
    /// The database could not be reached, or answered with an error, or a file that its URL names could
    /// not be read.
    #[error("{}", fault(.0))]
    Unavailable(StoreError),
}

fn fault(error: &StoreError) -> String {
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
