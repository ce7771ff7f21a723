//! ICC colour profiles as files carry them. Nothing here interprets colours.

use tessera_core::pixel::Channels;

/// The largest profile that is carried, in bytes; larger ones are refused.
pub const LARGEST: u64 = 4 << 20;

/// A profile as it stands in a source's header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Icc {
    /// The profile itself.
    Raw(Vec<u8>),
    /// A zlib stream of the profile, as PNG has it.
    Zlib(Vec<u8>),
}

/// Whether `profile` (raw) describes images with such channels: its data colour space (ICC.1:2022, section 7.2.6) is
/// gray for gray images and RGB for colour. Only such a profile may stand in the output.
pub fn suits(profile: &[u8], channels: Channels) -> bool {
    let wanted = match channels {
        Channels::Gray | Channels::GrayAlpha => b"GRAY",
        Channels::Rgb | Channels::Rgba => b"RGB ",
    };
    profile.get(36..40) == Some(b"acsp") && profile.get(16..20) == Some(wanted)
}
