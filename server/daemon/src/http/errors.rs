//! Errors as HTTP has them: one table for everything this port answers.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use parlour_protocol::wire::{Error, ErrorClass, ErrorReason, Retry};
use serde_json::{Value, json};

/// The status of an error: by its reason where HTTP has a word of its own for it, else by its class.
pub(crate) fn status_of(error: &Error) -> StatusCode {
    use ErrorClass as C;
    use ErrorReason as R;
    match R::try_from(error.reason).unwrap_or_default() {
        R::BodyTooLarge | R::BlobTooLarge => return StatusCode::PAYLOAD_TOO_LARGE,
        R::MediaTypeRefused => return StatusCode::UNSUPPORTED_MEDIA_TYPE,
        _ => {}
    }
    match C::try_from(error.class).unwrap_or(C::Internal) {
        C::InvalidArgument | C::OutOfRange => StatusCode::BAD_REQUEST,
        C::Unauthenticated => StatusCode::UNAUTHORIZED,
        C::PermissionDenied => StatusCode::FORBIDDEN,
        // Of methods only, and a method is a path.
        C::NotFound | C::Unimplemented => StatusCode::NOT_FOUND,
        C::FailedPrecondition | C::AlreadyExists | C::Aborted => StatusCode::CONFLICT,
        C::ResourceExhausted => StatusCode::TOO_MANY_REQUESTS,
        C::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// The name of its reason.
pub(crate) fn reason_of(error: &Error) -> &'static str {
    let reason = ErrorReason::try_from(error.reason).unwrap_or_default().as_str_name();
    reason.trim_start_matches("ERROR_REASON_")
}

/// What stands under `error` in an answer.
pub(crate) fn body_of(error: &Error) -> Value {
    let code = ErrorClass::try_from(error.class).unwrap_or_default().as_str_name();
    let retry = Retry::try_from(error.retry).unwrap_or_default().as_str_name();
    let mut body = json!({
        "code": code.trim_start_matches("ERROR_CLASS_"),
        "reason": reason_of(error),
        "message": error.message,
        "retry": retry.trim_start_matches("RETRY_"),
    });
    if error.retry_after_ms > 0 {
        body["retryAfterMs"] = error.retry_after_ms.into();
    }
    if !error.violations.is_empty() {
        let violation = |one: &parlour_protocol::wire::Violation| json!({ "field": one.field, "problem": one.problem });
        body["violations"] = error.violations.iter().map(violation).collect();
    }
    body
}

/// An answer that is an error.
pub(crate) fn answer_of(error: &Error) -> Response {
    answer_with(status_of(error), error)
}

/// The same under another status.
pub(crate) fn answer_with(status: StatusCode, error: &Error) -> Response {
    let mut answer = (status, Json(json!({ "error": body_of(error) }))).into_response();
    let headers = answer.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if status == StatusCode::UNAUTHORIZED {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    if error.retry_after_ms > 0 {
        // In whole seconds, and never sooner.
        headers.insert(header::RETRY_AFTER, error.retry_after_ms.div_ceil(1000).into());
    }
    answer
}
