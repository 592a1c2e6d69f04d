use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::extract::Path;
use axum::response::IntoResponse as _;
use axum::routing::get;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use keygate::KeyDigest;

use crate::app::App;
use crate::error::{PageError, PageResult};

/// A file that pages load. Its name contains the digest of its content, so that browsers can cache it forever.
pub(crate) struct Asset {
    content_type: &'static str,
    text: &'static str,
    /// The path within the service.
    pub(crate) path: String,
}

impl Asset {
    fn new(extension: &str, content_type: &'static str, text: &'static str) -> Self {
        let digest = KeyDigest::of(text.as_bytes()).to_text();
        let digest = &digest["sha256:".len()..][..16];
        Self { content_type, text, path: format!("/assets/{digest}.{extension}") }
    }
}

pub(crate) static STYLE: LazyLock<Asset> = LazyLock::new(|| {
    let text = concat!(include_str!("style.css"), include_str!("plot.css"));
    Asset::new("css", "text/css; charset=utf-8", text)
});

pub(crate) static SCRIPT: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("js", "text/javascript; charset=utf-8", include_str!("script.js")));

pub(crate) static ICON: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("svg", "image/svg+xml", include_str!("icon.svg")));

pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new().route("/assets/{name}", get(show))
}

async fn show(Path(name): Path<String>) -> PageResult {
    let assets: [&Asset; 3] = [&STYLE, &SCRIPT, &ICON];
    let is_named = |asset: &&&Asset| asset.path.strip_prefix("/assets/") == Some(&name);
    let asset = assets.iter().find(is_named);
    let asset = asset.ok_or_else(|| PageError::NotFound("There is no such file.".to_owned()))?;
    let headers = [
        (CONTENT_TYPE, asset.content_type),
        (CACHE_CONTROL, "public, max-age=31536000, immutable"),
    ];
    Ok((headers, asset.text).into_response())
}
