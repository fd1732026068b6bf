//! `ETag` and `If-None-Match`.

use axum::body::Body;
use axum::response::Response;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, ETAG};
use http::{HeaderMap, HeaderValue, StatusCode};
use sha2::{Digest, Sha256};

use crate::reply::JsonBytes;

/// Bytes of the digest that are shown, as hex.
const TAG_BYTES: usize = 16;

/// Tags a JSON answer, and empties it when the client says that it has it already. Never for a client that did not
/// ask: some crash on a 304.
pub(crate) fn apply(response: &mut Response, known: Option<&HeaderValue>) {
    let Some(JsonBytes(body)) = response.extensions().get::<JsonBytes>() else { return };
    let digest = Sha256::digest(body);
    let tag: String = digest.iter().take(TAG_BYTES).map(|byte| format!("{byte:02x}")).collect();
    let tag = format!("\"{tag}\"");
    let is_known = response.status().is_success()
        && known.and_then(|known| known.to_str().ok()).is_some_and(|known| {
            known.split(',').any(|it| it.trim().trim_start_matches("W/") == tag || it.trim() == "*")
        });
    if let Ok(value) = HeaderValue::from_str(&tag) {
        response.headers_mut().insert(ETAG, value);
    }
    if is_known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        *response.body_mut() = Body::empty();
        drop_body_headers(response.headers_mut());
    }
}

fn drop_body_headers(headers: &mut HeaderMap) {
    headers.remove(CONTENT_TYPE);
    headers.remove(CONTENT_LENGTH);
}
