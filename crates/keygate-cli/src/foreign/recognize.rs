use std::path::Path;

use super::{Format, has_extension, htpasswd};

/// Returns the format of a file if it is unambiguous, or the reason why the file cannot be imported. Returns `None` for
/// a key file.
pub(crate) fn recognize(path: &Path, text: &str) -> Result<Option<Format>, &'static str> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let has = |mark: &str| text.contains(mark);
    let has_line = |start: &str| text.lines().any(|line| line.trim_start().starts_with(start));
    let is_json = text.trim_start().starts_with(['{', '[']);
    if htpasswd::is_htpasswd(text) || htpasswd::has_basic_auth(text) {
        return Err(htpasswd::REASON);
    }
    Ok(if has("keyauth_credentials") || has_line("_format_version") {
        Some(Format::Kong)
    } else if has_line("consumers:") && has("key-auth") {
        Some(Format::Apisix)
    } else if has("http.api_key_auth.") {
        Some(Format::Envoy)
    } else if has_line("kind: Secret") || (is_json && has("\"kind\"") && has("\"Secret\"")) {
        Some(Format::K8sSecret)
    } else if has_line("map $") {
        Some(Format::NginxMap)
    } else if is_json && has("\"variant\"") && has("sha256") {
        Some(Format::Unkey)
    } else if has("key_alias") && has("token") && (is_json || has_extension(path, "csv")) {
        Some(Format::Litellm)
    } else if name == ".env" || name.starts_with(".env.") || has_extension(path, "env") {
        Some(Format::Dotenv)
    } else if has_extension(path, "csv") {
        Some(Format::Csv)
    } else if is_json && !["\"api_keys\"", "\"api_key\"", "\"clients\""].into_iter().any(has) {
        Some(Format::Json)
    } else {
        None
    })
}
