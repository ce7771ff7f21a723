//! A copy of a small image that opens at once, by ranges: a COG beside it in the store. It writes there and nowhere else.

use serde::Serialize;
use tessera_core::output::{OutputFormat, TiffCompression};
use tessera_imaging::{decode_whole, profile, write_whole};
use tessera_operations::Region;
use tessera_store::{Location, Metadata, Prefix, PutOptions};

use crate::engine::Engine;
use crate::error::PreviewError;
use crate::recipe::TILE;
use crate::source::{MOST_WHOLE, Source, decoding};

/// Quick to make and to read, and without loss.
const FORMAT: OutputFormat = OutputFormat::Cog { tile: TILE, compression: TiffCompression::Zstd };

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Copied {
    /// Where.
    pub uri: String,
    /// Its tag.
    pub etag: String,
    /// Its bytes.
    pub size: u64,
}

impl Engine {
    /// Copies the image at `at`, which must have the tag `etag`, to `to`, which must lie below `views`.
    ///
    /// # Errors
    /// It has more than 50 million pixels, or takes too much memory; or it cannot be read, or the copy not be written.
    pub async fn copy(
        &self,
        at: &Location,
        etag: &str,
        to: &Location,
        views: &Prefix,
    ) -> Result<Copied, PreviewError> {
        if !views.contains(to) {
            return Err(PreviewError::Request(format!(
                "{to} does not lie below {views}, where view copies are kept"
            )));
        }
        let source = self.open(at).await?;
        if source.etag() != etag {
            return Err(PreviewError::Changed);
        }
        let pixels = source.sheet.extent.size.pixels();
        if pixels > MOST_WHOLE {
            let text = format!(
                "the image has {pixels} pixels, more than the {MOST_WHOLE} that are copied here: make a job without operations and with the output cog"
            );
            return Err(PreviewError::TooLarge(text));
        }
        let turn = self.turn().await?;
        let memory = self.room(copying(&source)).await?;
        let bytes = source.object.whole().await?;
        let make = move |_: &Engine| {
            let image: Region = decode_whole(&source.header, &bytes)?;
            drop(bytes);
            Ok(write_whole(&image, FORMAT, profile(&source.header).as_deref())?)
        };
        let file = self.blocking(make).await?;
        let (size, store) = (file.len() as u64, self.stores().of(to)?);
        let metadata = Metadata::from([("tessera-view-of".to_owned(), etag.to_owned())]);
        let options =
            PutOptions { metadata, content_type: Some("image/tiff".to_owned()), ..PutOptions::default() };
        let etag = store.put(to, file.into(), &options).await?;
        drop((turn, memory));
        Ok(Copied { uri: to.to_string(), etag, size })
    }
}

/// Bytes that it takes: to decode, or the image with all its levels and what they are encoded to, twice.
fn copying(source: &Source) -> u64 {
    let extent = source.sheet.extent;
    let raw = extent.size.pixels() * extent.pixel.bytes() as u64;
    decoding(&source.header, source.bytes()).max(5 * raw)
}
