//! What workers leave in scratch, without a pixel: simulations of many jobs need the proof and not the picture. The
//! objects are those that a worker writes, in its order; their data are empty. It writes nothing but scratch.

use anyhow::Result;
use futures::{StreamExt, TryStreamExt};
use serde::Serialize;
use tessera_core::name::Scratch;
use tessera_core::piece::Piece;
use tessera_core::plan::{Plan, Stage};
use tessera_core::record::{Manifest, PieceRecord, Published, TileRecord, sha256};
use tessera_operations::Operation;
use tessera_store::{Location, Prefix, PutOptions, Store};

/// Pieces of a shard that are written at once.
const AT_ONCE: usize = 4;

/// The scratch of a job, to be filled as its workers would.
pub struct Pretended<'a> {
    store: &'a dyn Store,
    plan: &'a Plan<Operation>,
    digest: &'a str,
    bucket: String,
    keys: Scratch,
}

impl Pretended<'_> {
    /// The scratch that `plan`, whose digest is `digest`, names.
    ///
    /// # Errors
    /// The plan names none.
    pub fn of<'a>(store: &'a dyn Store, plan: &'a Plan<Operation>, digest: &'a str) -> Result<Pretended<'a>> {
        let prefix: Prefix = plan.scratch.parse()?;
        let above = prefix.path().strip_suffix(&format!("{}/", plan.job)).unwrap_or(prefix.path());
        let (bucket, keys) = (prefix.bucket().to_owned(), Scratch::new(above, &plan.job));
        Ok(Pretended { store, plan, digest, bucket, keys })
    }

    /// What a worker leaves when the shard of a stage is done.
    ///
    /// # Errors
    /// The store does not take it.
    pub async fn done(&self, stage: Stage, shard: u32) -> Result<()> {
        match stage {
            Stage::Split => self.copy().await,
            Stage::Tiles => self.shard(shard).await,
            Stage::Whole | Stage::Assemble => self.published(stage).await,
        }
    }

    /// That the source's copy is there.
    async fn copy(&self) -> Result<()> {
        let manifest = Manifest { plan: self.digest.to_owned(), shard: 0, pieces: Vec::new() };
        self.put(self.keys.manifest(Stage::Split.name(), 0), &manifest).await.map(|_| ())
    }

    /// Data and record of each piece, then the manifest.
    async fn shard(&self, shard: u32) -> Result<()> {
        let pieces = self.plan.pieces(shard);
        let written = futures::stream::iter(pieces).map(|piece| self.piece(shard, piece));
        let pieces: Vec<PieceRecord> = written.buffered(AT_ONCE).try_collect().await?;
        let manifest = Manifest { plan: self.digest.to_owned(), shard, pieces };
        self.put(self.keys.manifest(Stage::Tiles.name(), shard), &manifest).await.map(|_| ())
    }

    async fn piece(&self, shard: u32, piece: Piece) -> Result<PieceRecord> {
        let stage = Stage::Tiles.name();
        let tile = TileRecord { size: 0, sha256: sha256(b""), adler: None };
        let at = Location::new(self.bucket.clone(), self.keys.data(stage, shard, piece.number))?;
        let record = PieceRecord {
            plan: self.digest.to_owned(),
            shard,
            piece: piece.number,
            size: 0,
            etag: self.store.put(&at, Vec::new().into(), &PutOptions::default()).await?,
            crc64: "0".repeat(16),
            tiles: vec![tile; piece.tile_count(&self.plan.grid) as usize],
        };
        self.put(self.keys.record(stage, shard, piece.number), &record).await?;
        Ok(record)
    }

    /// The record of the finished file, which is not there.
    async fn published(&self, stage: Stage) -> Result<()> {
        let published = Published {
            plan: self.digest.to_owned(),
            uri: self.plan.output.uri.clone(),
            etag: sha256(b"")[..32].to_owned(),
            size: 1 << 20,
            digest: format!("sha256-tree:{}", sha256(b"")),
            crc64: "0".repeat(16),
            tiles: self.plan.grid.tiles(),
        };
        self.put(self.keys.manifest(stage.name(), 0), &published).await.map(|_| ())
    }

    async fn put<T: Serialize>(&self, key: String, value: &T) -> Result<String> {
        let at = Location::new(self.bucket.clone(), key)?;
        Ok(self.store.put(&at, serde_json::to_vec(value)?.into(), &PutOptions::default()).await?)
    }
}
