//! libjpeg-turbo's algorithms, through mozjpeg. Decodes as libjpeg-turbo does by default
//! (islow, fancy upsampling) and encodes baseline strips. A panic of the codec ends here, and so does every warning:
//! data that libjpeg would fill up with gray is an error, and so is what it would leave out before the end.

use crate::decode::{Damage, guarded};
use crate::stream::Bands;
use mozjpeg::decompress::DecompressStarted;
use mozjpeg::{ColorSpace, Compress, Decompress};
use mozjpeg_sys::{jpeg_common_struct, jpeg_error_mgr, msg_parm_union};
use std::io::BufRead;
use std::panic::resume_unwind;
use tessera_core::geometry::{Rect, Size};
use tessera_core::pixel::Channels;

/// Below this quality the standard tables have values over 255, which are no baseline.
const LOWEST_PLAIN_QUALITY: u8 = 25;

/// The most scans that are decoded. A progressive encoder writes about ten; each costs time for every pixel, but no bytes.
const MOST_SCANS: usize = 500;

/// The marker before each scan.
const START_OF_SCAN: [u8; 2] = [0xff, 0xda];

/// What a decoder is told before it allocates.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Claim {
    pub(crate) size: Size,
    /// Several need memory for all coefficients.
    pub(crate) scans: usize,
}

/// Decodes a JPEG of `components` components, 1, 3 or 4, if `accepts` what it claims. Gives the size and the samples:
/// gray for one component, else RGB.
pub(crate) fn decode(
    bytes: &[u8],
    components: usize,
    accepts: impl Fn(Claim) -> bool,
) -> Result<(Size, Vec<u8>), Damage> {
    let scans = memchr::memmem::find_iter(bytes, &START_OF_SCAN).count();
    if scans > MOST_SCANS {
        return Err(Damage::Codec(format!("JPEG: {scans} scans, and at most {MOST_SCANS} are decoded")));
    }
    guarded("libjpeg", || decode_unguarded(bytes, components, |size| accepts(Claim { size, scans })))?
}

fn decode_unguarded(
    bytes: &[u8],
    expected: usize,
    accepts: impl Fn(Size) -> bool,
) -> Result<(Size, Vec<u8>), Damage> {
    let (size, mut started) = start(bytes, expected, accepts)?;
    let mut samples = vec![0u8; size.pixels() as usize * expected];
    started.read_scanlines_into(&mut samples).map_err(io)?;
    started.finish().map_err(io)?;
    if expected == 4 {
        print_inks(&mut samples);
    }
    Ok((size, samples))
}

/// Gives `take` the bands of a JPEG of one scan with their samples, as [`decode`] gives them, until it returns false.
pub(crate) fn decode_bands(
    source: impl BufRead,
    bands: &Bands,
    components: usize,
    take: &mut dyn FnMut(Rect, Vec<u8>) -> bool,
) -> Result<(), Damage> {
    let decode = || {
        let (size, mut started) = start(source, components, |size| size == bands.size)?;
        for rect in bands.rects() {
            let mut samples = vec![0u8; size.width as usize * rect.height as usize * components];
            started.read_scanlines_into(&mut samples).map_err(io)?;
            if components == 4 {
                print_inks(&mut samples);
            }
            if !take(rect, samples) {
                return Ok(());
            }
        }
        started.finish().map_err(io)
    };
    guarded("libjpeg", decode)?
}

/// A decoder before the first row of a JPEG of `expected` components, whose size is accepted.
fn start<R: BufRead>(
    source: R,
    expected: usize,
    accepts: impl Fn(Size) -> bool,
) -> Result<(Size, DecompressStarted<R>), Damage> {
    let decoder = Decompress::with_err(strict()).from_reader(source).map_err(io)?;
    let size = Size::new(decoder.width() as u32, decoder.height() as u32);
    let components = decoder.components().len();
    if components != expected || !accepts(size) {
        let found = format!("a JPEG of {size} pixels and {components} components");
        let expected = format!("{expected} components of its own size, in one scan where a tile is large");
        return Err(Damage::Other { found, expected });
    }
    let space = match components {
        1 => ColorSpace::JCS_GRAYSCALE,
        4 => ColorSpace::JCS_CMYK,
        _ => ColorSpace::JCS_RGB,
    };
    Ok((size, decoder.to_colorspace(space).map_err(io)?))
}

