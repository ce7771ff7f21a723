//! What a viewer needs to know before it asks for tiles: the size of the result, its levels, what each shows and costs. It
//! computes no pixels.

use serde::Serialize;
use tessera_core::geometry::Size;
use tessera_store::Location;

use crate::chain::ValidChain;
use crate::engine::Engine;
use crate::error::PreviewError;
use crate::recipe::{Quality, TILE, levels, misleading};
use crate::sheet::halved_size;
use crate::source::Source;

/// Milliseconds for one tile above which a viewer asks first.
const PATIENCE: f64 = 2000.0;

/// The side of a window in which an image is first shown.
const WINDOW: u32 = 1600;

/// The longest side of the smallest level that a viewer may begin with: of some tiles, not hundreds.
const SMALLEST: u32 = 2048;

/// An image through a chain, as a viewer sees it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct View {
    /// Pixels in a row of the result.
    pub width: u32,
    /// Rows of the result.
    pub height: u32,
    /// Side of a tile.
    pub tile_size: u32,
    /// Tag of the image.
    pub etag: String,
    /// Version of the code that computes.
    pub version: String,
    /// Samples of a pixel of the result.
    pub channels: usize,
    /// Bits of a sample of the result.
    pub bit_depth: u32,
    /// Its levels, full size first.
    pub levels: Vec<Level>,
    /// Whether the level that is shown first takes so long that the user should be asked.
    pub ask: bool,
    /// What to tell the user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// A level of a view.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Level {
    /// Halvings.
    pub level: u32,
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// What its tiles are.
    pub quality: Quality,
    /// Predicted milliseconds for one tile.
    pub milliseconds: f64,
}

/// An image as it is stored.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Image {
    /// Its tag.
    pub etag: String,
    /// Its bytes.
    pub size: u64,
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Samples of a pixel.
    pub channels: usize,
    /// Bits of a sample.
    pub bit_depth: u32,
    /// The format of its file.
    pub format: &'static str,
    /// Whether it can only be looked at through a view copy.
    pub needs_copy: bool,
}

impl Engine {
    /// The view of an image through a chain.
    ///
    /// # Errors
    /// The image cannot be read or needs a copy, or the chain does not fit it.
    pub async fn view(&self, at: &Location, chain: &ValidChain) -> Result<View, PreviewError> {
        let source = self.open(at).await?;
        let output = chain.fit(source.sheet.extent)?;
        let levels = self.levels(&source, chain, output.size)?;
        if source.sheet.layers.is_empty() && source.sheet.whole {
            // The first tile needs it at once; who asked for the view need not wait.
            let (engine, source) = (self.clone(), source.clone());
            tokio::spawn(async move { drop(engine.whole(&source).await) });
        }
        Ok(View {
            width: output.size.width,
            height: output.size.height,
            tile_size: TILE,
            etag: source.etag().to_owned(),
            version: self.version().to_owned(),
            channels: output.pixel.channels.count(),
            bit_depth: output.pixel.depth.bits(),
            ask: first_shown(&levels).is_some_and(|level| level.milliseconds > PATIENCE),
            message: message(&levels, chain),
            levels,
        })
    }

    /// An image as it is stored.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn image(&self, at: &Location) -> Result<Image, PreviewError> {
        let source = self.open(at).await?;
        let extent = source.sheet.extent;
        let needs_copy = match self.levels(&source, &ValidChain::new(Vec::new())?, extent.size) {
            Ok(_) => false,
            Err(PreviewError::NeedsCopy(_)) => true,
            Err(error) => return Err(error),
        };
        Ok(Image {
            etag: source.etag().to_owned(),
            size: source.bytes(),
            width: extent.size.width,
            height: extent.size.height,
            channels: extent.pixel.channels.count(),
            bit_depth: extent.pixel.depth.bits(),
            format: source.header.format(),
            needs_copy,
        })
    }

    /// The levels that there are, from full size to the smallest that can be made.
    fn levels(&self, source: &Source, chain: &ValidChain, size: Size) -> Result<Vec<Level>, PreviewError> {
        let kitchen = self.kitchen(source, chain);
        let mut made = Vec::new();
        for level in 0..levels(size) {
            let recipe = match kitchen.recipe(level) {
                Err(PreviewError::NeedsCopy(_)) if small_enough(&made) => break,
                other => other?,
            };
            let Size { width, height } = halved_size(size, level);
            let milliseconds = (recipe.milliseconds * 10.0).round() / 10.0;
            made.push(Level { level, width, height, quality: recipe.quality, milliseconds });
        }
        Ok(made)
    }
}

fn small_enough(made: &[Level]) -> bool {
    made.last().is_some_and(|level| level.width.max(level.height) <= SMALLEST)
}

/// The level in which a window of ordinary size shows all of the image.
fn first_shown(levels: &[Level]) -> Option<&Level> {
    levels.iter().find(|level| level.width.max(level.height) <= WINDOW).or(levels.last())
}

fn message(levels: &[Level], chain: &ValidChain) -> Option<String> {
    let original = levels.iter().any(|level| level.quality == Quality::Original);
    let name = original.then(|| misleading(&chain.operations)).flatten()?;
    Some(format!("Zoom in to preview {}: zoomed out, the original is shown", words(name)))
}

/// An operation's name in words: `topHat` is `top hat`.
fn words(name: &str) -> String {
    name.chars().flat_map(|c| c.is_uppercase().then_some(' ').into_iter().chain(c.to_lowercase())).collect()
}
