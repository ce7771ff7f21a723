//! The pixels of an image's level that a step needs: fetched by ranges, decoded, and remembered within a bound; or cut out of the
//! whole image in memory. It computes nothing but halves.

use std::collections::HashMap;
use std::sync::Arc;

use moka::policy::EvictionPolicy;
use moka::sync::Cache;
use rayon::prelude::*;
use tessera_core::geometry::{Rect, Size};
use tessera_imaging::{DecodeError, decode_tile};
use tessera_operations::{Region, Samples, halve};
use tessera_worker::fetch::EncodedTile;

use crate::error::PreviewError;
use crate::sheet::{Reading, doubled};
use crate::source::Source;
use crate::whole::Whole;

/// A decoded tile: source, layer and index.
type TileKey = (u64, usize, u64);

/// The decoded tiles that are remembered.
pub(crate) type Pixels = Cache<TileKey, Arc<Region>>;

/// An empty memory for decoded tiles of `bytes` in all.
pub(crate) fn remember(bytes: u64) -> Pixels {
    let weight = |_: &TileKey, tile: &Arc<Region>| u32::try_from(bytes_of(tile)).unwrap_or(u32::MAX);
    Cache::builder().max_capacity(bytes).weigher(weight).eviction_policy(EvictionPolicy::lru()).build()
}

fn bytes_of(region: &Region) -> usize {
    let samples = match &region.samples {
        Samples::U8(samples) => samples.len(),
        Samples::U16(samples) => 2 * samples.len(),
    };
    samples + size_of::<Region>()
}

/// What a step reads, in memory.
pub(crate) enum Loaded {
    /// Tiles of a layer.
    Tiles {
        /// The image.
        source: Arc<Source>,
        /// The layer, and how often it is halved.
        layer: (usize, u32),
        /// Its tiles, by their index.
        tiles: HashMap<u64, Arc<Region>>,
    },
    /// The whole image, at this level.
    Whole(Arc<Whole>, u32),
}

impl Loaded {
    /// The pixels `rect` of the level, which were loaded. Where a file's overview is a row or column short, the last one is repeated.
    pub(crate) fn region(&self, rect: Rect) -> Region {
        match self {
            Loaded::Whole(whole, level) => whole.level(*level).crop(rect),
            Loaded::Tiles { source, layer: (index, halvings), tiles } => {
                let header = source.layer(*index);
                let area = within(doubled(rect, *halvings), header.extent.size);
                let mut region = Region::zeroed(area, header.extent.pixel);
                for tile in header.tiles_for(area).iter().filter_map(|index| tiles.get(index)) {
                    region.paste(tile);
                }
                let halved = (0..*halvings).fold(region, |region, _| halve(&region));
                if halved.rect == rect { halved } else { extended(&halved, rect) }
            }
        }
    }
}

/// The tiles of a step that are here, and those that are missing.
pub(crate) struct Wanted {
    layer: (usize, u32),
    here: HashMap<u64, Arc<Region>>,
    missing: Vec<u64>,
}

/// Which tiles of a layer the pixels `rect` of a level need.
pub(crate) fn wanted(pixels: &Pixels, source: &Source, layer: (usize, u32), rect: Rect) -> Wanted {
    let header = source.layer(layer.0);
    let area = within(doubled(rect, layer.1), header.extent.size);
    let (mut here, mut missing) = (HashMap::new(), Vec::new());
    for index in header.tiles_for(area) {
        match pixels.get(&(source.number, layer.0, index)) {
            Some(tile) => drop(here.insert(index, tile)),
            None => missing.push(index),
        }
    }
    Wanted { layer, here, missing }
}

impl Wanted {
    /// The bytes of what is missing.
    pub(crate) async fn fetch(&self, source: &Source) -> Result<Vec<EncodedTile>, PreviewError> {
        let (Some(first), Some(last)) = (self.missing.first(), self.missing.last()) else {
            return Ok(Vec::new());
        };
        let table = source.table(self.layer.0, *first..*last + 1).await?;
        let Some(table) = table else { return Ok(Vec::new()) };
        Ok(source.object.tiles(&table, &self.missing).await?)
    }

    /// Decodes it with the threads of the pool that this is called in, and remembers it.
    pub(crate) fn decode(
        self,
        pixels: &Pixels,
        source: &Arc<Source>,
        fetched: Vec<EncodedTile>,
    ) -> Result<Loaded, PreviewError> {
        let Wanted { layer, here: mut tiles, .. } = self;
        let header = source.layer(layer.0);
        let decode =
            |(index, planes): EncodedTile| Ok((index, Arc::new(decode_tile(header, index, &planes)?)));
        let decoded: Result<Vec<_>, DecodeError> = fetched.into_par_iter().map(decode).collect();
        for (index, tile) in decoded? {
            pixels.insert((source.number, layer.0, index), tile.clone());
            tiles.insert(index, tile);
        }
        Ok(Loaded::Tiles { source: source.clone(), layer, tiles })
    }
}

/// The layer of a reading.
pub(crate) fn layer_of(reading: Reading) -> Option<(usize, u32)> {
    match reading {
        Reading::Layer { index, halvings, .. } => Some((index, halvings)),
        Reading::Whole => None,
    }
}

/// The part of a rectangle that lies in an image of size `size`; what lies beyond its end stands for the last row and column.
fn within(rect: Rect, size: Size) -> Rect {
    let (x, y) = (rect.x.min(size.width - 1), rect.y.min(size.height - 1));
    let (right, bottom) = (rect.right().clamp(x + 1, size.width), rect.bottom().clamp(y + 1, size.height));
    Rect::new(x, y, right - x, bottom - y)
}

/// The pixels of `rect`, those outside of `region` the nearest inside.
pub(crate) fn extended(region: &Region, rect: Rect) -> Region {
    let channels = region.channels.count();
    let columns: Vec<usize> = (rect.x..rect.right())
        .map(|x| (x.clamp(region.rect.x, region.rect.right() - 1) - region.rect.x) as usize * channels)
        .collect();
    let rows: Vec<usize> = (rect.y..rect.bottom())
        .map(|y| (y.clamp(region.rect.y, region.rect.bottom() - 1) - region.rect.y) as usize)
        .collect();
    let row = region.rect.width as usize * channels;
    let samples = match &region.samples {
        Samples::U8(samples) => Samples::U8(taken(samples, row, channels, (&columns, &rows))),
        Samples::U16(samples) => Samples::U16(taken(samples, row, channels, (&columns, &rows))),
    };
    Region { rect, channels: region.channels, samples }
}

fn taken<T: Copy>(samples: &[T], row: usize, channels: usize, at: (&[usize], &[usize])) -> Vec<T> {
    let (columns, rows) = at;
    let pixels = rows.iter().flat_map(|y| columns.iter().map(move |x| y * row + x));
    pixels.flat_map(|at| &samples[at..at + channels]).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tessera_core::pixel::Channels;

    #[test]
    fn what_lies_beyond_repeats_the_last_row_and_column() {
        let region = Region {
            rect: Rect::new(4, 2, 2, 1),
            channels: Channels::GrayAlpha,
            samples: Samples::U8(vec![1, 2, 3, 4]),
        };
        let wider = extended(&region, Rect::new(4, 2, 3, 2));
        assert_eq!(wider.samples, Samples::U8(vec![1, 2, 3, 4, 3, 4, 1, 2, 3, 4, 3, 4]));
        assert_eq!(within(Rect::new(10, 0, 4, 4), Size::new(10, 8)), Rect::new(9, 0, 1, 4));
    }
}
