//! Whether the beginning of a file can be that of an image that is processed. The header's parser decides; where it wants more
//! than there is, the whole file is looked at when it has arrived.

use bytes::Bytes;
use futures::stream::{BoxStream, StreamExt};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use tessera_formats::header::{HeaderError, Progress};
use tessera_formats::parse;
use tessera_formats::ranges::Ranges;
use tessera_probe::ProbeError;

/// How much is looked at.
const START: u64 = 256 << 10;

/// A length that no header points beyond: the file's own is not known yet.
const ENDLESS: u64 = 1 << 62;

/// Chunks of a body that is still coming.
type Chunks = BoxStream<'static, io::Result<Bytes>>;

/// Reads the beginning of a body of `size` bytes: at least [`START`] of them, where there are as many.
pub(super) async fn read_start(mut body: Chunks, size: u64) -> io::Result<(Vec<Bytes>, Chunks)> {
    let (mut start, mut have) = (Vec::new(), 0);
    while have < START.min(size) {
        let Some(chunk) = body.next().await else { break };
        let chunk = chunk?;
        have += chunk.len() as u64;
        start.push(chunk);
    }
    Ok((start, body))
}

/// Fails where these bytes begin no image that is processed. A part of less than 5 MiB is the whole file.
pub(super) fn check(start: &[Bytes], size: u64) -> Result<(), ProbeError> {
    let bytes = start.concat();
    let total = if size < tessera_store::MIN_PART { size } else { ENDLESS };
    let mut have = Ranges::new();
    have.insert(0, bytes);
    // The parser reads foreign bytes in the process that holds the keys.
    match catch_unwind(AssertUnwindSafe(|| parse(&have, total))).map_err(|_| ProbeError::Panicked)? {
        Ok(Progress::Done(_) | Progress::Need(_)) => Ok(()),
        // What a header points to may be elsewhere in the file.
        Err(HeaderError::Truncated { .. }) if total == ENDLESS => Ok(()),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(bytes: &[u8], size: u64) -> Result<(), String> {
        check(&[Bytes::copy_from_slice(bytes)], size).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_no_image_is_refused_by_its_name() {
        let long = [b"%PDF-1.7\n".as_slice(), &[b'a'; 5000]].concat();
        assert!(said(&long, 50 << 20).unwrap_err().contains("a PDF"));
        assert!(said(b"GIF89aaaaaaaaaaaaaaaaaaaaaaaa", 29).unwrap_err().contains("a GIF"));
        assert!(said(b"MZ\x90\0\x03\0\0\0\x04", 9).is_err());
        assert!(said(b"", 0).is_err());
    }

    #[test]
    fn a_tiff_whose_directory_comes_later_passes_for_now() {
        assert_eq!(said(b"II*\0\x00\x00\x00\x40aaaaaaaa", 50 << 20), Ok(()));
        assert!(said(b"II*\0\x00\x00\x00\x40aaaaaaaa", 16).unwrap_err().contains("cut short"));
    }
}
