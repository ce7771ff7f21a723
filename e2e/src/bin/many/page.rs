//! The page of the measurements, from their JSON alone.

use anyhow::Result;
use std::path::Path;

/// Writes the page beside `folder`.
pub(crate) fn write(folder: &Path) -> Result<()> {
    anyhow::bail!("{}", folder.display())
}
