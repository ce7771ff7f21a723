//! What the stored samples of a TIFF are, and which pixel type they become. What is not read is refused by name, with
//! what to do. Decodes nothing.

use crate::header::{Stop, unsupported};
use crate::tiff_ifd::{Directory, tag};
use tessera_core::pixel::{Channels, Depth, PixelType};

/// How tiles are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// Samples as they are.
    None,
    /// Runs of bytes (TIFF 6.0, section 9).
    PackBits,
    /// LZW with the most significant bit first.
    Lzw,
    /// A zlib stream.
    Deflate,
    /// Zstandard frames, as libtiff writes them.
    Zstd,
    /// A JPEG for each tile (TIFF Technical Note 2).
    Jpeg,
}

/// What the stored samples mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Photometric {
    /// Gray, 0 is white.
    WhiteIsZero,
    /// Gray, 0 is black.
    BlackIsZero,
    /// Red, green, blue.
    Rgb,
    /// Indexes of a palette of red, green, blue.
    Palette,
    /// Luma and two colour differences; only inside JPEG.
    YCbCr,
}

/// What a directory says of its samples; see the fields of the same names of [`crate::tiff::TiffSource`].
pub(crate) struct Stored {
    pub(crate) compression: Compression,
    pub(crate) photometric: Photometric,
    pub(crate) pixel: PixelType,
    pub(crate) bits: u32,
    pub(crate) planar: bool,
    pub(crate) predictor: bool,
    pub(crate) associated_alpha: bool,
    pub(crate) palette: Vec<[u8; 3]>,
}

/// Reads and checks them.
pub(crate) fn read(directory: &Directory) -> Result<Stored, Stop> {
    let compression = compression(directory.uint(tag::COMPRESSION)?.unwrap_or(1))?;
    let photometric = photometric(directory.required(tag::PHOTOMETRIC, "PhotometricInterpretation")?)?;
    let (channels, associated_alpha) = channels(directory, photometric)?;
    let bits = bits(directory, channels, photometric)?;
    let planar = planar(directory, channels, photometric)?;
    let palette = if photometric == Photometric::Palette { palette(directory, bits)? } else { Vec::new() };
    check_jpeg(compression, photometric, channels, bits)?;
    check_ycbcr(compression, photometric, planar)?;
    if directory.uint(tag::FILL_ORDER)?.unwrap_or(1) != 1 {
        return unsupported("TIFF with FillOrder 2 is not supported: write it again with FillOrder 1");
    }
    Ok(Stored {
        compression,
        photometric,
        pixel: PixelType::new(channels, if bits == 16 { Depth::U16 } else { Depth::U8 }),
        bits,
        planar,
        predictor: predictor(directory, compression, bits)?,
        associated_alpha,
        palette,
    })
}

fn compression(value: u64) -> Result<Compression, Stop> {
    let name = match value {
        1 => return Ok(Compression::None),
        5 => return Ok(Compression::Lzw),
        8 | 32946 => return Ok(Compression::Deflate),
        7 => return Ok(Compression::Jpeg),
        32773 => return Ok(Compression::PackBits),
        50000 => return Ok(Compression::Zstd),
        2..=4 => "CCITT fax",
        6 => "old-style JPEG",
        33003 | 33005 => "Aperio's JPEG 2000",
        34712 => "JPEG 2000",
        34887 => "LERC",
        34933 => "PNG",
        22610 | 34934 => "JPEG XR",
        34925 => "LZMA",
        34926 => "a draft of Zstandard's",
        50001 => "WebP",
        50002 | 52546 => "JPEG XL",
        _ => "unknown",
    };
    unsupported(format!(
        "TIFF with {name} compression (Compression {value}) is not supported: write it with deflate, LZW, Zstandard, PackBits, JPEG or none"
    ))
}

fn photometric(value: u64) -> Result<Photometric, Stop> {
    let name = match value {
        0 => return Ok(Photometric::WhiteIsZero),
        1 => return Ok(Photometric::BlackIsZero),
        2 => return Ok(Photometric::Rgb),
        3 => return Ok(Photometric::Palette),
        6 => return Ok(Photometric::YCbCr),
        4 => "a transparency mask",
        5 => "CMYK",
        8..=10 => "CIE L*a*b*",
        32803 | 34892 => "raw camera data",
        _ => "unknown colours",
    };
    unsupported(format!(
        "TIFF with {name} (PhotometricInterpretation {value}) is not supported: convert it to gray or RGB"
    ))
}

