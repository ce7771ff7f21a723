//! Pictures for the demo and the tests: a photograph mirrored out to any size, and excerpts of large files to look at.
//! For development only; it holds whole encoded files in memory.

use anyhow::{Context, bail};
use clap::{Parser, Subcommand};
use rayon::prelude::*;
use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use tessera_core::geometry::{Rect, Size};
use tessera_core::grid::Grid;
use tessera_core::operation::Extent;
use tessera_core::output::{OutputFormat, TiffCompression};
use tessera_formats::layout::{Layout, Part};
use tessera_formats::notes::Annotations;
use tessera_formats::tiff::{self, TileTable};
use tessera_formats::{Header, Kind, Progress, Ranges};
use tessera_imaging::{Encoded, decode_file, decode_tile, encode, write_whole};
use tessera_operations::region::{Region, Samples};

/// Makes and shows pictures.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Mirrors a photograph out to `width` x `height` pixels, as a tiled TIFF: any seam in a result is then ours.
    Mirror { photograph: PathBuf, width: u32, height: u32, output: PathBuf },
    /// Writes the whole of a tiled TIFF, reduced to about `width` pixels in a row, as a PNG.
    Reduce { picture: PathBuf, width: u32, output: PathBuf },
    /// Writes the rectangle at `x`, `y` of `width` x `height` pixels of a tiled TIFF as a PNG.
    Crop { picture: PathBuf, x: u32, y: u32, width: u32, height: u32, output: PathBuf },
    /// Prints the width and height of a picture.
    Size { picture: PathBuf },
}

fn main() -> anyhow::Result<()> {
    match Arguments::parse().verb {
        Verb::Mirror { photograph, width, height, output } => {
            mirror(&photograph, Size::new(width, height), &output)
        }
        Verb::Reduce { picture, width, output } => save(&open(&picture)?.reduced(width)?, &output),
        Verb::Crop { picture, x, y, width, height, output } => {
            let tiff = open(&picture)?;
            let rect = Rect::new(x, y, width, height).intersect(&tiff.header.extent.size.rect());
            save(&tiff.read(rect)?, &output)
        }
        Verb::Size { picture } => print_size(&picture),
    }
}

