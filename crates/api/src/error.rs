//! Every refusal: its HTTP status, its id for programs, its words for people.

use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use model::release::ReleaseVersion;
use store::StoreError;

use crate::addon_desk::AddonRefusal;
use crate::reply::Reply;

/// Why a request is not done. Texts come from Heroku where clients or people know them.
#[derive(Debug, Clone)]
pub(crate) enum Problem {
    /// The body is not JSON.
    NotJson,
    /// The body is JSON, but not an object.
    NotAnObject,
    /// The body is longer than `at_most` bytes.
    TooLarge { at_most: u64 },
    /// The body does not come.
    TooSlow,
    /// No `Accept` header with a version.
    MissingVersion,
    /// A version other than 3.
    NotAcceptable,
    /// No `Authorization` header.
    NoCredentials,
    /// An unknown or expired token, or a wrong password.
    BadCredentials,
    /// No such route.
    NoEndpoint { method: String, path: String },
    /// No such thing, or it is someone else's. `resource` is the word that clients compare.
    NotFound { resource: &'static str },
    /// No such process type.
    NoProcessType { kind: String },
    /// No such add-on service or plan.
    NoPlan { name: String },
    /// The token was made for less. Scopes as words with spaces between.
    Scope { had: String, accepted: String },
    /// It is known, but not the caller's to do; the text says whose.
    Forbidden(String),
    /// The URL was its own permission, and that has run out or was never valid.
    Expired,
    /// What was asked cannot be; the text says why and what to do.
    Invalid(String),
    /// It is not possible now.
    Conflict(String),
    /// Something would be replaced or lost; the official CLI asks by this text, and comes again with `confirm`.
    NeedsConfirmation(String),
    /// A `Range` header that cannot be read.
    BadRange,
    /// Too many requests.
    RateLimited,
    /// Our own fault; the cause is for our log.
    Internal(Arc<dyn std::error::Error + Send + Sync>),
}

/// The cause of a 500, on its way to our own log.
#[derive(Debug, Clone)]
pub(crate) struct Cause(pub(crate) Arc<dyn std::error::Error + Send + Sync>);

impl Problem {
    /// A refusal in words of the model (`BadAppName`, `NotADynoSize` …).
    pub(crate) fn invalid(why: impl std::fmt::Display) -> Self {
        Self::Invalid(why.to_string())
    }

    pub(crate) fn internal(cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Internal(Arc::new(cause))
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::NotJson | Self::NotAnObject => StatusCode::BAD_REQUEST,
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::MissingVersion | Self::NotAcceptable => StatusCode::NOT_ACCEPTABLE,
            Self::NoCredentials | Self::BadCredentials => StatusCode::UNAUTHORIZED,
            Self::NoEndpoint { .. }
            | Self::NotFound { .. }
            | Self::NoProcessType { .. }
            | Self::NoPlan { .. } => StatusCode::NOT_FOUND,
            Self::Expired | Self::Scope { .. } | Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::NeedsConfirmation(_) => StatusCode::LOCKED,
            Self::BadRange => StatusCode::RANGE_NOT_SATISFIABLE,
            Self::RateLimited => StatusCode::TOO_MANY_REQUESTS,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn id(&self) -> &'static str {
        match self {
            Self::NotJson | Self::NotAnObject | Self::TooLarge { .. } | Self::TooSlow => "bad_request",
            Self::MissingVersion => "missing_version",
            Self::NotAcceptable => "not_acceptable",
            Self::NoCredentials | Self::BadCredentials => "unauthorized",
            Self::NoEndpoint { .. }
            | Self::NotFound { .. }
            | Self::NoProcessType { .. }
            | Self::NoPlan { .. } => "not_found",
            Self::Expired | Self::Scope { .. } | Self::Forbidden(_) => "forbidden",
            Self::Invalid(_) => "invalid_params",
            Self::Conflict(_) => "conflict",
            Self::NeedsConfirmation(_) => "confirmation_required",
            Self::BadRange => "requested_range_not_satisfiable",
            Self::RateLimited => "rate_limit",
            Self::Internal(_) => "internal_server_error",
        }
    }

