//! Why a preview cannot be shown: a sentence for the user, a code for programs, and the status of HTTP. It decides nothing.

use tessera_core::geometry::Size;
use tessera_imaging::{DecodeError, EncodeError};
use tessera_probe::{ProbeError, ProbeKind};
use tessera_store::{ErrorKind, StoreError};
use tessera_worker::WorkError;

/// Why there is no preview.
#[derive(Debug, thiserror::Error)]
pub enum PreviewError {
    /// A parameter of the request.
    #[error("{0}")]
    Request(String),
    /// The chain is none, or does not fit the image.
    #[error("{0}")]
    Chain(String),
    /// The image's header.
    #[error(transparent)]
    Probe(#[from] ProbeError),
    /// The image's bytes, or the copy's.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The image's bytes while they are read for a tile.
    #[error(transparent)]
    Read(WorkError),
    /// The image's pixels.
    #[error(transparent)]
    Undecodable(#[from] DecodeError),
    /// Another object is there by now.
    #[error("the image has changed since it was opened: open it again")]
    Changed,
    /// The image is too large to be shown as it is stored.
    #[error(
        "the image of {0} pixels has no tiles and overviews to look at it quickly: make a view copy of it first, as a job without operations and with the output cog"
    )]
    NeedsCopy(Size),
    /// More pixels than this process may hold.
    #[error("{0}")]
    TooLarge(String),
    /// The copy cannot be written.
    #[error("the view copy cannot be encoded: {0}")]
    Encode(#[from] EncodeError),
    /// Too many requests.
    #[error("too many previews are being computed: try again in a moment")]
    Busy,
    /// A mistake of ours; it ends one request only.
    #[error("the preview failed ({0}): report it with the image and the operations")]
    Panicked(String),
    /// Nobody waits for the answer any more.
    #[error("the request was given up")]
    Cancelled,
}

impl PreviewError {
    /// The status of HTTP, and a stable code.
    pub fn answer(&self) -> (u16, &'static str) {
        match self {
            PreviewError::Request(_) => (400, "InvalidRequest"),
            PreviewError::Chain(_) => (422, "InvalidChain"),
            PreviewError::Probe(error) => of_probe(error.kind()),
            PreviewError::Store(error) => of_store(error.kind()),
            PreviewError::Read(WorkError::SourceChanged { .. }) | PreviewError::Changed => (412, "Changed"),
            PreviewError::Read(WorkError::Store(error)) => of_store(error.kind()),
            PreviewError::Read(_) => (500, "Internal"),
            PreviewError::Undecodable(_) => (422, "DamagedImage"),
            PreviewError::NeedsCopy(_) => (409, "NeedsViewCopy"),
            PreviewError::TooLarge(_) => (413, "TooLarge"),
            PreviewError::Encode(_) | PreviewError::Panicked(_) => (500, "Internal"),
            PreviewError::Busy => (503, "Busy"),
            PreviewError::Cancelled => (499, "Cancelled"),
        }
    }

    /// The sentence, with its causes.
    pub fn message(&self) -> String {
        let mut text = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            let part = error.to_string();
            if !text.contains(&part) {
                text = format!("{text}: {part}");
            }
            cause = error.source();
        }
        text
    }
}

impl From<WorkError> for PreviewError {
    fn from(error: WorkError) -> PreviewError {
        PreviewError::Read(error)
    }
}

fn of_probe(kind: ProbeKind) -> (u16, &'static str) {
    match kind {
        ProbeKind::NotFound | ProbeKind::NoSuchBucket => (404, "NotFound"),
        ProbeKind::Denied => (403, "Denied"),
        ProbeKind::Changed => (412, "Changed"),
        ProbeKind::Unsupported => (415, "UnsupportedImage"),
        ProbeKind::Malformed => (422, "DamagedImage"),
        ProbeKind::Unreachable => (502, "StoreUnavailable"),
    }
}

fn of_store(kind: ErrorKind) -> (u16, &'static str) {
    match kind {
        ErrorKind::NotFound | ErrorKind::NoSuchBucket => (404, "NotFound"),
        ErrorKind::Denied => (403, "Denied"),
        ErrorKind::Changed => (412, "Changed"),
        ErrorKind::Exists => (409, "Conflict"),
        ErrorKind::NoSuchUpload
        | ErrorKind::TooSmall
        | ErrorKind::WrongBytes
        | ErrorKind::Elsewhere
        | ErrorKind::Unreachable
        | ErrorKind::Timeout
        | ErrorKind::Unavailable
        | ErrorKind::Invalid
        | ErrorKind::Io => (502, "StoreUnavailable"),
    }
}
