//! View copies: which images need one, where it lies, and how it is made. A copy belongs to one version of an image, and is
//! deleted by its age.

use super::ViewState;
use crate::app::Shared;
use crate::identity::User;
use crate::jobs::{create, show};
use crate::refusal::{Refusal, Result};
use axum::http::StatusCode;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::fmt::Write;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};
use tessera_formats::Kind;
use tessera_probe::{Probed, probe};
use tessera_store::{ErrorKind, Location, ObjectInfo};

/// Up to this many pixels the preview makes the copy.
const SMALL: u64 = 50_000_000;

/// How long it is believed where an image's pixels are shown from.
const BELIEVED: Duration = Duration::from_secs(30);

/// Images that are remembered.
const REMEMBERED: usize = 4096;

/// Seconds for which the job of a copy is kept.
const JOB_SECONDS: u32 = 3600;

/// What is known of images that are shown.
#[derive(Default)]
pub(crate) struct Views {
    /// The object that an image is shown from, by its URI.
    shown: Mutex<HashMap<String, (Instant, String)>>,
    /// Whether a version of an image needs a copy, by the copy's name.
    needs: Mutex<HashMap<String, bool>>,
    /// Copies that the preview makes, or could not make and why.
    made_here: Mutex<HashMap<String, Option<String>>>,
}

fn lock<T>(map: &Mutex<T>) -> MutexGuard<'_, T> {
    map.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Remembers, and forgets all when it is too much.
fn remember<T>(map: &Mutex<HashMap<String, T>>, key: String, value: T) {
    let mut map = lock(map);
    if map.len() >= REMEMBERED {
        map.clear();
    }
    map.insert(key, value);
}

/// The name of the copy of a version of an image.
fn name_of(info: &ObjectInfo) -> String {
    let digest = Sha256::digest(format!("{}\n{}", info.at, info.etag).as_bytes());
    digest[..16].iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a string does not fail");
        text
    })
}

fn place(app: &Shared, name: &str) -> Location {
    app.config.views.object(&format!("{name}.tif")).expect("a digest is a name")
}

fn job_name(name: &str) -> String {
    format!("view-{name}")
}

/// Whether an image cannot be shown as it is. The preview knows; while it does not answer, the header says enough.
async fn needs_copy(app: &Shared, probed: &Probed) -> bool {
    let name = name_of(&probed.info);
    if let Some(known) = lock(&app.views.needs).get(&name) {
        return *known;
    }
    match app.preview.image(&probed.info.at.to_string()).await {
        Ok(shown) => {
            remember(&app.views.needs, name, shown.needs_copy);
            shown.needs_copy
        }
        Err(_) => !matches!(&probed.header.kind, Kind::Tiff(tiff) if !tiff.strips),
    }
}