    fn message(&self) -> String {
        let fixed = match self {
            Self::Invalid(text)
            | Self::Conflict(text)
            | Self::Forbidden(text)
            | Self::NeedsConfirmation(text) => {
                return text.clone();
            }
            Self::Scope { had, accepted } => {
                let accepted = accepted.replace(' ', ", ");
                return format!(
                    "This token's scope ({had}) does not allow that. It needs one of: {accepted}."
                );
            }
            Self::TooLarge { at_most } => {
                return format!("The request body is too large (at most {at_most} bytes).");
            }
            Self::NotFound { resource } => {
                return format!("Couldn't find that {}.", spoken(resource));
            }
            Self::NoProcessType { kind } => {
                return format!("Couldn't find that process type ({kind}).");
            }
            Self::NoEndpoint { method, path } => {
                return format!("This platform has no `{method} {path}`.");
            }
            Self::NoPlan { name } => {
                return no_such_plan(name);
            }
            Self::NotAnObject => "Invalid JSON input. Require object with parameters as keys.",
            Self::NotJson => {
                "Unable to parse the JSON in the request. Please ensure that you're sending correctly formatted JSON."
            }
            Self::MissingVersion => {
                "Please specify a version along with Heroku's API MIME type. For example, \
                 `Accept: application/vnd.heroku+json; version=3`.\n"
            }
            Self::TooSlow => "The request body did not come in time.",
            Self::NotAcceptable => "This server speaks version 3 of the API only.",
            Self::NoCredentials => {
                "There were no credentials in your `Authorization` header. Try `Authorization: Bearer <OAuth access \
                 token>` or `Authorization: Basic <base64-encoded email + \":\" + password>`."
            }
            Self::BadCredentials => "Invalid credentials provided.",
            Self::Expired => "This URL is not valid, or no longer.",
            Self::BadRange => "Unable to parse the `Range` header, for example `Range: id ..; max=100`.",
            Self::RateLimited => {
                "Your account reached the API rate limit. Please wait a few minutes before making new requests."
            }
            Self::Internal(_) => "Internal server error.",
        };
        fixed.to_owned()
    }
}

/// How a resource's word is spoken in a sentence.
fn spoken(resource: &'static str) -> &'static str {
    match resource {
        "add_on" => "add-on",
        "add_on attachment" => "add-on attachment",
        "add_on service" => "add-on service",
        "telemetry_drain" => "telemetry drain",
        "pipeline_coupling" => "pipeline coupling",
        "app_transfer" => "app transfer",
        "invitation" => "invitation: it was used, replaced, or its time is over; ask for a new link",
        "sni_endpoint" => "SNI endpoint",
        other => other,
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let message = self.message();
        let error = matches!(self, Self::MissingVersion).then(|| message.clone());
        let resource = match &self {
            Self::NotFound { resource } => Some((*resource).to_owned()),
            _ => None,
        };
        let body = wire::Error { id: self.id().to_owned(), message, error, resource, url: None };
        let mut response = Reply::new(self.status(), &body).into_response();
        if let Self::Internal(cause) = self {
            response.extensions_mut().insert(Cause(cause));
        }
        response
    }
}

/// A transaction's closure needs this: a name that is taken is the user's affair, the rest is ours.
impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Taken { what } => Self::Invalid(format!("{what} is already taken")),
            other => Self::internal(other),
        }
    }
}

impl From<AddonRefusal> for Problem {
    fn from(refusal: AddonRefusal) -> Self {
        match refusal {
            AddonRefusal::Invalid(why) => Self::Invalid(why),
            AddonRefusal::NeedsConfirmation(what) => Self::NeedsConfirmation(what),
            AddonRefusal::Store(error) => Self::from(error),
            AddonRefusal::Unreachable(cause) => Self::Internal(Arc::from(cause)),
        }
    }
}

// === words of single resources

/// No such service or plan. The official CLI compares the beginning of this text.
pub(crate) fn no_such_plan(name: &str) -> String {
    format!("Couldn't find either the add-on service or the add-on plan of \"{name}\".")
}

/// A config var that an add-on owns.
pub(crate) fn owned_by_addon(key: &str, addon: &str) -> Problem {
    Problem::Invalid(format!(
        "Cannot change {key}: it belongs to the add-on {addon}. Detach or destroy the add-on to remove it."
    ))
}

/// No process can be given such a text.
pub(crate) fn holds_nul(what: &str) -> Problem {
    Problem::Invalid(format!("{what} must not contain NUL characters."))
}

/// All config vars together.
pub(crate) fn config_too_large(at_most: usize) -> Problem {
    Problem::Invalid(format!("Config vars may take at most {} kB together.", at_most / 1024))
}

/// A rollback to what never worked.
pub(crate) fn rollback_to_failed(version: ReleaseVersion) -> Problem {
    Problem::Invalid(format!("Cannot roll back to {version}: that release failed."))
}

/// A rollback to what is not over yet.
pub(crate) fn rollback_to_pending(version: ReleaseVersion) -> Problem {
    Problem::Invalid(format!("Cannot roll back to {version}: that release is still being made."))
}

/// A rollback to a release without code.
pub(crate) fn rollback_without_slug(version: ReleaseVersion) -> Problem {
    Problem::Invalid(format!("Cannot roll back to {version}: that release has no code."))
}

/// A one-off dyno of an app without code.
pub(crate) fn no_code() -> Problem {
    Problem::Invalid("This app has no code yet. Deploy it first: git push heroku main".to_owned())
}

/// A stack that does not exist here.
pub(crate) fn no_such_stack(name: &str) -> Problem {
    Problem::Invalid(format!("Stack `{name}` is not available. The stack is {}.", model::slug::STACK))
}

/// A buildpack that is neither known nor a URL; an empty name is one that the registry did not know.
pub(crate) fn no_such_buildpack(name: &str, known: &[String]) -> Problem {
    let which = if name.is_empty() { "That buildpack".to_owned() } else { format!("Buildpack `{name}`") };
    Problem::Invalid(format!("{which} is not known here. Use {}, or a URL.", known.join(", ")))
}

/// More dynos than an app may have.
pub(crate) fn too_many_dynos(at_most: u32) -> Problem {
    Problem::Invalid(format!("Cannot run more than {at_most} dynos of one app."))
}

/// Somebody who has no account here.
pub(crate) fn no_such_person(name: &str) -> Problem {
    Problem::Invalid(format!(
        "There is no account of {name} on this platform. Its owner adds people: hokku accounts:add {name}"
    ))
}
