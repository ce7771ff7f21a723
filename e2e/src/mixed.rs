//! Many small jobs that differ in size, pixels, chain and format, so that no two neighbours are alike; and what one
//! machine makes of each. It creates nothing in the cluster.

use crate::local::{self, Reference};
use crate::namespace::Namespace;
use crate::picture::{self, DEFLATE, GRAY, PLAIN, RGB, RGB16, RGBA};
use crate::work::sharded;
use anyhow::Result;
use tessera_api::ImageJob;
use tessera_core::output::OutputFormat;
use tessera_core::pixel::PixelType;
use tokio::sync::OnceCell;

/// One kind of job.
struct Kind {
    /// Name of its source, and what that is.
    source: (&'static str, u32, u32, PixelType, OutputFormat),
    /// Ending of its output.
    ending: &'static str,
    /// The rest of its spec, as [`Namespace::job`] takes it.
    rest: &'static str,
    /// Number of shards; `None`: one pod.
    shards: Option<u32>,
}

const JPEG: OutputFormat = OutputFormat::Jpeg { quality: 90 };

const KINDS: [Kind; 9] = [
    Kind {
        source: ("stamp.png", 64, 48, GRAY, OutputFormat::Png),
        ending: "png",
        rest: "operations: [{invert: {}}]",
        shards: None,
    },
    Kind {
        source: ("edges.png", 700, 500, RGB, OutputFormat::Png),
        ending: "tif",
        rest: "operations: [{grayscale: {}}, {sobel: {}}]",
        shards: None,
    },
    Kind {
        source: ("soft.tif", 900, 700, RGB, DEFLATE),
        ending: "png",
        rest: "operations: [{gaussianBlur: {sigma: 2}}]",
        shards: None,
    },
    Kind {
        source: ("shards.tif", 2500, 2200, GRAY, PLAIN),
        ending: "tif",
        rest: "operations: [{sobel: {}}]\noutput.tiff: {tile: 256}",
        shards: Some(3),
    },
    Kind {
        source: ("levels.tif", 5000, 4200, RGB, PLAIN),
        ending: "tif",
        rest: "operations: [{sobel: {}}]\noutput.cog: {tile: 256}",
        shards: Some(4),
    },
    Kind {
        source: ("photo.jpg", 1000, 600, RGB, JPEG),
        ending: "jpg",
        rest: "operations: [{brightnessContrast: {brightness: 0.1}}]",
        shards: None,
    },
    Kind {
        source: ("deep.tif", 300, 200, RGB16, DEFLATE),
        ending: "tif",
        rest: "operations: [{gaussianBlur: {sigma: 1.5}}]\noutput.tiff: {tile: 256}",
        shards: None,
    },
    Kind {
        source: ("glass.png", 400, 400, RGBA, OutputFormat::Png),
        ending: "png",
        rest: "operations: [{invert: {}}]",
        shards: None,
    },
    Kind {
        source: ("plain.tif", 1200, 900, RGB, PLAIN),
        ending: "jpg",
        rest: "operations: [{grayscale: {}}]",
        shards: None,
    },
];

/// The jobs, numbered from 0: the kinds in turn.
pub struct Mixed {
    sources: Vec<Vec<u8>>,
    expected: [OnceCell<Reference>; KINDS.len()],
}

impl Mixed {
    /// Makes the pictures.
    ///
    /// # Errors
    /// A format does not take its picture.
    pub fn new() -> Result<Mixed> {
        let file = |kind: &Kind| {
            let (_, width, height, pixel, format) = kind.source;
            picture::file(width, height, pixel, format)
        };
        Ok(Mixed { sources: KINDS.iter().map(file).collect::<Result<_>>()?, expected: Default::default() })
    }

    /// Puts the sources of all jobs into the store.
    ///
    /// # Errors
    /// The store does not take them.
    pub async fn put_sources(&self, ns: &Namespace) -> Result<()> {
        for (kind, bytes) in KINDS.iter().zip(&self.sources) {
            ns.put_source(kind.source.0, bytes).await?;
        }
        Ok(())
    }

    /// The job of this number.
    ///
    /// # Errors
    /// Never: the kinds are right.
    pub fn job(&self, ns: &Namespace, number: usize) -> Result<ImageJob> {
        let kind = &KINDS[number % KINDS.len()];
        let (name, output) = (format!("job-{number:05}"), format!("{number:05}.{}", kind.ending));
        let job = ns.job(&name, kind.source.0, &output, kind.rest)?;
        Ok(match kind.shards {
            Some(shards) => sharded(job, shards),
            None => job,
        })
    }

    /// What one machine makes of the job of this number; computed once for each kind, since neither name nor place of a
    /// job is seen in its file.
    ///
    /// # Errors
    /// The job fails.
    pub async fn expected(&self, ns: &Namespace, number: usize) -> Result<&Reference> {
        let kind = number % KINDS.len();
        let run = async || local::run(&self.job(ns, number)?, &self.sources[kind]).await;
        self.expected[kind].get_or_try_init(run).await
    }
}
