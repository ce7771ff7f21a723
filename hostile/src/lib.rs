//! What every parser of ours must withstand: for each a function that takes any bytes at all, makes a file of them where
//! that brings them further, and panics where the parser breaks its word. `fuzz/` feeds them what a fuzzer makes up,
//! `tests/corpus.rs` what was found so. Nothing here ships.

pub mod documents;
pub mod headers;
pub mod pixels;
mod tiff;

/// A parser's test.
pub type Target = fn(&[u8]);

/// All of them by name; `fuzz/targets` has a file for each, and `corpus` may have a folder.
pub const TARGETS: &[(&str, Target)] = &[
    ("tiff", headers::tiff),
    ("png", headers::png),
    ("jpeg", headers::jpeg),
    ("webp", headers::webp),
    ("exif", headers::exif),
    ("icc", headers::icc),
    ("geo", headers::geo),
    ("ome", headers::ome),
    ("tiff_pixels", pixels::tiff),
    ("png_pixels", pixels::png),
    ("jpeg_pixels", pixels::jpeg),
    ("webp_pixels", pixels::webp),
    ("plan", documents::plan),
    ("records", documents::records),
    ("imagejob", documents::imagejob),
];

/// Makes a panic end the process, as a fuzzer needs it, but not one in the code of others: those are caught where they are
/// called, and are damage to the file.
pub fn abort_on_panics_of_ours() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let place = panic.location().map_or("", |location| location.file());
        let foreign = place.contains("/registry/src/");
        if !foreign {
            before(panic);
            std::process::abort();
        }
    }));
}
