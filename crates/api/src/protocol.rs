//! What every answer carries, and where a failure of ours is written down.

use std::error::Error;

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use http::header::{CACHE_CONTROL, VARY, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderName, HeaderValue, Method, Uri};

use crate::error::{Cause, Problem};
use crate::identity;

const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");
/// Longest id of a client's that is given back. The official CLI sends all ids it ever got in one growing header;
/// those are not worth repeating.
const CLIENT_ID_BYTES_MAX: usize = 64;

/// Gives each request an id, answers carry it, and a 500's cause is logged with it.
pub(crate) async fn frame(request: Request, next: Next) -> Response {
    let own = identity::random();
    let id = match request.headers().get(&REQUEST_ID).and_then(|id| id.to_str().ok()) {
        Some(theirs) if theirs.len() <= CLIENT_ID_BYTES_MAX => format!("{own},{theirs}"),
        _ => own,
    };
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let mut response = next.run(request).await;
    if let Some(Cause(cause)) = response.extensions().get() {
        let error = cause.as_ref() as &dyn Error;
        tracing::error!(request.id = %id, %method, path = shown(&path), error, "a request failed");
    }
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, id);
    }
    for (name, value) in [
        (CACHE_CONTROL, "private, no-cache"),
        (VARY, "Authorization, Accept, Accept-Expansion, Accept-Inclusion, Range"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

/// The path for our log: a URL that is its own permission must not stand there.
fn shown(path: &str) -> &str {
    ["/streams", "/sources", "/backups", "/hokku/invitations"]
        .into_iter()
        .find(|prefix| path.starts_with(prefix))
        .unwrap_or(path)
}

/// The answer to a path or method that is not served.
pub(crate) async fn no_endpoint(method: Method, uri: Uri) -> Problem {
    Problem::NoEndpoint { method: method.to_string(), path: uri.path().to_owned() }
}
