//! Reads the S3 server's access log as it grows, and keeps each request with this machine's time of its end.
//! The server writes a line when a request has ended, with its duration in milliseconds but the time in whole seconds.

use crate::figures::now;
use anyhow::Context as _;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tessera_e2e::Result;
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio::task::JoinHandle;

/// Time between two looks at the log, and so the most by which a time is late.
const POLL: Duration = Duration::from_millis(5);

/// One request.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Request {
    /// When it began and ended, in Unix seconds.
    pub(crate) start: f64,
    pub(crate) end: f64,
    /// Address of the client: a pod's own.
    pub(crate) from: String,
    /// As the server names it, without its prefix: `PutObject`.
    pub(crate) operation: String,
    pub(crate) bucket: String,
    pub(crate) key: String,
}

/// The log so far.
pub(crate) struct AccessLog {
    requests: Arc<Mutex<Vec<Request>>>,
    reader: JoinHandle<()>,
}

impl AccessLog {
    /// Follows the log from its present end.
    pub(crate) async fn follow(path: &Path) -> Result<AccessLog> {
        let mut file = tokio::fs::File::open(path)
            .await
            .with_context(|| format!("the access log {}", path.display()))?;
        file.seek(std::io::SeekFrom::End(0)).await?;
        let requests = Arc::<Mutex<Vec<Request>>>::default();
        let reader = tokio::spawn(read(file, requests.clone()));
        Ok(AccessLog { requests, reader })
    }

    /// The requests that began after `since`.
    pub(crate) fn since(&self, since: f64) -> Vec<Request> {
        let all = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().filter(|request| request.start >= since).cloned().collect()
    }
}

impl Drop for AccessLog {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

async fn read(mut file: tokio::fs::File, requests: Arc<Mutex<Vec<Request>>>) {
    let mut rest = Vec::new();
    loop {
        tokio::time::sleep(POLL).await;
        match file.read_buf(&mut rest).await {
            Ok(0) => continue,
            Ok(_) => {}
            Err(error) => return eprintln!("the access log cannot be read any more: {error}"),
        }
        let Some(end) = rest.iter().rposition(|byte| *byte == b'\n') else { continue };
        let lines: Vec<u8> = rest.drain(..=end).collect();
        let at = now();
        let parsed =
            String::from_utf8_lossy(&lines).lines().filter_map(|line| parse(line, at)).collect::<Vec<_>>();
        requests.lock().unwrap_or_else(PoisonError::into_inner).extend(parsed);
    }
}

/// A line of the log that was read at `at`; `None` for any other line.
fn parse(line: &str, at: f64) -> Option<Request> {
    let fields: Vec<&str> = line.split(' ').collect();
    let [_, bucket, day, _, from, _, _, operation, key, _, _, _, _, _, milliseconds, ..] = fields[..] else {
        return None;
    };
    let took: f64 = milliseconds.parse().ok().filter(|_| day.starts_with('['))?;
    Some(Request {
        start: at - took / 1000.0,
        end: at,
        from: from.to_owned(),
        operation: operation.trim_start_matches("s3_").to_owned(),
        bucket: bucket.to_owned(),
        key: key.to_owned(),
    })
}
