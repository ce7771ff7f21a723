//! Which objects a user may open, and the identifiers by which the page calls them. Pure: nothing is looked up in the store.

use crate::cluster::Cluster;
use crate::config::Config;
use crate::identity::User;
use crate::jobs::{names, show};
use crate::refusal::{Refusal, Result};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tessera_api::ImageJob;
use tessera_store::{Location, Prefix, Scheme};

/// What a user may do with an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Right {
    /// One's own upload or result: it may be deleted.
    Own,
    /// Something in the bucket that anybody may open, or the output of a job that the user sees.
    Read,
}

/// The identifier of an object: its URI in base64url.
pub(crate) fn id(at: &Location) -> String {
    id_of(&at.to_string())
}

/// The identifier of a URI.
pub(crate) fn id_of(uri: &str) -> String {
    URL_SAFE_NO_PAD.encode(uri)
}

/// The folder of a user's uploads.
pub(crate) fn uploads(config: &Config, user: &User) -> Prefix {
    config.uploads.folder(&user.owner).expect("an owner is hexadecimal digits")
}

/// The folder of a user's results.
pub(crate) fn results(config: &Config, user: &User) -> Prefix {
    config.results.folder(&user.owner).expect("an owner is hexadecimal digits")
}

/// The object of an identifier, and what the user may do with it.
///
/// # Errors
/// It is no identifier, or of nothing that the user may open: the answer is the same, so that nobody learns what there is.
pub(crate) fn open(
    config: &Config,
    cluster: &Cluster,
    user: &User,
    image: &str,
) -> Result<(Location, Right)> {
    let bytes = URL_SAFE_NO_PAD.decode(image).ok();
    let uri = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    let at: Option<Location> = uri.and_then(|uri| uri.parse().ok());
    let at = at.ok_or_else(|| Refusal::not_found("image"))?;
    match right(config, cluster, user, &at) {
        Some(right) => Ok((at, right)),
        None => Err(Refusal::not_found("image")),
    }
}

/// What the user may do with an object; `None`: nothing.
pub(crate) fn right(config: &Config, cluster: &Cluster, user: &User, at: &Location) -> Option<Right> {
    if at.scheme() != Scheme::S3 {
        return None;
    }
    if uploads(config, user).contains(at) || results(config, user).contains(at) {
        return Some(Right::Own);
    }
    if is_private(config, at) {
        return None;
    }
    // A job that is not complete may have found somebody else's object in its place.
    let made =
        |job: &ImageJob| names::is_visible(job, user) && show::is_complete(job) && !names::is_view(job);
    let shared = is_browsable(config, at) || cluster.is_output(at, made);
    shared.then_some(Right::Read)
}

/// Uploads and results of others, view copies of whatever, and what lies in hidden folders, such as scratch.
pub(crate) fn is_private(config: &Config, at: &Location) -> bool {
    let private = [&config.uploads, &config.results, &config.views];
    private.iter().any(|prefix| prefix.contains(at)) || at.key().split('/').any(|part| part.starts_with('.'))
}

fn is_browsable(config: &Config, at: &Location) -> bool {
    config.browse.iter().any(|prefix| prefix.contains(at))
}

/// Whether the user may look into a folder of the bucket.
pub(crate) fn may_browse(config: &Config, folder: &Prefix) -> bool {
    let below =
        |prefix: &Prefix| prefix.bucket() == folder.bucket() && folder.path().starts_with(prefix.path());
    let private = [&config.uploads, &config.results, &config.views];
    let hidden = folder.path().split('/').any(|part| part.starts_with('.'));
    config.browse.iter().any(below) && !private.into_iter().any(below) && !hidden
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    fn config() -> Config {
        Config::parse_from(["frontend", "--browse", "s3://images/"])
    }

    #[test]
    fn folders_of_the_bucket_are_open_but_for_those_of_people() {
        let may = |text: &str| may_browse(&config(), &text.parse().unwrap());
        assert!(may("s3://images/") && may("s3://images/slides/2026/"));
        for closed in
            ["s3://images/uploads/", "s3://images/uploads/abc/", "s3://images/views/", "s3://other/"]
        {
            assert!(!may(closed), "{closed}");
        }
        assert!(!may("s3://images/.tessera/"));
    }

    #[test]
    fn an_owner_s_folder_is_not_that_of_a_longer_name() {
        let user = User::new("a");
        let own = uploads(&config(), &user);
        let other: Location = format!("s3://images/uploads/{}0/x", user.owner).parse().unwrap();
        assert!(!own.contains(&other) && is_private(&config(), &other));
    }
}
