//! Image files without their pixels: headers parsed from byte ranges, and the layouts of the files that are written in
//! parts and joined. Does no IO, never decodes or encodes a pixel, and takes every byte it is given for hostile.
//!
//! Reading: [`header::parse`] until it is [`Progress::Done`]; for a TIFF then [`tiff::tile_table`] for where its tiles lie, and
//! [`overviews::overviews`] for smaller copies of its image.
//! Writing: a [`layout::Layout`] for what stands before and after the encoded tiles or bands.

pub mod checksum;
mod exif;
mod geo;
pub mod header;
pub mod icc;
mod jpeg;
pub mod layout;
pub mod notes;
mod ome;
pub mod orientation;
pub mod overviews;
mod png;
pub mod png_out;
pub mod ranges;
pub mod tiff;
mod tiff_ifd;
pub mod tiff_out;
mod tiff_samples;
mod tile_table;
mod webp;

pub use header::{Header, HeaderError, Kind, Progress, parse};
pub use ranges::Ranges;
