//! CRC-64/NVME, the checksum that combines: of pieces as they are written, and of the file that they become.

use crc_fast::{CrcAlgorithm, Digest, checksum_combine};

/// The checksum of some bytes, with their number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Crc64 {
    value: u64,
    length: u64,
}

impl Crc64 {
    /// Of bytes in memory.
    pub(crate) fn of(bytes: &[u8]) -> Crc64 {
        Crc64::default().with(bytes)
    }

    /// Of these bytes with the bytes `next` behind them.
    #[must_use]
    pub(crate) fn with(self, next: &[u8]) -> Crc64 {
        // What a checksum is made of is its complement.
        let mut digest = Digest::new_with_init_state(CrcAlgorithm::Crc64Nvme, !self.value);
        digest.update(next);
        Crc64 { value: digest.finalize(), length: self.length + next.len() as u64 }
    }

    /// From hexadecimal, as records hold it.
    pub(crate) fn parse(text: &str, length: u64) -> Option<Crc64> {
        Some(Crc64 { value: u64::from_str_radix(text, 16).ok()?, length })
    }

    /// Of these bytes with `next` behind them.
    #[must_use]
    pub(crate) fn then(self, next: Crc64) -> Crc64 {
        if self.length == 0 {
            return next;
        }
        if next.length == 0 {
            return self;
        }
        let value = checksum_combine(CrcAlgorithm::Crc64Nvme, self.value, next.value, next.length);
        Crc64 { value, length: self.length + next.length }
    }

    /// Number of bytes.
    pub(crate) fn length(self) -> u64 {
        self.length
    }

    /// In hexadecimal.
    pub(crate) fn hex(self) -> String {
        format!("{:016x}", self.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_the_catalogue_s_and_combines() {
        assert_eq!(Crc64::of(b"123456789").hex(), "ae8b14860a799888");
        let joined = Crc64::default().then(Crc64::of(b"1234")).then(Crc64::of(b"")).then(Crc64::of(b"56789"));
        assert_eq!(joined, Crc64::of(b"123456789"));
        assert_eq!(joined, Crc64::of(b"123").with(b"456").with(b"").with(b"789"));
        assert_eq!(Crc64::parse(&joined.hex(), 9), Some(joined));
    }
}
