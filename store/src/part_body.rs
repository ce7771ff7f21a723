//! The bytes of a part of a multipart upload that arrive while they are sent on. Counts them, and holds none.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use futures::stream::BoxStream;
use futures::{Stream, StreamExt};

use crate::{Location, Result, StoreError};

/// Bytes as they come, of a number that is known before. More or fewer are an error, and then no part is written.
pub struct PartBody {
    size: u64,
    left: u64,
    ended: bool,
    chunks: BoxStream<'static, io::Result<Bytes>>,
}

impl PartBody {
    /// `size` bytes.
    pub fn new(size: u64, chunks: impl Stream<Item = io::Result<Bytes>> + Send + 'static) -> PartBody {
        PartBody { size, left: size, ended: false, chunks: chunks.boxed() }
    }

    /// How many bytes there are in all.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// How many bytes are still to come.
    pub(crate) fn left(&self) -> u64 {
        self.left
    }

    /// All of them, for stores that take no stream.
    pub(crate) async fn collect(mut self, at: &Location) -> Result<Bytes> {
        let mut all = BytesMut::new();
        while let Some(chunk) = self.next().await {
            all.extend_from_slice(&chunk.map_err(|_| StoreError::invalid(at, INCOMPLETE))?);
        }
        Ok(all.freeze())
    }
}

/// The code of S3 for a body that has another length than was said.
pub(crate) const INCOMPLETE: &str = "IncompleteBody";

impl Stream for PartBody {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        match std::task::ready!(self.chunks.poll_next_unpin(context)) {
            Some(Ok(chunk)) if chunk.len() as u64 <= self.left => {
                self.left -= chunk.len() as u64;
                Poll::Ready(Some(Ok(chunk)))
            }
            None if self.left == 0 => {
                self.ended = true;
                Poll::Ready(None)
            }
            Some(Err(error)) => {
                self.ended = true;
                Poll::Ready(Some(Err(error)))
            }
            Some(Ok(_)) | None => {
                self.ended = true;
                Poll::Ready(Some(Err(io::Error::other("the part has another length than was said"))))
            }
        }
    }
}

impl fmt::Debug for PartBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PartBody").field("size", &self.size).field("left", &self.left).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn collected(size: u64, chunks: &[&'static str]) -> Option<Bytes> {
        let chunks: Vec<_> = chunks.iter().map(|text| Ok(Bytes::from_static(text.as_bytes()))).collect();
        let at = "s3://images/a".parse().unwrap();
        PartBody::new(size, futures::stream::iter(chunks)).collect(&at).await.ok()
    }

    #[tokio::test]
    async fn a_body_has_exactly_the_bytes_that_were_said() {
        assert_eq!(collected(5, &["abc", "de"]).await.unwrap(), "abcde");
        assert_eq!(collected(0, &[]).await.unwrap(), "");
        assert_eq!(collected(4, &["abc", "de"]).await, None);
        assert_eq!(collected(6, &["abc", "de"]).await, None);
    }
}
