//! Why work ended without a result, as the exit codes that the Job's failure policy knows, in words for the user.
//! It decides nothing and retries nothing.

use tessera_core::operation::ChainRefusal;
use tessera_probe::{ProbeError, ProbeKind};
use tessera_store::{ErrorKind, StoreError, UriError};

/// The longest termination message, in bytes.
const MESSAGE: usize = 2048;

/// Why a stage has no result.
#[derive(Debug, thiserror::Error)]
pub enum WorkError {
    /// The source's header or its table of tiles cannot be read.
    #[error("the source {uri} can't be used: {source}")]
    Source {
        /// The source.
        uri: String,
        /// Why.
        source: ProbeError,
    },
    /// Pixels of the source cannot be decoded.
    #[error("{what}: {uri}")]
    Undecodable {
        /// The source.
        uri: String,
        /// What is wrong, and where.
        what: String,
    },
    /// The source is not the one that the plan was made for.
    #[error(
        "the source {uri} has changed since the job was planned: leave it alone while the job runs, and run the job again"
    )]
    SourceChanged {
        /// The source.
        uri: String,
    },
    /// There is a foreign object at the output's place.
    #[error("{uri} exists already: choose another output, delete it, or set spec.output.ifExists to Replace")]
    OutputExists {
        /// The output.
        uri: String,
    },
    /// The file would not fit what a store takes, or memory.
    #[error("{0}")]
    Limit(String),
    /// The computation failed, which is a mistake of ours and would happen again.
    #[error("the computation failed at {at}: {what}; report it with the job and its source")]
    Panicked {
        /// Which part of the work.
        at: String,
        /// The panic's message.
        what: String,
    },
    /// The records of the shards do not account for every tile exactly once.
    #[error("the tiles are not all accounted for: {0}; run the job again, finished pieces are kept")]
    Incomplete(String),
    /// A store call failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The plan is not one for this worker.
    #[error("the plan is not understood: {0}; operator and worker must be of the same version")]
    Plan(String),
    /// Told to end.
    #[error("ended by SIGTERM with work left; finished pieces are kept, and another pod takes over")]
    Terminated,
}

impl WorkError {
    /// The exit code of the worker: what the Job's failure policy acts on.
    pub fn exit_code(&self) -> u8 {
        match self {
            WorkError::Source { source, .. } => match source.kind() {
                ProbeKind::Unsupported | ProbeKind::Malformed => 10,
                ProbeKind::NotFound | ProbeKind::Changed => 14,
                ProbeKind::NoSuchBucket | ProbeKind::Denied | ProbeKind::Unreachable => 13,
            },
            WorkError::Undecodable { .. } => 10,
            WorkError::Limit(_) => 11,
            WorkError::Panicked { .. } | WorkError::Incomplete(_) => 12,
            WorkError::Store(_) => 13,
            WorkError::SourceChanged { .. } => 14,
            WorkError::Plan(_) => 15,
            // Not 11: the user has to look at the output, not at a limit.
            WorkError::OutputExists { .. } => 16,
            WorkError::Terminated => 143,
        }
    }

    /// One line for the user with all causes, of at most 2 KiB.
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
        cut(text.replace('\n', " "))
    }

    /// The error of a probe of the source `uri`.
    pub(crate) fn of_probe(uri: &str, source: ProbeError) -> WorkError {
        match source.kind() {
            ProbeKind::NotFound | ProbeKind::Changed => WorkError::SourceChanged { uri: uri.to_owned() },
            ProbeKind::NoSuchBucket
            | ProbeKind::Denied
            | ProbeKind::Unsupported
            | ProbeKind::Malformed
            | ProbeKind::Unreachable => WorkError::Source { uri: uri.to_owned(), source },
        }
    }

    /// The error of a read of the source `uri`.
    pub(crate) fn of_source(uri: &str, error: StoreError) -> WorkError {
        match error.kind() {
            ErrorKind::Changed | ErrorKind::NotFound => WorkError::SourceChanged { uri: uri.to_owned() },
            ErrorKind::NoSuchBucket
            | ErrorKind::NoSuchUpload
            | ErrorKind::Denied
            | ErrorKind::Exists
            | ErrorKind::TooSmall
            | ErrorKind::WrongBytes
            | ErrorKind::Elsewhere
            | ErrorKind::Unreachable
            | ErrorKind::Timeout
            | ErrorKind::Unavailable
            | ErrorKind::Invalid
            | ErrorKind::Io => WorkError::Store(error),
        }
    }
}

impl From<ChainRefusal> for WorkError {
    fn from(refusal: ChainRefusal) -> WorkError {
        WorkError::Plan(refusal.to_string())
    }
}

impl From<UriError> for WorkError {
    fn from(error: UriError) -> WorkError {
        WorkError::Plan(error.to_string())
    }
}

fn cut(mut text: String) -> String {
    if text.len() > MESSAGE {
        let end = (0..=MESSAGE).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
        text.truncate(end);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_one_short_line_with_its_causes() {
        let source = std::io::Error::other("disk on\nfire");
        let error = WorkError::Store(StoreError::Io { at: "file:///x".into(), source });
        assert!(error.message().ends_with("disk on fire"), "{}", error.message());
        let long = WorkError::Limit("ü".repeat(3000));
        assert!(long.message().len() <= MESSAGE);
    }
}
