//! The smaller copies that a TIFF holds: found in the chain and below the first directory, and nothing else taken for one.
#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

use tessera_core::geometry::Size;
use tessera_core::grid::Grid;
use tessera_core::operation::Extent;
use tessera_core::output::{OutputFormat, TiffCompression};
use tessera_core::pixel::{Channels, Depth, PixelType};
use tessera_core::pyramid::Pyramid;
use tessera_formats::layout::{Layout, Part};
use tessera_formats::notes::Annotations;
use tessera_formats::overviews::{Overview, overviews};
use tessera_formats::{HeaderError, Progress, Ranges, parse};

/// The directories of a gray image of tiles of 256 x 256: (NewSubfileType, width, height, samples); in the chain, and below the
/// first. `circle`: the last is followed by the first.
struct File<'a> {
    chain: &'a [(u32, u32, u32, u32)],
    below: &'a [(u32, u32, u32, u32)],
    description: &'a [u8],
    circle: bool,
}

const PLAIN: File = File { chain: &[], below: &[], description: b"", circle: false };

impl File<'_> {
    fn bytes(&self) -> Vec<u8> {
        let length = 2 + 12 * 14 + 4;
        let at = |index: usize| (8 + index * length) as u32;
        let mut bytes = b"II*\0\x08\0\0\0".to_vec();
        let places = at(self.chain.len() + self.below.len());
        for (index, directory) in self.chain.iter().chain(self.below).enumerate() {
            let last = index + 1 >= self.chain.len();
            let next = match (last, self.circle) {
                (false, _) => at(index + 1),
                (true, true) => at(0),
                (true, false) => 0,
            };
            let below = if index == 0 { self.below.len() as u32 } else { 0 };
            bytes.extend(self.directory(*directory, below, places, next));
        }
        // The places of those below, the description, and room for arrays of tiles.
        (0..self.below.len()).for_each(|index| bytes.extend(at(self.chain.len() + index).to_le_bytes()));
        bytes.resize(places as usize + 64, 0);
        bytes.extend(self.description);
        bytes.resize(places as usize + (1 << 20), 0);
        bytes
    }

    fn directory(&self, of: (u32, u32, u32, u32), below: u32, places: u32, next: u32) -> Vec<u8> {
        let (kind, width, height, samples) = of;
        let tiles = width.div_ceil(256) * height.div_ceil(256);
        let (description, text) = (self.description.len() as u32, places + 64);
        let mut bytes = 14u16.to_le_bytes().to_vec();
        let fields = [
            (254, 4, 1, kind),
            (256, 4, 1, width),
            (257, 4, 1, height),
            (258, 3, 1, 8),
            (259, 3, 1, 1),
            (262, 3, 1, 1),
            (270, 2, description.max(5), text),
            (277, 3, 1, samples),
            (322, 4, 1, 256),
            (323, 4, 1, 256),
            (324, 4, tiles, places + 4096),
            (325, 4, tiles, places + 4096),
            // Without any, a field that nobody reads.
            (if below > 0 { 330 } else { 331 }, 4, below, if below == 1 { places - 174 } else { places }),
            (339, 3, 1, 1),
        ];
        for (tag, kind, count, value) in fields {
            bytes.extend([u16::to_le_bytes(tag), u16::to_le_bytes(kind)].concat());
            bytes.extend([u32::to_le_bytes(count), u32::to_le_bytes(value)].concat());
        }
        bytes.extend(next.to_le_bytes());
        bytes
    }

    fn levels(&self) -> Vec<(u32, Size)> {
        let found = found(&self.bytes()).unwrap();
        found.into_iter().map(|overview| (overview.level, overview.header.extent.size)).collect()
    }
}

fn found(bytes: &[u8]) -> Result<Vec<Overview>, HeaderError> {
    let (have, total) = (Ranges::whole(bytes.to_vec()), bytes.len() as u64);
    let Progress::Done(header) = parse(&have, total)? else { panic!("all of the file is there") };
    match overviews(&have, total, &header)? {
        Progress::Done(found) => Ok(found),
        Progress::Need(range) => panic!("{range:?} is not in the test's file"),
    }
}

#[test]
fn the_overviews_of_a_cog_are_all_its_levels() {
    let extent = Extent { size: Size::new(3001, 1999), pixel: PixelType::new(Channels::Rgb, Depth::U8) };
    let format = OutputFormat::Cog { tile: 256, compression: TiffCompression::None };
    let pyramid = Pyramid::new(Grid::new(extent, format), format);
    let levels: Vec<&Grid> = pyramid.levels().collect();
    let tiles: u64 = levels.iter().map(|grid| grid.tiles()).sum();
    let part = Part { size: 10, adler: 1, filtered: 0 };
    let mut bytes = Layout::new(extent, format, Annotations::default()).head(&vec![part; tiles as usize]);
    bytes.resize(bytes.len() + 10 * tiles as usize, 0);
    let sizes: Vec<Size> =
        found(&bytes).unwrap().iter().map(|overview| overview.header.extent.size).collect();
    assert_eq!(sizes, levels[1..].iter().map(|grid| grid.image).collect::<Vec<_>>());
    assert!(sizes.len() >= 3);
}

#[test]
fn copies_are_found_in_the_chain_and_below_the_first_directory() {
    let chain = [(0, 1000, 800, 1), (1, 250, 200, 1), (1, 500, 400, 1)];
    assert_eq!(
        File { chain: &chain, ..PLAIN }.levels(),
        [(1, Size::new(500, 400)), (2, Size::new(250, 200))]
    );
    let below = [(1, 500, 400, 1), (1, 125, 100, 1)];
    let file = File { chain: &chain[..1], below: &below, ..PLAIN };
    assert_eq!(file.levels(), [(1, Size::new(500, 400)), (3, Size::new(125, 100))]);
}

#[test]
fn pages_masks_and_pictures_of_another_kind_or_shape_are_no_copies() {
    let chain = [(0, 1000, 800, 1), (0, 500, 400, 1), (5, 500, 400, 1), (1, 500, 300, 1), (1, 500, 400, 3)];
    assert_eq!(File { chain: &chain, ..PLAIN }.levels(), []);
}

#[test]
fn aperio_marks_its_copies_by_nothing_but_their_tiles() {
    let chain = [(0, 1001, 801, 1), (0, 250, 200, 1), (9, 125, 100, 1)];
    let file = File { chain: &chain, description: b"Aperio Image Library", ..PLAIN };
    assert_eq!(file.levels(), [(2, Size::new(250, 200)), (3, Size::new(125, 100))]);
}

#[test]
fn a_circle_of_directories_ends() {
    let chain = [(0, 1000, 800, 1), (1, 500, 400, 1)];
    assert_eq!(File { chain: &chain, circle: true, ..PLAIN }.levels().len(), 1);
}
