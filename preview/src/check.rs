//! Asks a running preview for its health, by the simplest request that HTTP has. It needs no runtime.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, ensure};

/// Longer than it takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(4);

/// Fails unless the preview at `address` answers that it is well.
pub(crate) fn check(address: SocketAddr) -> anyhow::Result<()> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)
        .with_context(|| format!("nobody listens at {address}: is the preview running?"))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(b"GET /healthz HTTP/1.0\r\n\r\n")?;
    let mut answer = String::new();
    stream.take(4096).read_to_string(&mut answer).context("no answer in time")?;
    ensure!(
        answer.split(' ').nth(1) == Some("200"),
        "it answers {}",
        answer.lines().next().unwrap_or_default()
    );
    Ok(())
}
