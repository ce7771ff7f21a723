//! Why a command failed: lines for the user and the exit code, which is the worker's wherever it has one.

use std::process::ExitCode;

use tessera_api::Problem;
use tessera_core::plan::PlanRefusal;
use tessera_probe::{ProbeError, ProbeKind};
use tessera_store::{ConfigError, StoreError, UriError};
use tessera_worker::WorkError;

/// A failed command.
#[derive(Debug)]
pub(crate) struct Failure {
    code: u8,
    lines: Vec<String>,
}

impl Failure {
    pub(crate) fn new(code: u8, line: impl Into<String>) -> Failure {
        Failure { code, lines: vec![line.into()] }
    }

    /// Prints the lines and gives the exit code.
    pub(crate) fn tell(&self) -> ExitCode {
        self.lines.iter().for_each(|line| eprintln!("error: {line}"));
        ExitCode::from(self.code)
    }
}

impl From<Vec<Problem>> for Failure {
    fn from(problems: Vec<Problem>) -> Failure {
        Failure { code: 1, lines: problems.iter().map(Problem::to_string).collect() }
    }
}

impl From<WorkError> for Failure {
    fn from(error: WorkError) -> Failure {
        Failure::new(error.exit_code(), error.message())
    }
}

impl From<ProbeError> for Failure {
    fn from(error: ProbeError) -> Failure {
        let code = match error.kind() {
            ProbeKind::NotFound | ProbeKind::Unsupported | ProbeKind::Malformed => 10,
            ProbeKind::Changed => 14,
            ProbeKind::NoSuchBucket | ProbeKind::Denied | ProbeKind::Unreachable => 13,
        };
        Failure::new(code, with_causes(&error))
    }
}

impl From<PlanRefusal> for Failure {
    fn from(refusal: PlanRefusal) -> Failure {
        Failure::new(11, refusal.to_string())
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Failure {
        Failure::new(13, with_causes(&error))
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Failure {
        Failure::new(13, format!("{error} (an s3:// address is used)"))
    }
}

impl From<UriError> for Failure {
    fn from(error: UriError) -> Failure {
        Failure::new(1, error.to_string())
    }
}

/// The error and its causes in one line.
fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let part = error.to_string();
        if !text.contains(&part) {
            text = format!("{text}: {part}");
        }
        cause = error.source();
    }
    text
}
