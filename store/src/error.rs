//! What can go wrong with a store, in words for the user and with a bounded kind for metrics.
//! Never holds the body of a server's answer: an endpoint may be anybody's.

use std::error::Error;

use thiserror::Error;

use crate::Location;

/// What every call of a store returns.
pub type Result<T> = std::result::Result<T, StoreError>;

/// The cause below a [`StoreError`]; always of this machine (a socket, a file), never a server's text.
pub type Cause = Box<dyn Error + Send + Sync>;

/// A failed call. `at` is the object (or, as text, the prefix or bucket) that was asked for.
#[derive(Debug, Error)]
pub enum StoreError {
    /// 404: no such object.
    #[error("there is no object at {at}: check the address, or upload it first")]
    NotFound {
        /// The object.
        at: String,
    },
    /// 404: no such bucket.
    #[error("there is no bucket for {at}: check the name and the endpoint, or create the bucket")]
    NoSuchBucket {
        /// The object or prefix.
        at: String,
    },
    /// The multipart upload was completed or aborted, or never was.
    #[error("the multipart upload of {at} is not open any more: start it again")]
    NoSuchUpload {
        /// The object to be.
        at: String,
    },
    /// 401, 403: the keys are wrong, or may not do this.
    #[error(
        "access to {at} is denied: check that it exists, and who may use it (in a bucket: the access key, its secret, its policy)"
    )]
    Denied {
        /// The object or prefix.
        at: String,
    },
    /// 412: not the object that was first seen.
    #[error(
        "{at} has changed since it was first read: leave it alone while the job runs, and run the job again"
    )]
    Changed {
        /// The object.
        at: String,
    },
    /// There is an object already, and it should not be replaced.
    #[error("{at} exists already: choose another name, or allow that it is replaced")]
    Exists {
        /// The object.
        at: String,
    },
    /// A part that is not the last has less than 5 MiB.
    #[error("a part of {at} that is not the last one has less than 5 MiB: join it with the next one")]
    TooSmall {
        /// The object to be.
        at: String,
    },
    /// Other bytes came than were asked for.
    #[error(
        "the store did not send the bytes of {at} that were asked for ({what}): check what lies between here and the store"
    )]
    WrongBytes {
        /// The object.
        at: String,
        /// What was wrong, in our own words.
        what: &'static str,
    },
    /// The bucket lives in another region, or the server redirects.
    #[error(
        "{at} is not served at this endpoint: set the region and the endpoint of its bucket (redirects are not followed)"
    )]
    Elsewhere {
        /// The object or prefix.
        at: String,
    },
    /// No connection.
    #[error("the store of {at} can't be reached: check the endpoint and the network")]
    Unreachable {
        /// The object or prefix.
        at: String,
        /// The connection's error.
        #[source]
        source: Cause,
    },
    /// No answer in time.
    #[error("the store of {at} did not answer in time: check its load and the network")]
    Timeout {
        /// The object or prefix.
        at: String,
    },
    /// 429, 5xx: try again later.
    #[error("the store of {at} is busy or failing ({code}): try again later")]
    Unavailable {
        /// The object or prefix.
        at: String,
        /// The code of the answer, letters and digits only.
        code: String,
    },
    /// The request can't succeed as it is.
    #[error(
        "the store refused the request for {at} ({code}): check the request against what the store supports"
    )]
    Invalid {
        /// The object or prefix.
        at: String,
        /// The code of the answer, letters and digits only, or our own word.
        code: String,
    },
    /// The local file system failed.
    #[error("the files at {at} can't be read or written: check the disk and its permissions")]
    Io {
        /// The file or folder.
        at: String,
        /// The system's error.
        #[source]
        source: std::io::Error,
    },
}

