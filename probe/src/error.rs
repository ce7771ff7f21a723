//! Why a source cannot be read, with a bounded kind for conditions and metrics. Says what to do; decides nothing.

use tessera_formats::header::HeaderError;
use tessera_store::{ErrorKind, StoreError};

/// Why a source cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// The store did not give the bytes.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The bytes are no header of a source.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// The parser failed, which is a mistake of ours.
    #[error(
        "the header could not be understood; check the file, write it again with another program, and report it with the file"
    )]
    Panicked,
    /// The header is scattered over the file.
    #[error(
        "the header is not complete after {requests} requests; write the file again, with its metadata together"
    )]
    TooManyRequests {
        /// How many were made.
        requests: u32,
    },
}

/// What kind of failure: bounded, for reasons and decisions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProbeKind {
    /// No such object.
    NotFound,
    /// No such bucket.
    NoSuchBucket,
    /// The keys are wrong or may not read it.
    Denied,
    /// The object was replaced between two requests.
    Changed,
    /// An image of a kind that is not read, or no image.
    Unsupported,
    /// A damaged or truncated header.
    Malformed,
    /// The store is not there, busy, or wrongly configured.
    Unreachable,
}

impl ProbeError {
    /// The kind.
    pub fn kind(&self) -> ProbeKind {
        match self {
            ProbeError::Store(error) => match error.kind() {
                ErrorKind::NotFound => ProbeKind::NotFound,
                ErrorKind::NoSuchBucket => ProbeKind::NoSuchBucket,
                ErrorKind::Denied => ProbeKind::Denied,
                ErrorKind::Changed => ProbeKind::Changed,
                ErrorKind::NoSuchUpload
                | ErrorKind::Exists
                | ErrorKind::TooSmall
                | ErrorKind::WrongBytes
                | ErrorKind::Elsewhere
                | ErrorKind::Unreachable
                | ErrorKind::Timeout
                | ErrorKind::Unavailable
                | ErrorKind::Invalid
                | ErrorKind::Io => ProbeKind::Unreachable,
            },
            ProbeError::Header(HeaderError::Unsupported(_) | HeaderError::TooLarge { .. }) => {
                ProbeKind::Unsupported
            }
            ProbeError::Header(HeaderError::Malformed { .. } | HeaderError::Truncated { .. })
            | ProbeError::Panicked
            | ProbeError::TooManyRequests { .. } => ProbeKind::Malformed,
        }
    }

    /// Whether the same call may succeed later without anybody mending anything.
    pub fn retry(&self) -> bool {
        matches!(self.kind(), ProbeKind::Unreachable | ProbeKind::Changed)
    }
}
