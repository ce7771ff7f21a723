//! In place of the peers that are crates, where they are not built.

use crate::cases::Case;
use anyhow::Result;
use tessera_operations::Region;

/// No crate.
#[derive(Debug, Clone, Copy)]
pub enum Crate {}

impl Crate {
    /// None.
    pub const ALL: [Crate; 0] = [];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {}
    }

    /// Runs nothing.
    pub fn run(self, _: &Case, _: &Region, _: usize, _: &mut Vec<u8>) -> Result<Option<f64>> {
        match self {}
    }
}
