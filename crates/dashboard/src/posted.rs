//! Forms that were sent; those that are not of our making are refused before anything else is looked at.

use std::sync::Arc;
use std::time::Duration;

use axum::RequestExt;
use axum::extract::rejection::FormRejection;
use axum::extract::{DefaultBodyLimit, Form, FromRequest, Request};
use tokio::time::timeout;

use crate::Dashboard;
use crate::failure::Failure;
use crate::session::Visit;

/// Largest form, in bytes: a config var may be 32 KB, and three times that once encoded.
const FORM_BYTES_MAX: usize = 256 << 10;
/// How long a form may take to come in.
const FORM_TIMEOUT: Duration = Duration::from_secs(30);
/// The hidden field that proves where a form is from.
pub(crate) const KEY_FIELD: &str = "form_key";

/// The fields of a form.
pub(crate) struct Posted(Vec<(String, String)>);

impl Posted {
    /// A field; empty when it is not there.
    pub(crate) fn field(&self, name: &str) -> &str {
        self.0.iter().find(|(it, _)| it == name).map_or("", |(_, value)| value.as_str())
    }
}

impl FromRequest<Arc<Dashboard>> for Posted {
    type Rejection = Failure;

    async fn from_request(mut request: Request, _: &Arc<Dashboard>) -> Result<Self, Failure> {
        let visit = Visit::of(request.headers());
        // Browsers say where a request is from; a sibling host is another place.
        let site = request.headers().get("sec-fetch-site").and_then(|site| site.to_str().ok());
        let is_foreign = site.is_some_and(|site| site != "same-origin" && site != "none");
        DefaultBodyLimit::max(FORM_BYTES_MAX).apply(&mut request);
        let reading = request.extract::<Form<Vec<(String, String)>>, _>();
        let read: Result<_, FormRejection> = timeout(FORM_TIMEOUT, reading)
            .await
            .map_err(|_| Failure::Invalid("The form took too long to come in.".to_owned()))?;
        let Form(fields) = read.map_err(|problem| Failure::Invalid(problem.body_text()))?;
        let posted = Self(fields);
        if is_foreign || !visit.knows(posted.field(KEY_FIELD)) {
            return Err(Failure::Forged);
        }
        Ok(posted)
    }
}
