//! Request bodies.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{FromRequest, Request};
use serde::de::DeserializeOwned;
use serde_json::Value;
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
        let body: Value = serde_json::from_slice(body).map_err(|_| Problem::NotJson)?;
        if !body.is_object() {
            return Err(Problem::NotAnObject);
        }
        serde_path_to_error::deserialize(body).map(Self).map_err(|error| {
            Problem::Invalid(complaint(&error.path().to_string(), &error.inner().to_string()))
        })
    }
}

/// What is wrong at `path` (`updates[0].quantity`, or `.` for the body itself), in words of the API and not of our types.
/// Heroku says `Require params: …` too.
fn complaint(path: &str, why: &str) -> String {
    if let Some(field) = why.strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`')) {
        let within = if path == "." { String::new() } else { format!("{path}.") };
        return format!("Require params: {within}{field}.");
    }
    let wanted =
        why.split_once(", expected ").map(|(_, wanted)| wanted).or_else(|| why.strip_prefix("expected "));
    match wanted {
        Some(wanted) => format!("Invalid params: `{path}` must be {}.", kind(wanted)),
        None => format!("Invalid params: `{path}`: {why}."),
    }
}

/// The kind of a JSON value, for what serde calls it.
fn kind(wanted: &str) -> &str {
    match wanted {
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number, 0 or more",
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number",
        "a sequence" => "an array",
        "a map" => "an object",
        wanted if wanted.starts_with("struct ") => "an object",
        wanted => wanted,
    }
}
