//! What a visitor is told when a page cannot be made.

use std::error::Error;

use axum::response::{Html, IntoResponse, Redirect, Response};
use http::StatusCode;
use maud::html;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use wire::ClientError;

use crate::layout;

const FORGED: &str = "This form is not of your session. Go back, load the page again, and try once more.";
const SILENT: &str = "The platform does not answer. Try again in a moment.";

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// Nobody is signed in; there is a page to come back to.
    #[error("nobody is signed in")]
    SignedOut {
        /// Its path.
        next: String,
    },
    /// A form that did not come from a page of this session.
    #[error("a form of another session")]
    Forged,
    /// There is no such page.
    #[error("there is no such page")]
    Missing,
    /// What was filled in makes no sense; the words are for people.
    #[error("{0}")]
    Invalid(String),
    /// The API refused, or could not be asked.
    #[error(transparent)]
    Api(Box<ClientError>),
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        Self::Api(Box::new(error))
    }
}

/// The answer to a path that is not served.
pub(crate) async fn no_page() -> Failure {
    Failure::Missing
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let (status, words) = match &self {
            Self::SignedOut { next } => {
                let next = utf8_percent_encode(next, NON_ALPHANUMERIC);
                return Redirect::to(&format!("/login?next={next}")).into_response();
            }
            Self::Forged => (StatusCode::FORBIDDEN, FORGED.to_owned()),
            Self::Missing => (StatusCode::NOT_FOUND, "There is nothing at this address.".to_owned()),
            Self::Invalid(words) => (StatusCode::UNPROCESSABLE_ENTITY, words.clone()),
            Self::Api(error) => match error.as_ref() {
                // The token was revoked, or its time is over.
                ClientError::Refused { status: StatusCode::UNAUTHORIZED, .. } => {
                    return Redirect::to("/login").into_response();
                }
                ClientError::Refused { status, error } => (*status, error.message.clone()),
                error => {
                    tracing::error!(error = error as &dyn Error, "a page could not ask the API");
                    (StatusCode::BAD_GATEWAY, SILENT.to_owned())
                }
            },
        };
        let title = status.canonical_reason().unwrap_or("That did not work");
        let body = html! {
            section.card.narrow {
                h1 { (title) }
                p { (words) }
                p { a href="/apps" { "All apps" } }
            }
        };
        (status, Html(layout::page(title, None, &body).into_string())).into_response()
    }
}
