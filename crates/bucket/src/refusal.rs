//! What clients are told when something cannot be done, in S3's words where S3 has them.

use std::io;

use http::StatusCode;
use s3s::{S3Error, S3ErrorCode};
use tracing::error;

/// The disk, not the request, is at fault: told in our log without a word of the tenant's.
pub(crate) fn broken(doing: &'static str) -> impl FnOnce(io::Error) -> S3Error {
    move |cause| match cause.kind() {
        io::ErrorKind::NotFound => S3Error::new(S3ErrorCode::NoSuchBucket),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            error!(error = &cause as &dyn std::error::Error, "could not {doing}");
            custom(
                "InsufficientStorage",
                StatusCode::INSUFFICIENT_STORAGE,
                "The disk of this platform is full; nothing was changed. Its owner has to make room."
                    .to_owned(),
            )
        }
        _ => {
            error!(error = &cause as &dyn std::error::Error, "could not {doing}");
            internal()
        }
    }
}

/// The fault is not the app's; our log has more.
pub(crate) fn internal() -> S3Error {
    let message = "We encountered an internal error. Please try again.";
    S3Error::with_message(S3ErrorCode::InternalError, message)
}

/// There is no such object.
pub(crate) fn missing() -> S3Error {
    S3Error::with_message(S3ErrorCode::NoSuchKey, "The specified key does not exist.")
}

/// The plan's bytes are used up.
pub(crate) fn over_quota(used: u64, more: u64, max: u64) -> S3Error {
    custom(
        "QuotaExceeded",
        StatusCode::FORBIDDEN,
        format!(
            "The bucket holds {used} bytes and its plan {max}: {more} more do not fit. Delete objects, or change \
             the plan with `heroku addons:upgrade`."
        ),
    )
}

/// The bucket has as many objects, or uploads, as it may.
pub(crate) fn too_many(what: &str, max: usize) -> S3Error {
    custom(
        "QuotaExceeded",
        StatusCode::FORBIDDEN,
        format!("The bucket has {max} {what}, which is the most it can have. Delete some first."),
    )
}

/// What is behind this platform does not do its part just now.
pub(crate) fn away() -> S3Error {
    S3Error::with_message(
        S3ErrorCode::ServiceUnavailable,
        "The S3 service in which this platform keeps objects does not answer. Please try again.",
    )
}

/// More than one request may bring.
pub(crate) fn too_large() -> S3Error {
    S3Error::with_message(
        S3ErrorCode::EntityTooLarge,
        "Your proposed upload exceeds the maximum allowed size",
    )
}

/// A condition does not hold.
pub(crate) fn failed() -> S3Error {
    S3Error::with_message(
        S3ErrorCode::PreconditionFailed,
        "At least one of the pre-conditions you specified did not hold",
    )
}

/// Whatever a stranger asks: it does not tell whether the bucket is there.
pub(crate) fn denied() -> S3Error {
    S3Error::with_message(S3ErrorCode::AccessDenied, "Access Denied")
}

fn custom(code: &'static str, status: StatusCode, message: String) -> S3Error {
    let mut error = S3Error::with_message(S3ErrorCode::Custom(code.into()), message);
    error.set_status_code(status);
    error
}