async fn exists(app: &Shared, at: &Location) -> Result<bool> {
    match app.store.head(at).await {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Whether an image can be shown.
pub(crate) async fn state(app: &Shared, probed: &Probed) -> Result<ViewState> {
    if !needs_copy(app, probed).await {
        return Ok(ViewState::Ready);
    }
    let name = name_of(&probed.info);
    if exists(app, &place(app, &name)).await? {
        return Ok(ViewState::Ready);
    }
    if let Some(made) = lock(&app.views.made_here).get(&name) {
        return Ok(match made {
            None => ViewState::Preparing { progress: 0, job: None },
            Some(message) => ViewState::Failed { message: message.clone() },
        });
    }
    Ok(match app.cluster.job(&job_name(&name)) {
        None => ViewState::Preparing { progress: 0, job: None },
        Some(job) => of_job(&job),
    })
}

fn of_job(job: &tessera_api::ImageJob) -> ViewState {
    let status = job.status.clone().unwrap_or_default();
    if show::has_ended(job) && !show::is_complete(job) {
        let message =
            show::message(job).unwrap_or_else(|| "the image could not be prepared: try again".to_owned());
        return ViewState::Failed { message };
    }
    ViewState::Preparing { progress: status.progress.unwrap_or(0), job: job.metadata.name.clone() }
}

/// Sees to it that a copy is made, where one is needed; what has failed before is tried again.
pub(super) async fn make(app: &Shared, user: &User, probed: &Probed) -> Result<ViewState> {
    let now = state(app, probed).await?;
    let name = name_of(&probed.info);
    match &now {
        ViewState::Ready => return Ok(now),
        ViewState::Preparing { job: Some(_), .. } => return Ok(now),
        ViewState::Preparing { job: None, .. } if lock(&app.views.made_here).contains_key(&name) => {
            return Ok(now);
        }
        ViewState::Preparing { job: None, .. } => {}
        ViewState::Failed { .. } => {
            if app.cluster.job(&job_name(&name)).is_some() {
                app.cluster.delete(&job_name(&name)).await?;
            }
        }
    }
    if probed.header.extent.size.pixels() <= SMALL {
        copy_here(app, &probed.info, name);
        return Ok(ViewState::Preparing { progress: 0, job: None });
    }
    copy_by_job(app, user, &probed.info, &name).await
}

/// Lets the preview make the copy, while nobody waits.
fn copy_here(app: &Shared, info: &ObjectInfo, name: String) {
    lock(&app.views.made_here).insert(name.clone(), None);
    let (app, info) = (app.clone(), info.clone());
    tokio::spawn(async move {
        let to = place(&app, &name).to_string();
        let made = app.preview.copy(&info.at.to_string(), &info.etag, &to).await;
        let mut made_here = lock(&app.views.made_here);
        match made {
            Ok(()) => made_here.remove(&name),
            Err(refusal) => made_here.insert(name, Some(refusal.message)),
        };
    });
}

async fn copy_by_job(app: &Shared, user: &User, info: &ObjectInfo, name: &str) -> Result<ViewState> {
    let job = create::view_job(app, user, &job_name(name), info, &place(app, name), JOB_SECONDS);
    match app.cluster.create(&job).await {
        Ok(job) => Ok(of_job(&job)),
        // Somebody else has asked at the same time.
        Err(refusal) if refusal.status == StatusCode::CONFLICT => {
            Ok(ViewState::Preparing { progress: 0, job: Some(job_name(name)) })
        }
        Err(refusal) => Err(refusal),
    }
}

/// The object that an image is shown from: itself, or its copy.
///
/// # Errors
/// The copy has to be made first.
pub(super) async fn shown(app: &Shared, at: &Location) -> Result<String> {
    let uri = at.to_string();
    if let Some((since, from)) = lock(&app.views.shown).get(&uri)
        && since.elapsed() < BELIEVED
    {
        return Ok(from.clone());
    }
    let probed = probe(app.store.as_ref(), at).await?;
    let from = if needs_copy(app, &probed).await {
        let copy = place(app, &name_of(&probed.info));
        if !exists(app, &copy).await? {
            let text = "the image has to be prepared before it can be shown: POST to its view, and ask again";
            return Err(Refusal::new(StatusCode::CONFLICT, "ViewNotReady", text));
        }
        copy.to_string()
    } else {
        uri.clone()
    };
    remember(&app.views.shown, uri, (Instant::now(), from.clone()));
    Ok(from)
}

/// Deletes copies that are old: one that is still wanted is made again.
pub(crate) async fn delete_old(app: &Shared) -> Result<usize> {
    let age = Duration::from_secs(u64::from(app.config.view_days) * 86_400);
    let Some(limit) = SystemTime::now().checked_sub(age) else { return Ok(0) };
    let all = app.store.list(&app.config.views, None).await?;
    let old = all.into_iter().filter(|copy| copy.modified.is_some_and(|modified| modified < limit));
    let old: Vec<Location> = old.map(|copy| copy.at).collect();
    if !old.is_empty() {
        app.store.delete(&old).await?;
        lock(&app.views.shown).clear();
    }
    Ok(old.len())
}