/// Turns pixels of four inks into RGB, in place, as Pillow does without a profile: each colour is what its ink and black
/// let through, `(255 - ink) (255 - black) / 255`. Files hold the inks as Adobe writes them, 255 being none.
fn print_inks(samples: &mut Vec<u8>) {
    let pixels = samples.len() / 4;
    for pixel in 0..pixels {
        let [c, m, y, k] = [0, 1, 2, 3].map(|ink| samples[4 * pixel + ink]);
        for (channel, light) in [c, m, y].into_iter().enumerate() {
            samples[3 * pixel + channel] = k - fraction(255 - light, k);
        }
    }
    samples.truncate(3 * pixels);
    samples.shrink_to_fit();
}

/// `a b / 255`, rounded.
fn fraction(a: u8, b: u8) -> u8 {
    let product = u32::from(a) * u32::from(b) + 128;
    ((product + (product >> 8)) >> 8) as u8
}

/// Encodes rows of `size` as a baseline JPEG: 4:2:0 where there is colour, standard Huffman tables, no restarts.
pub(crate) fn encode_strip(
    rows: &[u8],
    size: Size,
    channels: Channels,
    quality: u8,
) -> Result<Vec<u8>, String> {
    let encoded = guarded("libjpeg", || {
        let colour = channels == Channels::Rgb;
        let space = if colour { ColorSpace::JCS_RGB } else { ColorSpace::JCS_GRAYSCALE };
        let mut encoder = Compress::new(space);
        encoder.set_fastest_defaults();
        encoder.set_size(size.width as usize, size.height as usize);
        encoder.set_optimize_coding(false);
        set_quality(&mut encoder, quality);
        if colour {
            encoder.set_chroma_sampling_pixel_sizes((2, 2), (2, 2));
        }
        let mut started = encoder.start_compress(Vec::new())?;
        started.write_scanlines(rows)?;
        started.finish()
    });
    encoded.map_err(|damage| damage.to_string())?.map_err(|error| error.to_string())
}

/// libjpeg's tables for a quality of 1 to 100, none of them over 255.
fn set_quality(encoder: &mut Compress, quality: u8) {
    let quality = quality.clamp(1, 100);
    encoder.set_quality(f32::from(quality));
    if quality < LOWEST_PLAIN_QUALITY {
        let scaled = |table: &mozjpeg::qtable::QTable| table.scaled(f32::from(quality), f32::from(quality));
        encoder.set_luma_qtable(&scaled(&mozjpeg::qtable::AnnexK_Luma));
        encoder.set_chroma_qtable(&scaled(&mozjpeg::qtable::AnnexK_Chroma));
    }
}

fn io(error: std::io::Error) -> Damage {
    Damage::Codec(format!("JPEG: {error}"))
}

/// An error manager that unwinds on errors and on warnings.
fn strict() -> jpeg_error_mgr {
    jpeg_error_mgr {
        error_exit: Some(on_error),
        emit_message: Some(on_message),
        output_message: Some(ignore),
        format_message: None,
        reset_error_mgr: Some(ignore),
        msg_code: 0,
        msg_parm: msg_parm_union::default(),
        trace_level: 0,
        num_warnings: 0,
        jpeg_message_table: std::ptr::null(),
        last_jpeg_message: 0,
        addon_message_table: std::ptr::null(),
        first_addon_message: 0,
        last_addon_message: 0,
    }
}

extern "C-unwind" fn on_error(_: &mut jpeg_common_struct) {
    // Not a panic: the hook that prints panics is not called.
    resume_unwind(Box::new(String::from("the JPEG data is not valid")));
}

extern "C-unwind" fn on_message(_: &mut jpeg_common_struct, level: std::os::raw::c_int) {
    if level < 0 {
        resume_unwind(Box::new(String::from("the JPEG data is damaged or ends early")));
    }
}

extern "C-unwind" fn ignore(_: &mut jpeg_common_struct) {}
