//! Pixels in and out of files: tiles, bands and whole images, decoded and encoded each in one call whose result depends
//! on its arguments alone. Does no IO, starts no thread, knows no cluster; C is called in `jpeg.rs` and
//! `webp_write.rs` only.
//!
//! Reading: [`decode::decode_tile`] for a TIFF, [`decode::decode_whole`] for the rest; both give pixels as the job sees
//! them. Writing: [`encode::encode`] for each tile or band, between head and tail of [`tessera_formats::layout::Layout`];
//! [`file::write_whole`] for all of it in memory.

pub mod crown;
pub mod decode;
mod deflate;
pub mod encode;
pub mod file;
mod huffman;
mod jpeg;
mod jpeg_stream;
pub mod orient;
mod png_band;
mod png_filter;
mod png_read;
pub mod stream;
mod tiff_read;
mod tiff_unpack;
mod tiff_write;
mod webp;
mod webp_write;

pub use decode::{
    DecodeError, decode_file, decode_stored_tile, decode_tile, decode_up_to, decode_whole, profile,
};
pub use encode::{EncodeError, Encoded, encode};
pub use file::{write_annotated, write_whole};
pub use stream::decode_bands;
