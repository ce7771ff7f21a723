//! What is wrong with something a user wrote: where, and a sentence that says what to do.
//! It knows no schema and no resource.

/// One thing to mend. Shown as `path: message`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {message}")]
pub struct Problem {
    /// The field, as `kubectl explain` and the API server write it: `spec.operations[1].gaussianBlur.sigma`.
    pub path: String,
    /// What is wrong with it and what is right, without a full stop.
    pub message: String,
}

impl Problem {
    /// A problem of the field `path`.
    pub fn new(path: impl Into<String>, message: impl Into<String>) -> Problem {
        Problem { path: path.into(), message: message.into() }
    }
}
