//! kubectl, as a user runs it. It parses nothing of what kubectl prints.

use anyhow::{Context as _, Result};
use std::process::Stdio;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

/// What kubectl answered.
#[derive(Debug)]
pub struct Answer {
    /// Whether it succeeded.
    pub ok: bool,
    /// What it printed.
    pub out: String,
    /// Its warnings and errors.
    pub said: String,
}

/// Runs kubectl in `namespace` with these arguments and this input.
///
/// # Errors
/// It cannot be started.
pub async fn kubectl(namespace: &str, arguments: &[&str], input: &str) -> Result<Answer> {
    let mut kubectl = Command::new("kubectl")
        .args(["--namespace", namespace])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .context("kubectl is not in the PATH: eval \"$(make -s env)\"")?;
    let mut stdin = kubectl.stdin.take().context("its input is piped")?;
    stdin.write_all(input.as_bytes()).await?;
    drop(stdin);
    let output = kubectl.wait_with_output().await?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok(Answer { ok: output.status.success(), out: text(&output.stdout), said: text(&output.stderr) })
}
