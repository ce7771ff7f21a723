//! Which crate may not know what, read from the crates' Cargo.toml. What a crate reaches through another crate of the
//! workspace counts as well; tests' own dependencies do not.

use anyhow::{Context, Result};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

const IO: &[&str] = &["tokio", "aws-", "kube", "k8s-openapi", "axum"];
const C_CODECS: &[&str] = &["mozjpeg", "turbojpeg", "libwebp", "tessera-imaging"];

/// Folder of a crate, and the beginnings of the names that it may not depend on.
const ARROWS: &[(&str, &[&[&str]])] = &[
    ("core", &[IO, C_CODECS, &["image", "tracing", "tessera-"]]),
    ("operations", &[IO, C_CODECS, &["image", "tracing", "tessera-formats", "tessera-store", "tessera-api"]]),
    ("formats", &[IO, C_CODECS, &["tracing", "tessera-operations", "tessera-store", "tessera-api"]]),
    ("imaging", &[IO, &["tessera-store", "tessera-api", "tessera-worker"]]),
    (
        "store",
        &[&["kube", "k8s-openapi"], C_CODECS, &["tessera-operations", "tessera-formats", "tessera-api"]],
    ),
    ("api", &[&["tokio", "aws-"], C_CODECS, &["tessera-formats", "tessera-store", "tessera-worker"]]),
    ("probe", &[&["kube", "k8s-openapi"], C_CODECS, &["tessera-worker"]]),
    ("worker", &[&["kube", "k8s-openapi", "tessera-api", "tessera-operator"]]),
    ("preview", &[&["kube", "k8s-openapi", "tessera-api", "tessera-operator"]]),
    ("operator", &[C_CODECS, &["tessera-worker"]]),
];

/// Every dependency against the arrows.
///
/// # Errors
/// A Cargo.toml cannot be read.
pub(crate) fn check(root: &Path) -> Result<Vec<String>> {
    let mut direct = BTreeMap::new();
    for (folder, _) in ARROWS {
        let path = root.join(folder).join("Cargo.toml");
        let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        direct.insert(format!("tessera-{folder}"), dependencies(&text));
    }
    Ok(ARROWS.iter().flat_map(|(folder, forbidden)| broken(folder, forbidden, &direct)).collect())
}

fn broken(folder: &str, forbidden: &[&[&str]], direct: &BTreeMap<String, BTreeSet<String>>) -> Vec<String> {
    let reached = reached(&format!("tessera-{folder}"), direct);
    let is_forbidden =
        |name: &&String| forbidden.iter().any(|list| list.iter().any(|start| name.starts_with(start)));
    let allowed = |name: &&String| *name != "tessera-core" || folder == "core";
    let found = reached.iter().filter(is_forbidden).filter(allowed);
    found
        .map(|name| {
            format!("{folder}/Cargo.toml: {folder} may not depend on {name}, not even through another crate")
        })
        .collect()
}

/// All that a crate depends on, through the workspace's crates as well.
fn reached(name: &str, direct: &BTreeMap<String, BTreeSet<String>>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut open = vec![name.to_owned()];
    while let Some(next) = open.pop() {
        for dependency in direct.get(&next).into_iter().flatten() {
            if found.insert(dependency.clone()) {
                open.push(dependency.clone());
            }
        }
    }
    found
}

/// The names in the section `[dependencies]`.
fn dependencies(manifest: &str) -> BTreeSet<String> {
    let section = manifest.lines().skip_while(|line| *line != "[dependencies]").skip(1);
    let lines = section.take_while(|line| !line.starts_with('['));
    lines
        .filter_map(|line| line.split(['.', '=', ' ']).next())
        .filter(|name| !name.is_empty() && !name.starts_with('#'))
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dependencies_are_read_without_those_of_tests() {
        let names = dependencies(
            "[package]\nname = \"a\"\n[dependencies]\nb.workspace = true\n# c\nd = \"1\"\n\n[dev-dependencies]\ne = \"1\"\n",
        );
        assert_eq!(names.into_iter().collect::<Vec<_>>(), ["b", "d"]);
    }

    #[test]
    fn an_arrow_is_broken_through_another_crate_too() {
        let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
        let direct = BTreeMap::from([
            ("tessera-worker".to_owned(), set(&["tessera-store"])),
            ("tessera-store".to_owned(), set(&["kube-client"])),
        ]);
        assert_eq!(broken("worker", &[&["kube"]], &direct).len(), 1);
        assert!(broken("worker", &[&["image"]], &direct).is_empty());
    }
}
