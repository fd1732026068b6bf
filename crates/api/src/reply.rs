//! Successful answers.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{CONTENT_RANGE, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde::Serialize;

use crate::error::Problem;

/// What a handler gives back.
pub(crate) type Answer = Result<Reply, Problem>;

pub(crate) const NEXT_RANGE: HeaderName = HeaderName::from_static("next-range");
/// Heroku's CLI prints what is in it.
const WARNING_MESSAGE: HeaderName = HeaderName::from_static("warning-message");
/// Where a webhook's secret is told, once.
pub(crate) const WEBHOOK_SECRET: HeaderName = HeaderName::from_static("heroku-webhook-secret");
pub(crate) const ACCEPT_RANGES: HeaderName = HeaderName::from_static("accept-ranges");

/// JSON with a status and headers.
#[derive(Debug)]
pub(crate) struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

/// The bytes of an answer, for its `ETag`.
#[derive(Debug, Clone)]
pub(crate) struct JsonBytes(pub(crate) Bytes);

impl Reply {
    pub(crate) fn new(status: StatusCode, body: &impl Serialize) -> Self {
        let body = serde_json::to_vec(body)
            .unwrap_or_else(|_| unreachable!("wire's types have text keys and no failing parts"));
        Self { status, headers: HeaderMap::new(), body: body.into() }
    }

    /// 200.
    pub(crate) fn ok(body: &impl Serialize) -> Self {
        Self::new(StatusCode::OK, body)
    }

    /// 201.
    pub(crate) fn created(body: &impl Serialize) -> Self {
        Self::new(StatusCode::CREATED, body)
    }

    /// 202 and `{}`: it will be done.
    pub(crate) fn accepted() -> Self {
        Self::new(StatusCode::ACCEPTED, &wire::Empty {})
    }

    /// Adds a line that command lines print as a warning.
    pub(crate) fn warning(mut self, line: &str) -> Self {
        self.header(WARNING_MESSAGE, line);
        self
    }

    /// Says how a list was cut: which fields can be asked for, and the `Range` of the rest.
    pub(crate) fn ranged(mut self, fields: &[&str], content: Option<String>, next: Option<String>) -> Self {
        self.header(ACCEPT_RANGES, &fields.join(", "));
        if let Some(content) = content {
            self.header(CONTENT_RANGE, &content);
        }
        if let Some(next) = next {
            self.status = StatusCode::PARTIAL_CONTENT;
            self.header(NEXT_RANGE, &next);
        }
        self
    }

    /// The same with one more header.
    pub(crate) fn with(mut self, name: HeaderName, value: &str) -> Self {
        self.header(name, value);
        self
    }

    fn header(&mut self, name: HeaderName, value: &str) {
        // A value that cannot stand in a header came from a client's own `Range`; without it the list is whole.
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(name, value);
        }
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.body.clone()));
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response.extensions_mut().insert(JsonBytes(self.body));
        response
    }
}