/// What a decoded pixel consists of, and whether alpha is associated.
fn channels(directory: &Directory, photometric: Photometric) -> Result<(Channels, bool), Stop> {
    let samples = directory.uint(tag::SAMPLES)?.unwrap_or(1);
    let colours = if matches!(photometric, Photometric::Rgb | Photometric::YCbCr) { 3 } else { 1 };
    let channels = match (colours, samples) {
        (1, 1) if photometric == Photometric::Palette => return Ok((Channels::Rgb, false)),
        (1, 2) if photometric == Photometric::Palette => {
            return unsupported(
                "TIFF with a palette and alpha is not supported: convert it to RGB with alpha",
            );
        }
        (1, 1) => Channels::Gray,
        (1, 2) => Channels::GrayAlpha,
        (3, 3) => Channels::Rgb,
        (3, 4) => Channels::Rgba,
        _ if samples < colours => {
            return directory.reader.damaged(format!("{samples} samples for {colours} colours"));
        }
        _ => {
            return unsupported(format!(
                "TIFF with {samples} samples per pixel where {colours} are colours is not supported: keep the colours and at most one alpha, or write each band as a file of its own"
            ));
        }
    };
    let extra = directory.uint(tag::EXTRA_SAMPLES)?.unwrap_or(0);
    if channels.has_alpha() && extra > 2 {
        return directory.reader.damaged(format!("ExtraSamples {extra}"));
    }
    Ok((channels, channels.has_alpha() && extra == 1))
}

/// Bits of a stored sample, all alike and unsigned: 8 or 16, or fewer for one sample per pixel.
fn bits(directory: &Directory, channels: Channels, photometric: Photometric) -> Result<u32, Stop> {
    let palette = photometric == Photometric::Palette;
    let samples = if palette { 1 } else { channels.count() as u64 };
    let format =
        directory.uints(tag::SAMPLE_FORMAT, samples)?.into_iter().find(|&format| format != 1 && format != 4);
    let name = match format {
        None => "unsigned",
        Some(2) => "signed",
        Some(3) => "floating point",
        Some(_) => "complex",
    };
    let all = directory.uints(tag::BITS, samples)?;
    let first = all.first().copied().unwrap_or(1);
    if all.iter().any(|&other| other != first) {
        return unsupported(
            "TIFF whose samples differ in bits is not supported: convert it to 8 or 16 bit unsigned",
        );
    }
    match (format, first) {
        (None, 1 | 2 | 4) if samples == 1 => Ok(first as u32),
        (None, 8) => Ok(8),
        (None, 16) if !palette => Ok(16),
        _ => unsupported(format!(
            "TIFF with {first}-bit {name} samples{} is not supported: convert it to 8 or 16 bit unsigned",
            if palette { " of a palette" } else { "" }
        )),
    }
}

/// Whether a pixel's samples lie apart. With one sample there is nothing to part.
fn planar(directory: &Directory, channels: Channels, photometric: Photometric) -> Result<bool, Stop> {
    match directory.uint(tag::PLANAR)?.unwrap_or(1) {
        1 => Ok(false),
        2 => Ok(channels.count() > 1 && photometric != Photometric::Palette),
        other => directory.reader.damaged(format!("PlanarConfiguration {other}")),
    }
}

/// The colours of a palette of 16-bit values: the red ones, the green, the blue (TIFF 6.0, page 23). Values that are all
/// below 256 are taken for 8-bit ones, as libtiff does, since there are such files.
fn palette(directory: &Directory, bits: u32) -> Result<Vec<[u8; 3]>, Stop> {
    let count = 1usize << bits;
    let values = directory.uints(tag::COLOR_MAP, 3 * count as u64)?;
    if values.len() < 3 * count {
        return directory.reader.damaged(format!("{} values in ColorMap for {count} colours", values.len()));
    }
    let shift = if values.iter().all(|&value| value < 256) { 0 } else { 8 };
    let value = |at: usize| (values[at] >> shift) as u8;
    Ok((0..count).map(|index| [value(index), value(count + index), value(2 * count + index)]).collect())
}

fn check_jpeg(
    compression: Compression,
    photometric: Photometric,
    channels: Channels,
    bits: u32,
) -> Result<(), Stop> {
    let odd = bits != 8 || channels.has_alpha() || photometric == Photometric::Palette;
    if compression == Compression::Jpeg && odd {
        return unsupported(
            "TIFF with JPEG of other samples than 8-bit gray, RGB or YCbCr is not supported: write it with deflate",
        );
    }
    Ok(())
}

fn check_ycbcr(compression: Compression, photometric: Photometric, planar: bool) -> Result<(), Stop> {
    if photometric == Photometric::YCbCr && compression != Compression::Jpeg {
        return unsupported("TIFF with YCbCr samples outside JPEG is not supported: convert it to RGB");
    }
    if photometric == Photometric::YCbCr && planar {
        return unsupported("TIFF with YCbCr samples in planes is not supported: convert it to RGB");
    }
    Ok(())
}

fn predictor(directory: &Directory, compression: Compression, bits: u32) -> Result<bool, Stop> {
    match (compression, directory.uint(tag::PREDICTOR)?.unwrap_or(1)) {
        (Compression::None | Compression::PackBits | Compression::Jpeg, _) | (_, 1) => Ok(false),
        (_, 2) if bits >= 8 => Ok(true),
        (_, other) => unsupported(format!(
            "TIFF with Predictor {other} and {bits}-bit samples is not supported: write it with Predictor {}",
            if bits >= 8 { "2 or 1" } else { "1" }
        )),
    }
}