/// What kind of error: bounded, for metrics and for decisions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "each is the variant of the same name in `StoreError`")]
pub enum ErrorKind {
    NotFound,
    NoSuchBucket,
    NoSuchUpload,
    Denied,
    Changed,
    Exists,
    TooSmall,
    WrongBytes,
    Elsewhere,
    Unreachable,
    Timeout,
    Unavailable,
    Invalid,
    Io,
}

impl ErrorKind {
    /// The kind as a metric's label.
    pub fn as_str(self) -> &'static str {
        match self {
            ErrorKind::NotFound => "not_found",
            ErrorKind::NoSuchBucket => "no_such_bucket",
            ErrorKind::NoSuchUpload => "no_such_upload",
            ErrorKind::Denied => "denied",
            ErrorKind::Changed => "changed",
            ErrorKind::Exists => "exists",
            ErrorKind::TooSmall => "too_small",
            ErrorKind::WrongBytes => "wrong_bytes",
            ErrorKind::Elsewhere => "elsewhere",
            ErrorKind::Unreachable => "unreachable",
            ErrorKind::Timeout => "timeout",
            ErrorKind::Unavailable => "unavailable",
            ErrorKind::Invalid => "invalid",
            ErrorKind::Io => "io",
        }
    }
}

impl StoreError {
    /// The kind of this error.
    pub fn kind(&self) -> ErrorKind {
        match self {
            StoreError::NotFound { .. } => ErrorKind::NotFound,
            StoreError::NoSuchBucket { .. } => ErrorKind::NoSuchBucket,
            StoreError::NoSuchUpload { .. } => ErrorKind::NoSuchUpload,
            StoreError::Denied { .. } => ErrorKind::Denied,
            StoreError::Changed { .. } => ErrorKind::Changed,
            StoreError::Exists { .. } => ErrorKind::Exists,
            StoreError::TooSmall { .. } => ErrorKind::TooSmall,
            StoreError::WrongBytes { .. } => ErrorKind::WrongBytes,
            StoreError::Elsewhere { .. } => ErrorKind::Elsewhere,
            StoreError::Unreachable { .. } => ErrorKind::Unreachable,
            StoreError::Timeout { .. } => ErrorKind::Timeout,
            StoreError::Unavailable { .. } => ErrorKind::Unavailable,
            StoreError::Invalid { .. } => ErrorKind::Invalid,
            StoreError::Io { .. } => ErrorKind::Io,
        }
    }

    /// Whether the same call may succeed later. Short or unasked bytes count: a proxy may have cut them.
    pub fn retry(&self) -> bool {
        match self.kind() {
            ErrorKind::WrongBytes | ErrorKind::Unreachable | ErrorKind::Timeout | ErrorKind::Unavailable => {
                true
            }
            ErrorKind::NotFound
            | ErrorKind::NoSuchBucket
            | ErrorKind::NoSuchUpload
            | ErrorKind::Denied
            | ErrorKind::Changed
            | ErrorKind::Exists
            | ErrorKind::TooSmall
            | ErrorKind::Elsewhere
            | ErrorKind::Invalid
            | ErrorKind::Io => false,
        }
    }

    pub(crate) fn not_found(at: &Location) -> StoreError {
        StoreError::NotFound { at: at.to_string() }
    }

    pub(crate) fn invalid(at: impl ToString, code: &str) -> StoreError {
        StoreError::Invalid { at: at.to_string(), code: code.to_owned() }
    }

    /// What a system error of a file means.
    pub(crate) fn of_file(at: impl ToString, source: std::io::Error) -> StoreError {
        use std::io::ErrorKind::{NotADirectory, NotFound, PermissionDenied};
        let at = at.to_string();
        match source.kind() {
            NotFound | NotADirectory => StoreError::NotFound { at },
            PermissionDenied => StoreError::Denied { at },
            _ => StoreError::Io { at, source },
        }
    }

    pub(crate) fn wrong_bytes(at: &Location, what: &'static str) -> StoreError {
        StoreError::WrongBytes { at: at.to_string(), what }
    }
}
