/// The prefixes of password hashes.
const HASHES: [&str; 9] =
    ["$2a$", "$2b$", "$2y$", "$apr1$", "$1$", "$5$", "$6$", "{SHA}", "$argon2"];

/// The reason for refusing a file of hashed passwords.
pub(super) const REASON: &str = "it contains password hashes, such as bcrypt: keygate looks up a key by its SHA-256, \
     which cannot be computed from them; issue new keys with `keygate key issue`";

/// Returns whether all lines are `name:hash`, as in htpasswd and in Traefik's user lists.
pub(super) fn is_htpasswd(text: &str) -> bool {
    let lines =
        text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let mut lines = lines.peekable();
    lines.peek().is_some() && lines.all(is_hashed)
}

/// Returns whether the text contains a Traefik user list.
pub(super) fn has_basic_auth(text: &str) -> bool {
    let users =
        text.lines().map(|line| line.trim().trim_start_matches("- ").trim_matches(['"', '\'']));
    text.contains("basicAuth") && users.into_iter().any(is_hashed)
}

fn is_hashed(line: &str) -> bool {
    line.split_once(':').is_some_and(|(name, hash)| {
        // Compose files double dollar signs.
        let hash = hash.replace("$$", "$");
        !name.is_empty() && HASHES.iter().any(|start| hash.starts_with(start))
    })
}
