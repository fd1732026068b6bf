//! Request bodies.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{FromRequest, Request};
use serde::de::DeserializeOwned;
use serde_json::error::Category;
use tokio::time::timeout;

use crate::Server;
use crate::error::Problem;

/// Largest JSON body read, in bytes.
const BODY_BYTES_MAX: usize = 1 << 20;
/// How long a JSON body may take to come in.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// A JSON body of a known shape. Properties that are not known are ignored, as on Heroku: clients send many.
pub(crate) struct Json<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<Arc<Server>> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &Arc<Server>) -> Result<Self, Problem> {
        let too_large = Problem::TooLarge { at_most: BODY_BYTES_MAX as u64 };
        let reading = axum::body::to_bytes(request.into_body(), BODY_BYTES_MAX);
        let read = timeout(BODY_TIMEOUT, reading).await.map_err(|_| Problem::TooSlow)?;
        let body = read.map_err(|_| too_large)?;
        let body = if body.trim_ascii().is_empty() { b"{}".as_slice() } else { &body };
        serde_json::from_slice(body).map(Self).map_err(|error| match error.classify() {
            Category::Data => Problem::Invalid(format!("Invalid request body: {error}.")),
            Category::Io | Category::Syntax | Category::Eof => Problem::NotJson,
        })
    }
}
