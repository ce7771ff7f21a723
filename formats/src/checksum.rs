//! The two checksums of PNG: CRC-32 of a chunk and Adler-32 of a zlib stream, the latter joinable from parts.

/// The modulus of Adler-32: the largest prime below 2^16.
const MODULUS: u64 = 65521;

/// CRC-32 as in PNG (ISO 3309) of `parts`, one after the other.
pub fn crc32(parts: &[&[u8]]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    parts.iter().for_each(|part| hasher.update(part));
    hasher.finalize()
}

/// Adler-32 (RFC 1950) of `bytes`.
pub fn adler32(bytes: &[u8]) -> u32 {
    simd_adler32::adler32(&bytes)
}

/// The Adler-32 of no bytes.
pub const ADLER_EMPTY: u32 = 1;

/// The Adler-32 of two byte strings joined: `first` of the one, `second` of the other, which has `second_length` bytes.
pub fn adler32_join(first: u32, second: u32, second_length: u64) -> u32 {
    let (a1, b1) = (u64::from(first & 0xffff), u64::from(first >> 16));
    let (a2, b2) = (u64::from(second & 0xffff), u64::from(second >> 16));
    // Every byte adds to a; the second string's b counts a1 - 1 once more for each of its bytes.
    let a = (a1 + a2 + MODULUS - 1) % MODULUS;
    let b = (b1 + b2 + (second_length % MODULUS) * (a1 + MODULUS - 1)) % MODULUS;
    (b as u32) << 16 | a as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_checksums() {
        assert_eq!(crc32(&[b"IEND"]), 0xae42_6082);
        assert_eq!(adler32(b"Wikipedia"), 0x11e6_0398);
    }

    #[test]
    fn joined_parts_have_the_checksum_of_the_whole() {
        let bytes: Vec<u8> = (0..200_000u64).map(|i| ((i * i) >> 7) as u8).collect();
        for cut in [0, 1, 77, 65_521, 131_042, 199_999, 200_000] {
            let (first, second) = bytes.split_at(cut);
            let joined = adler32_join(adler32(first), adler32(second), second.len() as u64);
            assert_eq!(joined, adler32(&bytes), "cut at {cut}");
        }
        assert_eq!(adler32(&[]), ADLER_EMPTY);
    }
}
