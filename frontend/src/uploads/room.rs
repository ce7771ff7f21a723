//! How much a user may upload: the size of a file, of all files together, and uploads that are open at once. What nobody
//! finishes is cancelled.

use crate::access;
use crate::app::Shared;
use crate::identity::User;
use crate::jobs::names;
use crate::refusal::{Refusal, Result};
use axum::http::StatusCode;
use std::time::{Duration, SystemTime};
use tessera_store::Prefix;

/// Open uploads of one user; those of yesterday make room.
const OPEN: usize = 64;

/// How long an upload that nobody finishes is kept, where there is room.
const WEEK: Duration = Duration::from_secs(7 * 86_400);
const DAY: Duration = Duration::from_secs(86_400);

/// Fails where the user has too much already.
pub(super) async fn check_room(app: &Shared, user: &User, size: u64) -> Result<()> {
    if size > app.config.upload_bytes {
        return Err(too_large(app.config.upload_bytes));
    }
    let folder = access::uploads(&app.config, user);
    let taken: u64 = app.store.list(&folder, None).await?.iter().map(|object| object.size).sum();
    if taken.saturating_add(size) > app.config.owner_bytes {
        let text = format!(
            "your uploads would take more than {}: delete some that you do not need any more",
            shown(app.config.owner_bytes)
        );
        return Err(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "QuotaExceeded", text));
    }
    let open = app.store.list_uploads(&folder).await?.len();
    if open >= OPEN && open - abort_old(app, &folder, DAY).await? >= OPEN {
        let text = "too many uploads are unfinished: finish or cancel some of them";
        return Err(Refusal::new(StatusCode::TOO_MANY_REQUESTS, "TooManyUploads", text));
    }
    Ok(())
}

/// Cancels what nobody has finished for a week.
pub(crate) async fn abort_forgotten(app: &Shared) -> Result<usize> {
    abort_old(app, &app.config.uploads, WEEK).await
}

async fn abort_old(app: &Shared, folder: &Prefix, limit: Duration) -> Result<usize> {
    let now = SystemTime::now();
    let mut all = app.store.list_uploads(folder).await?;
    all.retain(|upload| names::age(upload.at.name(), now).is_some_and(|age| age > limit));
    for upload in &all {
        app.store.abort_upload(upload).await?;
    }
    Ok(all.len())
}

pub(super) fn too_large(limit: u64) -> Refusal {
    Refusal::too_large(format!(
        "the file is larger than {}, which is the most here: make it smaller, or ask whoever runs the page",
        shown(limit)
    ))
}

/// Bytes for people.
pub(super) fn shown(bytes: u64) -> String {
    match bytes {
        0..0x10_0000 => format!("{bytes} bytes"),
        0x10_0000..0x4000_0000 => format!("{} MiB", bytes >> 20),
        _ => format!("{} GiB", bytes >> 30),
    }
}
