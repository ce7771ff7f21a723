//! The source as the computation reads it: a file in tiles, one that is streamed or read as a whole, or the copy in scratch.
//! It fetches and decodes tiles; when, is the engine's business.

use std::sync::Arc;

use bytes::Bytes;
use tessera_core::geometry::Rect;
use tessera_core::plan::{Access, Plan, Stage};
use tessera_formats::notes::Annotations;
use tessera_formats::tiff::TileTable;
use tessera_imaging::DecodeError;
use tessera_imaging::orient::orient;
use tessera_operations::{Operation, Region, plan_chain};
use tessera_probe::Probed;

use crate::context::Context;
use crate::copied::Copied;
use crate::error::WorkError;
use crate::fetch::{EncodedTile, SourceObject};
use crate::pieces::Pieces;
use crate::places::ScratchPlace;
use crate::rowwise::Rowwise;
use crate::source;

/// An open source.
#[derive(Debug)]
pub(crate) struct Reader {
    probed: Probed,
    object: SourceObject,
    form: Form,
}

/// How pixels are reached.
#[derive(Debug)]
enum Form {
    Whole,
    Rows(u32),
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
        let form = match (plan.copy, plan.source.access) {
            (Some(copy), _) => {
                let (stage, digest) = (Stage::Split, digest.to_owned());
                let place =
                    Pieces { scratch: ScratchPlace::of(plan, &context.stores)?, digest, stage, shard: 0 };
                let chain = plan_chain(&plan.operations, plan.source.extent)?;
                let rects = rects.map(|rect| chain.reads(rect)[0]).collect::<Vec<_>>();
                Form::Copy(Copied::open(copy, &probed.header, rects.into_iter(), place).await?)
            }
            (None, Access::Rows { rows }) => Form::Rows(rows),
            (None, Access::Tiles { .. } | Access::Whole) => {
                source::table(&object, &probed, plan, rects).await?.map_or(Form::Whole, Form::Tiles)
            }
        };
        Ok((Arc::new(Reader { probed, object, form }), annotations))
    }

    /// Whether it has no tiles.
    pub(crate) fn is_whole(&self) -> bool {
        matches!(self.form, Form::Whole)
    }

    /// The rows of a band, where it is streamed.
    pub(crate) fn band(&self) -> Option<u32> {
        if let Form::Rows(rows) = self.form { Some(rows) } else { None }
    }

    /// Its rows as they are stored, in bands of `rows`.
    pub(crate) async fn stream(&self, rows: u32) -> Result<Rowwise, WorkError> {
        Rowwise::start(self.object.clone(), &self.probed, rows).await
    }

    /// The pixels of a band as the job sees them.
    pub(crate) fn band_as_meant(&self, band: Region) -> Region {
        let header = &self.probed.header;
        orient(band, header.orientation, header.stored)
    }

    /// All its bytes.
    pub(crate) async fn whole(&self) -> Result<Bytes, WorkError> {
        self.object.whole().await
    }

    /// The indexes of the tiles that hold the pixels `rect`, ascending.
    pub(crate) fn tiles_for(&self, rect: Rect) -> Vec<u64> {
        match &self.form {
            Form::Whole | Form::Rows(_) => Vec::new(),
            Form::Tiles(_) => self.probed.header.tiles_for(rect),
            Form::Copy(copy) => copy.tiles_for(&self.probed.header, rect),
        }
    }

    /// The encoded bytes of `tiles`.
    pub(crate) async fn tiles(&self, tiles: &[u64]) -> Result<Vec<EncodedTile>, WorkError> {
        match &self.form {
            Form::Whole | Form::Rows(_) => Ok(Vec::new()),
            Form::Tiles(table) => self.object.tiles(table, tiles).await,
            Form::Copy(copy) => copy.tiles(tiles).await,
        }
    }

    /// The pixels of a tile from the bytes of its planes.
    pub(crate) fn decode(&self, index: u64, planes: &[Bytes]) -> Result<Region, WorkError> {
        match &self.form {
            Form::Copy(copy) => {
                copy.decode(&self.probed.header, index, planes.first().map_or(&[], |bytes| &bytes[..]))
            }
            Form::Whole | Form::Rows(_) | Form::Tiles(_) => {
                tessera_imaging::decode_tile(&self.probed.header, index, planes)
                    .map_err(|error| self.undecodable(&error))
            }
        }
    }

    /// The pixels of the whole from all its bytes.
    pub(crate) fn decode_whole(&self, bytes: &[u8]) -> Result<Region, WorkError> {
        tessera_imaging::decode_whole(&self.probed.header, bytes).map_err(|error| self.undecodable(&error))
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
