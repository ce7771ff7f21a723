//! The labels, annotations and names that the page gives to its ImageJobs, and who may see which. Pure, but for random names.

use crate::identity::User;
use kube::ResourceExt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tessera_api::ImageJob;

/// Label: whose job it is.
pub(crate) const OWNER: &str = "tessera.dev/owner";
/// Label: the job only makes a view copy, and stands in no list.
pub(crate) const VIEW: &str = "tessera.dev/view-copy";
/// Label of Kubernetes: who made it.
pub(crate) const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
/// Who we are, there and as a field manager.
pub(crate) const MANAGER: &str = "tessera-frontend";
/// Annotation: what the user calls it.
pub(crate) const TITLE: &str = "tessera.dev/title";
/// Annotation: the name of the source's file.
pub(crate) const SOURCE_NAME: &str = "tessera.dev/source-name";

/// Letters of an ImageJob's name that come from its operations.
const STEM: usize = 36;

/// Whose job it is; `None`: it was made without the page.
pub(crate) fn owner(job: &ImageJob) -> Option<&String> {
    job.labels().get(OWNER)
}

/// Whether it makes a view copy.
pub(crate) fn is_view(job: &ImageJob) -> bool {
    job.labels().contains_key(VIEW)
}

/// One's own, and those that were made without the page.
pub(crate) fn is_visible(job: &ImageJob, user: &User) -> bool {
    owner(job).is_none_or(|owner| *owner == user.owner)
}

/// 32 hexadecimal digits that nobody guesses.
pub(crate) fn random() -> String {
    hexadecimal(16)
}

/// The same, beginning with the time in seconds, so that its age is seen.
pub(crate) fn dated(now: SystemTime) -> String {
    let seconds = now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    format!("{:08x}{}", seconds & 0xffff_ffff, hexadecimal(12))
}

/// How long ago a name was made by [`dated`]; `None` for other names.
pub(crate) fn age(name: &str, now: SystemTime) -> Option<Duration> {
    let seconds = u64::from_str_radix(name.get(..8)?, 16).ok()?;
    now.duration_since(UNIX_EPOCH + Duration::from_secs(seconds)).ok()
}

/// A new name for an ImageJob with these operations.
pub(crate) fn job_name(operations: &[String]) -> String {
    let words: Vec<String> = operations.iter().map(|name| kebab(name)).collect();
    let mut stem = if words.is_empty() { "convert".to_owned() } else { words.join("-") };
    stem.truncate(STEM);
    format!("{}-{}", stem.trim_end_matches('-'), hexadecimal(4))
}

fn hexadecimal(bytes: usize) -> String {
    let mut noise = [0u8; 16];
    getrandom::fill(&mut noise).expect("the system has random numbers");
    noise[..bytes].iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `gaussianBlur` as `gaussian-blur`; only letters, digits and hyphens are left.
pub(crate) fn kebab(name: &str) -> String {
    let mut text = String::new();
    for letter in name.chars().filter(char::is_ascii_alphanumeric) {
        if letter.is_ascii_uppercase() && !text.is_empty() {
            text.push('-');
        }
        text.push(letter.to_ascii_lowercase());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_the_operations_and_fits() {
        let name = job_name(&["grayscale".to_owned(), "gaussianBlur".to_owned()]);
        assert!(name.starts_with("grayscale-gaussian-blur-") && name.len() == 32, "{name}");
        let long = job_name(&vec!["differenceOfGaussians".to_owned(); 9]);
        assert!(long.len() <= 63, "{long}");
        assert!(job_name(&[]).starts_with("convert-"));
        assert_ne!(random(), random());
    }

    #[test]
    fn a_dated_name_tells_its_age() {
        let now = UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        let name = dated(now);
        assert_eq!(
            (name.len(), age(&name, now + Duration::from_secs(90))),
            (32, Some(Duration::from_secs(90)))
        );
        assert_eq!(age("notes.txt", now), None);
    }
}
