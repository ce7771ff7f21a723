//! Turns what the SDK says went wrong into a [`StoreError`]. Texts of the server stay in the debug log.

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use tracing::debug;

use crate::{Cause, StoreError};

/// The error of a call about `at`.
pub(super) fn failed<E>(at: &dyn ToString, error: SdkError<E, HttpResponse>) -> StoreError
where
    E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
{
    let at = at.to_string();
    match error {
        SdkError::ConstructionFailure(_) => StoreError::invalid(at, "Request"),
        SdkError::TimeoutError(_) => StoreError::Timeout { at },
        SdkError::DispatchFailure(failure) if failure.is_timeout() => StoreError::Timeout { at },
        SdkError::DispatchFailure(failure) => match failure.as_connector_error() {
            Some(cause) => StoreError::Unreachable { at, source: cause.to_string_chain() },
            None => StoreError::Unreachable { at, source: "no connection".into() },
        },
        SdkError::ResponseError(answer) => refused(at, answer.raw().status().as_u16(), ""),
        SdkError::ServiceError(answer) => {
            let (code, message) = (answer.err().code().unwrap_or(""), answer.err().message().unwrap_or(""));
            debug!(at, code, message, status = answer.raw().status().as_u16(), "the store refused a request");
            refused(at, answer.raw().status().as_u16(), code)
        }
        _ => StoreError::Unavailable { at, code: "Unknown".to_owned() },
    }
}

/// The error that a status and an S3 error code stand for. Code before status: a 200 may carry an error.
pub(super) fn refused(at: String, status: u16, code: &str) -> StoreError {
    match code {
        "NoSuchKey" | "NotFound" => StoreError::NotFound { at },
        "NoSuchBucket" => StoreError::NoSuchBucket { at },
        "NoSuchUpload" => StoreError::NoSuchUpload { at },
        "PreconditionFailed" => StoreError::Changed { at },
        "EntityTooSmall" => StoreError::TooSmall { at },
        "PermanentRedirect" | "TemporaryRedirect" | "AuthorizationHeaderMalformed" => {
            StoreError::Elsewhere { at }
        }
        "AccessDenied" | "InvalidAccessKeyId" | "SignatureDoesNotMatch" | "ExpiredToken" | "InvalidToken" => {
            StoreError::Denied { at }
        }
        "SlowDown"
        | "InternalError"
        | "ServiceUnavailable"
        | "RequestTimeout"
        | "OperationAborted"
        | "ConditionalRequestConflict" => StoreError::Unavailable { at, code: shown(code, status) },
        _ => by_status(at, status, code),
    }
}

fn by_status(at: String, status: u16, code: &str) -> StoreError {
    let code = shown(code, status);
    match status {
        300..=399 => StoreError::Elsewhere { at },
        401 | 403 => StoreError::Denied { at },
        404 => StoreError::NotFound { at },
        412 => StoreError::Changed { at },
        // A success that could not be read was cut off; nothing is known of its effect.
        200..=299 | 408 | 429 | 500 | 502..=599 => StoreError::Unavailable { at, code },
        _ => StoreError::Invalid { at, code },
    }
}

/// A code is a word by the protocol; whatever else a server sends is replaced by the status.
fn shown(code: &str, status: u16) -> String {
    let word = !code.is_empty() && code.len() <= 64 && code.bytes().all(|c| c.is_ascii_alphanumeric());
    if word { code.to_owned() } else { format!("status {status}") }
}

trait Chain {
    fn to_string_chain(&self) -> Cause;
}

impl<E: std::error::Error> Chain for E {
    /// The error and its causes in one line: the SDK's own first lines say nothing ("dispatch failure").
    fn to_string_chain(&self) -> Cause {
        let mut text = self.to_string();
        let mut next = self.source();
        while let Some(cause) = next {
            text = format!("{text}: {cause}");
            next = cause.source();
        }
        text.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    #[test]
    fn codes_and_statuses_become_the_kinds_that_callers_decide_by() {
        let kind = |status, code| refused("s3://b/k".to_owned(), status, code).kind();
        assert_eq!(kind(404, "NoSuchKey"), ErrorKind::NotFound);
        assert_eq!(kind(404, ""), ErrorKind::NotFound);
        assert_eq!(kind(404, "NoSuchBucket"), ErrorKind::NoSuchBucket);
        assert_eq!(kind(403, ""), ErrorKind::Denied);
        assert_eq!(kind(400, "ExpiredToken"), ErrorKind::Denied);
        assert_eq!(kind(412, ""), ErrorKind::Changed);
        assert_eq!(kind(301, ""), ErrorKind::Elsewhere);
        assert_eq!(kind(200, "InternalError"), ErrorKind::Unavailable);
        assert_eq!(kind(503, "SlowDown"), ErrorKind::Unavailable);
        assert_eq!(kind(416, "InvalidRange"), ErrorKind::Invalid);
        assert_eq!(kind(501, "NotImplemented"), ErrorKind::Invalid);
    }

    #[test]
    fn nothing_of_an_answer_but_a_word_reaches_the_message() {
        let error = refused("s3://b/k".to_owned(), 400, "<script> secret 123");
        assert_eq!(
            error.to_string(),
            "the store refused the request for s3://b/k (status 400): check the request against what the store supports"
        );
    }
}
