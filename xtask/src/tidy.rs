//! The house rules that no compiler checks: module docs, sizes, words. One finding is one line: `path:line: what`.

use crate::arrows;
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};

const MOST_FILE_LINES: usize = 400;
const MOST_FUNCTION_LINES: usize = 60;

/// Folders that hold nothing of ours.
const SKIPPED: &[&str] = &["target", ".git", "node_modules"];

/// Endings of the files whose words are checked.
const TEXTS: &[&str] = &["rs", "toml", "md", "yaml", "yml", "sh", "html", "css", "js", "ts", "json"];

/// Everything against the rules, in the repository at `root`.
///
/// # Errors
/// A file cannot be read.
pub(crate) fn check(root: &Path) -> Result<Vec<String>> {
    let mut findings = arrows::check(root)?;
    for path in files(root)? {
        let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        let name = path.strip_prefix(root).unwrap_or(&path).display().to_string();
        let found = check_file(&name, &text);
        findings.extend(found.into_iter().map(|(line, what)| format!("{name}:{line}: {what}")));
    }
    Ok(findings)
}

/// Files with text of ours, in order.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let ending = path.extension().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_symlink() || SKIPPED.contains(&name.as_str()) {
            continue;
        }
        if path.is_dir() {
            found.extend(files(&path)?);
        } else if TEXTS.contains(&ending.as_str()) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// What is wrong with one file: the line, from 1, and the rule.
fn check_file(name: &str, text: &str) -> Vec<(usize, String)> {
    let mut findings = words(text);
    if name == "Cargo.lock" || !name.ends_with(".rs") {
        return findings;
    }
    if !text.starts_with("//! ") {
        findings.push((1, "a file opens with `//!`: what it does and what it may not do".to_owned()));
    }
    let production = production(name, text);
    if production.len() > MOST_FILE_LINES {
        findings
            .push((1, format!("{} lines of production code: at most {MOST_FILE_LINES}", production.len())));
    }
    findings.extend(long_functions(&production));
    findings.extend(unwraps(&production));
    findings
}

/// The lines that ship: none of a file of tests, else all before the tests.
fn production<'a>(name: &str, text: &'a str) -> Vec<&'a str> {
    if name.split('/').any(|part| ["tests", "testing", "testing.rs", "benches", "e2e"].contains(&part)) {
        return Vec::new();
    }
    text.lines().take_while(|line| *line != "#[cfg(test)]" && *line != "mod tests {").collect()
}

fn unwraps(lines: &[&str]) -> Vec<(usize, String)> {
    let call = concat!(".unw", "rap()");
    let found = lines
        .iter()
        .enumerate()
        .filter(|(_, line)| line.contains(call) && !line.trim_start().starts_with("//"));
    found
        .map(|(index, _)| (index + 1, "no unwrap in production: an expect states the invariant".to_owned()))
        .collect()
}

/// Functions by their indentation, which rustfmt makes: from `fn` to the brace that stands as far left.
fn long_functions(lines: &[&str]) -> Vec<(usize, String)> {
    let mut findings = Vec::new();
    for (start, line) in lines.iter().enumerate().filter(|(_, line)| begins_function(line)) {
        let indent = line.len() - line.trim_start().len();
        let end = format!("{}}}", " ".repeat(indent));
        let length = lines[start..].iter().position(|line| *line == end).map_or(1, |at| at + 1);
        if !line.ends_with('}') && length > MOST_FUNCTION_LINES {
            findings
                .push((start + 1, format!("a function of {length} lines: at most {MOST_FUNCTION_LINES}")));
        }
    }
    findings
}

fn begins_function(line: &str) -> bool {
    let words = line.split_whitespace().take_while(|word| *word != "fn");
    let known = ["pub", "pub(crate)", "pub(super)", "async", "const", "unsafe", "extern", "\"C\""];
    line.split_whitespace().any(|word| word == "fn") && words.into_iter().all(|word| known.contains(&word))
}

/// What may not stand in any file. The words are written in two parts here, so that this file does not hold them.
fn words(text: &str) -> Vec<(usize, String)> {
    let unfinished = [concat!("TO", "DO"), concat!("FIX", "ME")];
    let mut findings = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if unfinished.iter().any(|word| line.contains(word)) {
            findings.push((index + 1, "finish it or leave it out".to_owned()));
        }
        if has_machine_path(line) {
            findings.push((index + 1, "an absolute path of one machine".to_owned()));
        }
    }
    findings
}

/// Whether a line holds an absolute path into somebody's folders; an example's `me` is nobody.
fn has_machine_path(line: &str) -> bool {
    let folders =
        [concat!("/ro", "ot/"), concat!("/ho", "me/"), concat!("/wo", "rk/"), concat!("/Us", "ers/")];
    let begins = |at: usize| !line[..at].ends_with(|c: char| c.is_alphanumeric() || "_-./}>*".contains(c));
    let anybody = |at: usize| line[at..].starts_with(concat!("/ho", "me/me/"));
    folders.iter().any(|folder| line.match_indices(folder).any(|(at, _)| begins(at) && !anybody(at)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_repository_keeps_the_house_rules() {
        let findings = check(&crate::root()).unwrap();
        assert!(findings.is_empty(), "\n{}", findings.join("\n"));
    }

    #[test]
    fn a_long_function_is_found_by_its_indentation() {
        let body = "        a();\n".repeat(60);
        let text = format!("//! A.\nimpl A {{\n    pub fn b() {{\n{body}    }}\n}}\n");
        let found = check_file("a/src/b.rs", &text);
        assert_eq!(found, [(3, "a function of 62 lines: at most 60".to_owned())]);
    }

    #[test]
    fn tests_may_unwrap() {
        let text = "//! A.\nfn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() { c.unwrap() }\n}\n";
        assert!(check_file("a/src/b.rs", text).is_empty());
        let production = text.replace("#[cfg(test)]\nmod tests", "mod other");
        assert_eq!(check_file("a/src/b.rs", &production).len(), 1);
    }

    #[test]
    fn a_path_of_one_machine_is_found() {
        assert!(has_machine_path(concat!("cd /ho", "me/ada/tessera")));
        assert!(!has_machine_path(concat!("file:///ho", "me/me/a.tif")));
        assert!(!has_machine_path(concat!("$layers/ro", "ot/usr")));
    }

    #[test]
    fn a_file_without_a_word_on_itself_is_found() {
        assert_eq!(check_file("a/src/b.rs", "fn a() {}\n").len(), 1);
    }
}
