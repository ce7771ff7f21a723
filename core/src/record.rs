//! What a worker leaves beside its data: the record of a piece, the manifest of a shard, the record of a published file.
//! These are the proof that work is done; data without a record counts as absent.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// One encoded tile or band.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TileRecord {
    /// Encoded bytes in the file.
    pub size: u64,
    /// SHA-256 of the encoded bytes, in hexadecimal.
    pub sha256: String,
    /// For a band of a PNG: the Adler-32 of its filtered bytes, and their number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adler: Option<(u32, u64)>,
}

/// One object of encoded tiles in scratch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PieceRecord {
    /// Digest of the plan that it was computed by.
    pub plan: String,
    /// Shard number.
    pub shard: u32,
    /// Number within the shard.
    pub piece: u32,
    /// Bytes of the data.
    pub size: u64,
    /// ETag of the data object.
    pub etag: String,
    /// CRC-64/NVME of the data, in hexadecimal.
    pub crc64: String,
    /// The tiles in file order.
    pub tiles: Vec<TileRecord>,
}

/// Everything that a shard left: the records of its pieces in file order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Digest of the plan.
    pub plan: String,
    /// Shard number.
    pub shard: u32,
    /// Its pieces.
    pub pieces: Vec<PieceRecord>,
}

/// The finished file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Published {
    /// Digest of the plan.
    pub plan: String,
    /// Where it is.
    pub uri: String,
    /// Its ETag there.
    pub etag: String,
    /// Its bytes.
    pub size: u64,
    /// The tree digest, see [`TreeDigest`], as `sha256-tree:<hexadecimal>`.
    pub digest: String,
    /// CRC-64/NVME of the whole file, in hexadecimal.
    pub crc64: String,
    /// Tiles or bands that it holds.
    pub tiles: u64,
}

/// The digest of a file that is joined from tiles: SHA-256 over the bytes before the first tile, then the SHA-256 of each
/// tile in file order, then the bytes after the last tile. It does not depend on how the tiles were spread over shards.
pub struct TreeDigest(Sha256);

impl TreeDigest {
    /// Starts with the bytes before the first tile.
    pub fn new(head: &[u8]) -> TreeDigest {
        TreeDigest(Sha256::new_with_prefix(head))
    }

    /// Adds the next tile by its own SHA-256.
    pub fn tile(&mut self, sha256: &str) {
        self.0.update(sha256.as_bytes());
    }

    /// Ends with the bytes after the last tile and gives `sha256-tree:<hexadecimal>`.
    pub fn finish(mut self, tail: &[u8]) -> String {
        self.0.update(tail);
        format!("sha256-tree:{}", hex(&self.0.finalize()))
    }
}

/// SHA-256 of `bytes` in hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_keep_their_form_on_the_wire() {
        let record = PieceRecord {
            plan: "p".into(),
            shard: 1,
            piece: 2,
            size: 3,
            etag: "e".into(),
            crc64: "c".into(),
            tiles: vec![TileRecord { size: 3, sha256: "s".into(), adler: Some((7, 9)) }],
        };
        let text = serde_json::to_string(&record).unwrap();
        assert_eq!(
            text,
            r#"{"plan":"p","shard":1,"piece":2,"size":3,"etag":"e","crc64":"c","tiles":[{"size":3,"sha256":"s","adler":[7,9]}]}"#
        );
        assert_eq!(serde_json::from_str::<PieceRecord>(&text).unwrap(), record);
    }
}
