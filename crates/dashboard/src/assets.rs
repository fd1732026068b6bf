//! What pages load: one style sheet, one script. Their addresses hold a digest, so that browsers keep them for good and
//! still have the right ones after an upgrade.

use std::sync::LazyLock;

use axum::response::IntoResponse;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};

use crate::secret::digest;

const STYLE: &str = include_str!("../assets/style.css");
const SCRIPT: &str = include_str!("../assets/page.js");
/// A year, as long as caches keep anything.
const KEPT: &str = "public, max-age=31536000, immutable";

/// Where the style sheet is.
pub(crate) static STYLE_URL: LazyLock<String> =
    LazyLock::new(|| format!("/assets/style.css?{}", digest("asset", STYLE)));
/// Where the script is.
pub(crate) static SCRIPT_URL: LazyLock<String> =
    LazyLock::new(|| format!("/assets/page.js?{}", digest("asset", SCRIPT)));

pub(crate) async fn style() -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/css; charset=utf-8"), (CACHE_CONTROL, KEPT)], STYLE)
}

pub(crate) async fn script() -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/javascript; charset=utf-8"), (CACHE_CONTROL, KEPT)], SCRIPT)
}
