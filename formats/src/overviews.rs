//! The smaller copies of a TIFF's image that the same file holds: what a viewer shows zoomed out. Of other directories
//! (pages, masks, labels, thumbnails) it takes none. Fetches nothing and decodes nothing.

use crate::header::{Header, HeaderError, Kind, Progress, Stop, progress};
use crate::ranges::{Ranges, Reader};
use crate::tiff::{TiffSource, image_size, stored};
use crate::tiff_ifd::{Directory, tag};
use tessera_core::geometry::Size;

/// The most directories that are looked at: a chain of them may be a circle.
const MOST_DIRECTORIES: usize = 64;

/// The most bytes that all directories together may make a caller fetch.
const LIMIT: u64 = 8 << 20;

/// The most halvings of an image.
const MOST_LEVELS: u32 = 30;

/// NewSubfileType's bits (TIFF 6.0, section 8): a reduced copy, and a mask.
const REDUCED: u64 = 1;
const MASK: u64 = 4;

/// What Aperio's files begin their description with. Their copies are not marked as such.
const APERIO: &[u8] = b"Aperio";

/// A smaller copy of the image.
#[derive(Debug, Clone, PartialEq)]
pub struct Overview {
    /// Halvings: its sides are those of the image divided by 2^`level`, rounded up or down.
    pub level: u32,
    /// How it is stored, turned as the image is.
    pub header: Header,
}

/// The smaller copies of the image of a TIFF whose header is `first`, the largest first and at most one of each level; none for
/// other formats. Copies that cannot be read are left out. Begin with no bytes fetched, as with [`crate::parse`].
///
/// # Errors
/// The chain of directories is damaged, or scattered over more than 8 MiB.
pub fn overviews(have: &Ranges, total: u64, first: &Header) -> Result<Progress<Vec<Overview>>, HeaderError> {
    let Kind::Tiff(tiff) = &first.kind else { return Ok(Progress::Done(Vec::new())) };
    let reader = Reader { have, total, limit: LIMIT, format: "TIFF" };
    progress(read(reader, first, tiff))
}

fn read(reader: Reader, first: &Header, tiff: &TiffSource) -> Result<Vec<Overview>, Stop> {
    let directory = Directory::of_page(reader, 0)?;
    let aperio = directory.start_of(tag::DESCRIPTION, APERIO.len() as u64)? == APERIO;
    let mut found: Vec<Overview> = Vec::new();
    for place in directory.uints(tag::SUB_DIRECTORIES, MOST_DIRECTORIES as u64)? {
        keep(&mut found, overview(&directory.other(place)?, first, tiff, aperio)?);
    }
    let mut place = directory.next()?;
    for _ in 0..MOST_DIRECTORIES {
        if place == 0 {
            break;
        }
        let next = directory.other(place)?;
        keep(&mut found, overview(&next, first, tiff, aperio)?);
        place = next.next()?;
    }
    found.sort_by_key(|overview| overview.level);
    Ok(found)
}

fn keep(found: &mut Vec<Overview>, overview: Option<Overview>) {
    let known = |level| found.iter().any(|other: &Overview| other.level == level);
    found.extend(overview.filter(|overview| !known(overview.level)));
}

/// The copy that a directory describes, if it is one that can be read.
fn overview(
    directory: &Directory,
    first: &Header,
    of: &TiffSource,
    aperio: bool,
) -> Result<Option<Overview>, Stop> {
    let kind = directory.uint(tag::SUBFILE_TYPE)?.unwrap_or(0);
    let tiled = directory.values(tag::TILE_WIDTH).is_some();
    if kind & MASK != 0 || (kind & REDUCED == 0 && !(aperio && tiled)) {
        return Ok(None);
    }
    let parsed = image_size(directory).and_then(|size| Ok((size, stored(directory, size)?)));
    let (size, tiff) = match parsed {
        Ok(parsed) => parsed,
        Err(Stop::Need(range)) => return Err(Stop::Need(range)),
        Err(Stop::Bad(_)) => return Ok(None),
    };
    let level = level(of.image, size).filter(|_| tiff.pixel == of.pixel);
    let header = |tiff| Header::new(Kind::Tiff(tiff), size, of.pixel, first.orientation, None);
    Ok(level.map(|level| Overview { level, header: header(tiff) }))
}

/// How often `image` was halved to become `small`.
fn level(image: Size, small: Size) -> Option<u32> {
    let side =
        |side: u32, small: u32, level: u32| [side >> level, side.div_ceil(1 << level)].contains(&small);
    (1..=MOST_LEVELS)
        .find(|&level| side(image.width, small.width, level) && side(image.height, small.height, level))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_found_by_its_size_however_it_was_rounded() {
        let slide = Size::new(46_000, 32_914);
        assert_eq!(level(slide, Size::new(11_500, 8228)), Some(2));
        assert_eq!(level(slide, Size::new(11_500, 8229)), Some(2));
        assert_eq!(level(slide, Size::new(2875, 2057)), Some(4));
        assert_eq!(level(slide, Size::new(1024, 732)), None);
        assert_eq!(level(slide, slide), None);
    }
}
