//! Writes a whole file in memory, of the same pieces in the same order as a distributed run, so of the same bytes.
//! For small images: previews, fixtures, tests.

use crate::encode::{EncodeError, Encoded, encode};
use tessera_core::grid::Grid;
use tessera_core::operation::Extent;
use tessera_core::output::OutputFormat;
use tessera_core::pyramid::Pyramid;
use tessera_formats::layout::{Layout, Part};
use tessera_formats::notes::Annotations;
use tessera_operations::halve;
use tessera_operations::region::Region;

/// The file of format `format` of a whole image (its rectangle begins at 0, 0), with the raw profile `icc`, which must
/// suit its channels.
///
/// # Errors
/// JPEG and WebP only: the image has alpha (JPEG) or 16 bits, or is too large.
pub fn write_whole(image: &Region, format: OutputFormat, icc: Option<&[u8]>) -> Result<Vec<u8>, EncodeError> {
    write_annotated(image, format, Annotations::of_profile(icc.map(<[u8]>::to_vec)))
}

/// The same with all that a file can say beside its pixels.
///
/// # Errors
/// As [`write_whole`].
pub fn write_annotated(
    image: &Region,
    format: OutputFormat,
    annotations: Annotations,
) -> Result<Vec<u8>, EncodeError> {
    let extent = Extent { size: image.rect.size(), pixel: image.pixel() };
    let encoded = encode_all(image, extent, format, &annotations)?;
    let layout = Layout::new(extent, format, annotations);
    let parts: Vec<Part> = encoded.iter().map(Encoded::part).collect();
    let mut file = layout.head(&parts);
    encoded.iter().for_each(|part| file.extend(&part.bytes));
    file.extend(layout.tail(&parts));
    Ok(file)
}

/// All parts in file order: the levels from the smallest, each of the pixels of the one before.
fn encode_all(
    image: &Region,
    extent: Extent,
    format: OutputFormat,
    annotations: &Annotations,
) -> Result<Vec<Encoded>, EncodeError> {
    if matches!(format, OutputFormat::WebP { .. }) {
        return Ok(vec![encode(image, image.rect, format, Some(annotations))?]);
    }
    let mut levels = Vec::new();
    let mut pixels = image.clone();
    for grid in Pyramid::new(Grid::new(extent, format), format).levels() {
        if grid.image != pixels.rect.size() {
            pixels = halve(&pixels);
        }
        let tiles =
            grid.file_order().map(|at| encode(&pixels, grid.tile_rect(at), format, Some(annotations)));
        levels.push(tiles.collect::<Result<Vec<Encoded>, _>>()?);
    }
    Ok(levels.into_iter().rev().flatten().collect())
}
