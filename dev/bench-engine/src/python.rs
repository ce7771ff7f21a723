//! A peer that is a Python process: one line asks for a case, one line answers with its seconds.

use anyhow::{Context, Result, ensure};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// The process, ended when this is dropped.
pub struct Python {
    process: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Python {
    /// Starts `program` with `arguments`, and waits until it is ready.
    pub fn start(python: &Path, program: &Path, arguments: &[String]) -> Result<Python> {
        let mut command = Command::new(python);
        command.arg(program).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().with_context(|| format!("cannot start {}", python.display()))?;
        let questions = process.stdin.take().context("its input is piped")?;
        let answers = BufReader::new(process.stdout.take().context("its output is piped")?);
        let mut python = Python { process, questions, answers };
        let ready = python.answer()?;
        ensure!(ready == "ready", "{} answers {ready:?}", program.display());
        Ok(python)
    }

    /// The seconds of a case, whose result goes to `path` as well; nothing if this engine has no such operation.
    pub fn run(&mut self, case: &str, path: Option<&Path>) -> Result<Option<f64>> {
        match path {
            Some(path) => writeln!(self.questions, "{case}\t{}", path.display())?,
            None => writeln!(self.questions, "{case}")?,
        }
        let answer = self.answer()?;
        if answer == "-" { Ok(None) } else { Ok(Some(answer.parse()?)) }
    }

    fn answer(&mut self) -> Result<String> {
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        ensure!(!line.is_empty(), "a peer ended; it says why above");
        Ok(line.trim().to_owned())
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        // It ends by itself when its input is closed; a peer that hangs is not waited for.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}
