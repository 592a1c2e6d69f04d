use sqlx::postgres::PgConnectOptions;

/// Which database a copy is of, as far as can be known while it is away: where it is looked for. One
/// line without a role or a password.
pub(in crate::store::replica) fn place(options: &PgConnectOptions) -> String {
    let socket = options.get_socket().map(|socket| socket.to_string_lossy().into_owned());
    let host = socket.unwrap_or_else(|| options.get_host().to_owned());
    // The server takes the name of the role where none is said.
    let database = options.get_database().unwrap_or(options.get_username());
    format!("{database:?} at {host:?}, port {}", options.get_port())
}
