//! The source as the computation reads it: a file in tiles, one that is read as a whole, or the copy in scratch.
//! It fetches and decodes tiles; when, is the engine's business.

use std::sync::Arc;

use bytes::Bytes;
use tessera_core::geometry::Rect;
use tessera_core::plan::{Plan, Stage};
use tessera_formats::header::Header;
use tessera_formats::notes::Annotations;
use tessera_formats::tiff::TileTable;
use tessera_imaging::DecodeError;
use tessera_operations::{Operation, Region, plan_chain};

use crate::context::Context;
use crate::copied::Copied;
use crate::error::WorkError;
use crate::fetch::{EncodedTile, SourceObject};
use crate::pieces::Pieces;
use crate::places::ScratchPlace;
use crate::source;

/// An open source.
#[derive(Debug)]
pub(crate) struct Reader {
    header: Header,
    object: SourceObject,
    form: Form,
}

/// How pixels are reached.
#[derive(Debug)]
enum Form {
    Whole,
    Tiles(TileTable),
    Copy(Copied),
}

impl Reader {
    /// Opens the source of `plan` for the parts `rects` of the output, and gives what its header says that is true of the output.
    pub(crate) async fn open(
        context: &Context,
        plan: &Plan<Operation>,
        digest: &str,
        rects: impl Iterator<Item = Rect>,
    ) -> Result<(Arc<Reader>, Annotations), WorkError> {
        let (object, probed) = source::probe(context, plan).await?;
        let annotations = source::annotations(&probed.header, plan)?;
        let form = match plan.copy {
            Some(copy) => {
                let (stage, digest) = (Stage::Split, digest.to_owned());
                let place =
                    Pieces { scratch: ScratchPlace::of(plan, &context.stores)?, digest, stage, shard: 0 };
                let chain = plan_chain(&plan.operations, plan.source.extent)?;
                let rects = rects.map(|rect| chain.reads(rect)[0]).collect::<Vec<_>>();
                Form::Copy(Copied::open(copy, &probed.header, rects.into_iter(), place).await?)
            }
            None => source::table(&object, &probed, plan, rects).await?.map_or(Form::Whole, Form::Tiles),
        };
        Ok((Arc::new(Reader { header: probed.header, object, form }), annotations))
    }

    /// Whether it has no tiles.
    pub(crate) fn is_whole(&self) -> bool {
        matches!(self.form, Form::Whole)
    }

    /// All its bytes.
    pub(crate) async fn whole(&self) -> Result<Bytes, WorkError> {
        self.object.whole().await
    }

    /// The indexes of the tiles that hold the pixels `rect`, ascending.
    pub(crate) fn tiles_for(&self, rect: Rect) -> Vec<u64> {
        match &self.form {
            Form::Whole => Vec::new(),
            Form::Tiles(_) => self.header.tiles_for(rect),
            Form::Copy(copy) => copy.tiles_for(&self.header, rect),
        }
    }

    /// The encoded bytes of `tiles`.
    pub(crate) async fn tiles(&self, tiles: &[u64]) -> Result<Vec<EncodedTile>, WorkError> {
        match &self.form {
            Form::Whole => Ok(Vec::new()),
            Form::Tiles(table) => self.object.tiles(table, tiles).await,
            Form::Copy(copy) => copy.tiles(tiles).await,
        }
    }

    /// The pixels of a tile from the bytes of its planes.
    pub(crate) fn decode(&self, index: u64, planes: &[Bytes]) -> Result<Region, WorkError> {
        match &self.form {
            Form::Copy(copy) => {
                copy.decode(&self.header, index, planes.first().map_or(&[], |bytes| &bytes[..]))
            }
            Form::Whole | Form::Tiles(_) => tessera_imaging::decode_tile(&self.header, index, planes)
                .map_err(|error| self.undecodable(&error)),
        }
    }

    /// The pixels of the whole from all its bytes.
    pub(crate) fn decode_whole(&self, bytes: &[u8]) -> Result<Region, WorkError> {
        tessera_imaging::decode_whole(&self.header, bytes).map_err(|error| self.undecodable(&error))
    }

    fn undecodable(&self, error: &DecodeError) -> WorkError {
        undecodable(&self.object.at.to_string(), error)
    }
}

/// The error of a source `uri` whose pixels are damaged.
pub(crate) fn undecodable(uri: &str, error: &DecodeError) -> WorkError {
    let cause = std::error::Error::source(error).map(|cause| format!(" ({cause})")).unwrap_or_default();
    WorkError::Undecodable { uri: uri.to_owned(), what: format!("{error}{cause}") }
}