#[expect(clippy::print_stdout, reason = "the result of the command")]
fn print_size(picture: &Path) -> anyhow::Result<()> {
    let bytes = read(picture)?;
    let total = bytes.len() as u64;
    let Progress::Done(header) = tessera_formats::parse(&Ranges::whole(bytes), total)? else {
        bail!("the header is not complete");
    };
    println!("{} {}", header.extent.size.width, header.extent.size.height);
    Ok(())
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

fn save(image: &Region, output: &Path) -> anyhow::Result<()> {
    let origin = Region { rect: image.rect.size().rect(), ..image.clone() };
    std::fs::write(output, write_whole(&origin, OutputFormat::Png, None)?)
        .with_context(|| format!("cannot write {}", output.display()))
}

fn mirror(photograph: &Path, size: Size, output: &Path) -> anyhow::Result<()> {
    let (_, photo) = decode_file(&read(photograph)?)?;
    let format = OutputFormat::Tiff { tile: 512, compression: TiffCompression::Deflate };
    let extent = Extent { size, pixel: photo.pixel() };
    let grid = Grid::new(extent, format);
    let layout = Layout::new(extent, format, Annotations::default());
    let mut file = File::create(output).with_context(|| format!("cannot write {}", output.display()))?;
    file.seek(SeekFrom::Start(layout.head_len()))?;
    let mut parts: Vec<Part> = Vec::new();
    for block in 0..grid.blocks() {
        let tiles: Vec<Rect> = grid.tiles_in(block).map(|at| grid.tile_rect(at)).collect();
        let encoded: Vec<Encoded> = tiles
            .par_iter()
            .map(|rect| encode(&mirrored(&photo, *rect), *rect, format, None))
            .collect::<Result<_, _>>()?;
        for tile in &encoded {
            file.write_all(&tile.bytes)?;
        }
        parts.extend(encoded.iter().map(Encoded::part));
    }
    file.seek(SeekFrom::Start(0))?;
    file.write_all(&layout.head(&parts))?;
    Ok(())
}

/// The pixels `rect` of the plane that mirrored copies of `photo` fill.
fn mirrored(photo: &Region, rect: Rect) -> Region {
    let mut region = Region::zeroed(rect, photo.pixel());
    match (&mut region.samples, &photo.samples) {
        (Samples::U8(to), Samples::U8(from)) => fill(to, from, photo, rect),
        (Samples::U16(to), Samples::U16(from)) => fill(to, from, photo, rect),
        (Samples::U8(_), Samples::U16(_)) | (Samples::U16(_), Samples::U8(_)) => {}
    }
    region
}

fn fill<T: Copy>(to: &mut [T], from: &[T], photo: &Region, rect: Rect) {
    let (channels, size) = (photo.channels.count(), photo.rect.size());
    let columns: Vec<usize> = (rect.x..rect.right()).map(|x| reflect(x, size.width)).collect();
    for (row, y) in to.chunks_exact_mut(columns.len() * channels).zip(rect.y..) {
        let start = reflect(y, size.height) * size.width as usize;
        for (pixel, column) in row.chunks_exact_mut(channels).zip(&columns) {
            let at = (start + column) * channels;
            pixel.copy_from_slice(&from[at..at + channels]);
        }
    }
}

/// The coordinate that `at` mirrors in a picture of `length` pixels: 0 1 2 2 1 0 0 1 2 ...
fn reflect(at: u32, length: u32) -> usize {
    let (turn, at) = (at / length, at % length);
    (if turn.is_multiple_of(2) { at } else { length - 1 - at }) as usize
}

/// Rows that are read at once, so that a tile is not decoded again for every row of a reduced picture.
const STRIP: u32 = 2048;

/// A tiled TIFF, open for reading.
struct Tiff {
    header: Header,
    table: TileTable,
    bytes: Ranges,
}

fn open(picture: &Path) -> anyhow::Result<Tiff> {
    let bytes = read(picture)?;
    let total = bytes.len() as u64;
    let bytes = Ranges::whole(bytes);
    let Progress::Done(header) = tessera_formats::parse(&bytes, total)? else {
        bail!("the header is not complete")
    };
    let Kind::Tiff(tiff) = &header.kind else { bail!("{} is no TIFF", picture.display()) };
    let Progress::Done(table) = tiff::tile_table(&bytes, total, tiff, 0..tiff.tiles())? else {
        bail!("the table of tiles is not complete");
    };
    Ok(Tiff { header, table, bytes })
}

impl Tiff {
    fn read(&self, rect: Rect) -> anyhow::Result<Region> {
        let mut region = Region::zeroed(rect, self.header.extent.pixel);
        for tile in self.decode(self.header.tiles_for(rect))? {
            region.paste(&tile);
        }
        Ok(region)
    }

    fn decode(&self, tiles: Vec<u64>) -> anyhow::Result<Vec<Region>> {
        let decode = |index: u64| {
            let range = self.table.bytes_of(index).context("the table covers all tiles")?;
            let bytes = self.bytes.get(range).context("the tile lies in the file")?;
            Ok(decode_tile(&self.header, index, &[bytes])?)
        };
        tiles.into_par_iter().map(decode).collect()
    }

    /// The picture with each `n` x `n` pixels averaged into one, `n` so that a row has about `width`.
    fn reduced(&self, width: u32) -> anyhow::Result<Region> {
        let size = self.header.extent.size;
        let n = (size.width / width.max(1)).max(1);
        let small = Size::new(size.width / n, (size.height / n).max(1));
        let mut result = Region::zeroed(small.rect(), self.header.extent.pixel);
        let together = (STRIP / n).max(1);
        for first in (0..small.height).step_by(together as usize) {
            let count = together.min(small.height - first);
            let rows = count * n;
            let strip = self.read(Rect::new(0, first * n, size.width, rows.min(size.height - first * n)))?;
            for y in first..first + count {
                let cells = Rect::new(0, y * n, size.width, n.min(size.height - y * n));
                average(&strip.crop(cells), n, &mut result, y);
            }
        }
        Ok(result)
    }
}

/// Averages the rows of `from` into row `y` of `to`.
fn average(from: &Region, n: u32, to: &mut Region, y: u32) {
    let (channels, width) = (from.channels.count(), to.rect.width as usize);
    let line = from.rect.width as usize * channels;
    let sample = |index: usize| match &from.samples {
        Samples::U8(samples) => u64::from(samples[index]),
        Samples::U16(samples) => u64::from(samples[index]),
    };
    let n = n as usize;
    for at in 0..width * channels {
        let (x, channel) = (at / channels, at % channels);
        let rows = from.rect.height as usize;
        let cell = (0..rows)
            .flat_map(|row| (0..n).map(move |column| row * line + (x * n + column) * channels + channel));
        let mean = cell.map(sample).sum::<u64>() / (n * rows) as u64;
        let target = y as usize * width * channels + at;
        match &mut to.samples {
            Samples::U8(samples) => samples[target] = u8::try_from(mean).unwrap_or(u8::MAX),
            Samples::U16(samples) => samples[target] = u16::try_from(mean).unwrap_or(u16::MAX),
        }
    }
}
