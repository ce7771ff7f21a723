//! What this machine and this process are: memory, processors, environment. It reads, and decides nothing.

use tessera_store::{FileStore, Location, S3Store, Scheme, StoreConfig};
use tessera_worker::Stores;
use tracing_subscriber::EnvFilter;

use crate::failure::Failure;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

/// Memory that a job may plan with: three quarters of the machine's, in bytes.
pub(crate) fn memory() -> u64 {
    let total = field("/proc/meminfo", "MemTotal:").unwrap_or(8 << 30);
    total / 4 * 3
}

/// The most memory that this process has had, in bytes.
pub(crate) fn peak_memory() -> Option<u64> {
    field("/proc/self/status", "VmHWM:")
}

/// A value in kB of a file of the proc file system, in bytes.
fn field(path: &str, name: &str) -> Option<u64> {
    let text = std::fs::read_to_string(path).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    let kilobytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kilobytes * 1024)
}

pub(crate) fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// `TESSERA_LOG`, or errors only.
pub(crate) fn log_filter() -> EnvFilter {
    let given = std::env::var("TESSERA_LOG").ok().and_then(|filter| EnvFilter::try_new(filter).ok());
    given.unwrap_or_else(|| EnvFilter::new("error"))
}

/// Stores for `addresses`: files always, objects where one of them is one.
pub(crate) fn stores(addresses: &[&Location]) -> Result<Stores, Failure> {
    let stores = Stores::none().with_files(Arc::new(FileStore));
    if !addresses.iter().any(|at| at.scheme() == Scheme::S3) {
        return Ok(stores);
    }
    let store = S3Store::new(&StoreConfig::from_env()?)?;
    Ok(stores.with_objects(Arc::new(store)))
}

/// The address of a file: its absolute path, without `.` and `..`.
pub(crate) fn file(path: &str) -> Result<Location, Failure> {
    let absolute = std::path::absolute(path);
    let absolute =
        absolute.map_err(|error| Failure::new(1, format!("{path} has no absolute path: {error}")))?;
    let clean = clean(&absolute);
    let text =
        clean.to_str().ok_or_else(|| Failure::new(1, format!("{path}: the path is not UTF-8; rename it")))?;
    Ok(Location::new("", text)?)
}

fn clean(path: &Path) -> PathBuf {
    path.components().fold(PathBuf::new(), |mut clean, component| {
        match component {
            Component::ParentDir => drop(clean.pop()),
            Component::CurDir => {}
            Component::Prefix(_) | Component::RootDir | Component::Normal(_) => clean.push(component),
        }
        clean
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relative_path_is_taken_from_the_current_directory() {
        let here = std::env::current_dir().unwrap();
        let at = file("a/../b/./c.tif").unwrap_or_else(|_| panic!("it is a path"));
        assert_eq!(at.key(), here.join("b/c.tif").to_str().unwrap());
    }

    #[test]
    fn this_process_has_memory() {
        assert!(peak_memory().unwrap() > 1 << 20);
        assert!(memory() > peak_memory().unwrap());
    }
}
