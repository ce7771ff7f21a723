//! Writes a whole file in memory, of the same pieces in the same order as a distributed run, so of the same bytes.
//! For small images: previews, fixtures, tests.

use crate::encode::{EncodeError, Encoded, encode};
use tessera_core::geometry::Rect;
use tessera_core::grid::Grid;
use tessera_core::operation::Extent;
use tessera_core::output::OutputFormat;
use tessera_formats::layout::{Layout, Part};
use tessera_operations::region::Region;

/// The file of format `format` of a whole image (its rectangle begins at 0, 0), with the raw profile `icc`, which must
/// suit its channels.
///
/// # Errors
/// JPEG only: the image has alpha or 16 bits, or is too large.
pub fn write_whole(image: &Region, format: OutputFormat, icc: Option<&[u8]>) -> Result<Vec<u8>, EncodeError> {
    let extent = Extent { size: image.rect.size(), pixel: image.pixel() };
    let layout = Layout::new(extent, format, icc.map(<[u8]>::to_vec));
    let encoded = parts(extent, format).into_iter().map(|rect| encode(image, rect, format, icc));
    let encoded = encoded.collect::<Result<Vec<Encoded>, _>>()?;
    let parts: Vec<Part> = encoded.iter().map(Encoded::part).collect();
    let mut file = layout.head(&parts);
    encoded.iter().for_each(|part| file.extend(&part.bytes));
    file.extend(layout.tail(&parts));
    Ok(file)
}

/// The rectangles that are encoded each in one call, in file order: the grid's tiles or bands, and for JPEG the image.
pub fn parts(output: Extent, format: OutputFormat) -> Vec<Rect> {
    let grid = Grid::new(output, format);
    match format {
        OutputFormat::Jpeg { .. } => vec![output.size.rect()],
        OutputFormat::Tiff { .. } | OutputFormat::Png => {
            grid.file_order().map(|at| grid.tile_rect(at)).collect()
        }
    }
}
