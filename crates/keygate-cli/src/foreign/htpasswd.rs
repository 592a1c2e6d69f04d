/// The beginnings of hashes of passwords.
const HASHES: [&str; 9] =
    ["$2a$", "$2b$", "$2y$", "$apr1$", "$1$", "$5$", "$6$", "{SHA}", "$argon2"];

/// The reason for refusing a file of hashed passwords.
pub(super) const REASON: &str = "it holds passwords, hashed with bcrypt or the like: keygate finds a key by its \
     SHA-256, which cannot be made of them; issue new keys with `keygate key issue`";

/// Returns whether all lines are `name:hash`, as in htpasswd and in Traefik's lists of users.
pub(super) fn is_htpasswd(text: &str) -> bool {
    let lines =
        text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let mut lines = lines.peekable();
    lines.peek().is_some() && lines.all(is_hashed)
}

/// Returns whether a list of Traefik's users is in the text.
pub(super) fn has_basic_auth(text: &str) -> bool {
    let users =
        text.lines().map(|line| line.trim().trim_start_matches("- ").trim_matches(['"', '\'']));
    text.contains("basicAuth") && users.into_iter().any(is_hashed)
}

fn is_hashed(line: &str) -> bool {
    line.split_once(':').is_some_and(|(name, hash)| {
        // Compose files double the dollar.
        let hash = hash.replace("$$", "$");
        !name.is_empty() && HASHES.iter().any(|start| hash.starts_with(start))
    })
}
