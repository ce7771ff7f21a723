//! Images: one's uploads, those in the bucket, and what the header of each says. Reads headers, never pixels.

use crate::access::{self, Right};
use crate::app::Shared;
use crate::identity::User;
use crate::refusal::{Refusal, Result};
use crate::uploads::NAME;
use crate::view::{self, ViewState};
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use futures::{StreamExt, stream};
use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};
use tessera_probe::{Probed, probe};
use tessera_store::{Location, ObjectInfo, Prefix};
use utoipa::{IntoParams, ToSchema};

/// Uploads that are listed, the newest first.
const LISTED: usize = 200;

/// Folders and images on one page of the bucket.
const PAGE: u16 = 200;

/// Endings of files that may be images, for the listing of a bucket; whether they are, their header says.
const ENDINGS: [&str; 6] = ["tif", "tiff", "png", "jpg", "jpeg", "webp"];

/// An image in a list.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct ImageSummary {
    /// By which every other request calls it.
    pub(crate) id: String,
    pub(crate) uri: String,
    /// For people.
    pub(crate) name: String,
    /// Bytes.
    pub(crate) size: u64,
    /// When it was written.
    modified: String,
}

/// An image and what its header says.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Image {
    #[serde(flatten)]
    summary: ImageSummary,
    etag: String,
    width: u32,
    height: u32,
    channels: usize,
    bit_depth: u32,
    format: &'static str,
    /// It is not one's own.
    read_only: bool,
    /// Whether it can be shown.
    view: ViewState,
}

/// One's uploads.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Images {
    images: Vec<ImageSummary>,
}

/// An image that is in the bucket already.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct ImageAt {
    /// Such as `s3://images/slide.tif`.
    uri: String,
}

/// A folder of the bucket.
#[derive(Debug, Deserialize, IntoParams)]
pub(crate) struct FolderAsked {
    /// Such as `s3://images/slides/`; without: where browsing begins.
    prefix: Option<String>,
    /// What the page before ended with.
    #[serde(rename = "continue")]
    from: Option<String>,
}

/// A page of a folder.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FolderShown {
    prefixes: Vec<String>,
    images: Vec<ImageSummary>,
    #[serde(rename = "continue")]
    next: Option<String>,
}

fn summary(info: &ObjectInfo, name: String) -> ImageSummary {
    let modified = info.modified.and_then(|time| Timestamp::try_from(time).ok());
    ImageSummary {
        id: access::id(&info.at),
        uri: info.at.to_string(),
        name,
        size: info.size,
        modified: modified.map(second).unwrap_or_default(),
    }
}

/// A time in whole seconds, as Kubernetes writes it.
pub(crate) fn second(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// The name of an upload's file, which stands percent-encoded in its metadata; else the last part of the key.
pub(crate) fn name_of(info: &ObjectInfo) -> String {
    let given = info.metadata.get(NAME).map(|name| percent_decode_str(name).decode_utf8_lossy().into_owned());
    given.filter(|name| !name.is_empty()).unwrap_or_else(|| info.at.name().to_owned())
}

/// One's uploads, the newest first.
#[utoipa::path(get, path = "/images", tag = "images", responses((status = 200, body = Images)))]
pub(crate) async fn list(State(app): State<Shared>, user: User) -> Result<Json<Images>> {
    let mut all = app.store.list(&access::uploads(&app.config, &user), None).await?;
    all.sort_by_key(|info| std::cmp::Reverse(info.modified));
    all.truncate(LISTED);
    let store = &app.store;
    // A listing has no metadata, and the name stands there.
    let named = |info: ObjectInfo| async move {
        let name =
            store.head(&info.at).await.map_or_else(|_| info.at.name().to_owned(), |head| name_of(&head));
        summary(&info, name)
    };
    Ok(Json(Images { images: stream::iter(all).map(named).buffered(16).collect().await }))
}

/// Opens an image that is in the bucket already.
#[utoipa::path(post, path = "/images", tag = "images", request_body = ImageAt,
    responses((status = 200, body = Image), (status = 415, description = "Not an image that can be processed")))]
pub(crate) async fn open(
    State(app): State<Shared>,
    user: User,
    Json(asked): Json<ImageAt>,
) -> Result<Json<Image>> {
    let at: Location =
        asked.uri.parse().map_err(|error: tessera_store::UriError| Refusal::bad(error.to_string()))?;
    let right = access::right(&app.config, &app.cluster, &user, &at).ok_or_else(|| {
        Refusal::new(
            StatusCode::FORBIDDEN,
            "NotShared",
            format!("{at} is not in a folder that is open here: choose one from the list, or upload it"),
        )
    })?;
    Ok(Json(described(&app, &at, right).await?))
}

/// What lies in a folder of the bucket.
#[utoipa::path(get, path = "/bucket", tag = "images", params(FolderAsked), responses((status = 200, body = FolderShown)))]
pub(crate) async fn browse(
    State(app): State<Shared>,
    Query(asked): Query<FolderAsked>,
) -> Result<Json<FolderShown>> {
    let config = &app.config;
    let Some(prefix) = asked.prefix.filter(|prefix| !prefix.is_empty()) else {
        return match config.browse.as_slice() {
            [only] => shown(&app, only, asked.from.as_deref()).await,
            several => {
                let prefixes = several.iter().map(ToString::to_string).collect();
                Ok(Json(FolderShown { prefixes, images: Vec::new(), next: None }))
            }
        };
    };
    let folder: Prefix =
        prefix.parse().map_err(|error: tessera_store::UriError| Refusal::bad(error.to_string()))?;
    if !access::may_browse(config, &folder) {
        return Err(Refusal::not_found("folder"));
    }
    shown(&app, &folder, asked.from.as_deref()).await
}

async fn shown(app: &Shared, folder: &Prefix, from: Option<&str>) -> Result<Json<FolderShown>> {
    let page = app.store.browse(folder, from, PAGE).await?;
    let open = |info: &&ObjectInfo| {
        let ending = info.at.name().rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
        let image = ending.is_some_and(|ending| ENDINGS.contains(&ending.as_str()));
        image && !access::is_private(&app.config, &info.at)
    };
    let folders = page.folders.iter().filter(|folder| access::may_browse(&app.config, folder));
    Ok(Json(FolderShown {
        prefixes: folders.map(ToString::to_string).collect(),
        images: page
            .objects
            .iter()
            .filter(open)
            .map(|info| summary(info, info.at.name().to_owned()))
            .collect(),
        next: page.next,
    }))
}

/// An image: its header, and whether it can be shown.
#[utoipa::path(get, path = "/images/{image}", tag = "images", params(("image" = String, Path)),
    responses((status = 200, body = Image), (status = 404)))]
pub(crate) async fn show(
    State(app): State<Shared>,
    user: User,
    Path(image): Path<String>,
) -> Result<Json<Image>> {
    let (at, right) = access::open(&app.config, &app.cluster, &user, &image)?;
    Ok(Json(described(&app, &at, right).await?))
}

async fn described(app: &Shared, at: &Location, right: Right) -> Result<Image> {
    let probed = probe(app.store.as_ref(), at).await?;
    let view = view::state(app, &probed).await?;
    let Probed { info, header, .. } = probed;
    let name = app.cluster.job_of_output(at).map(|job| crate::jobs::show::file_name(&job));
    Ok(Image {
        summary: summary(&info, name.unwrap_or_else(|| name_of(&info))),
        etag: info.etag,
        width: header.extent.size.width,
        height: header.extent.size.height,
        channels: header.extent.pixel.channels.count(),
        bit_depth: header.extent.pixel.depth.bits(),
        format: header.format(),
        read_only: right != Right::Own,
        view,
    })
}

/// Deletes one's own upload or result.
#[utoipa::path(delete, path = "/images/{image}", tag = "images", params(("image" = String, Path)),
    responses((status = 204), (status = 403, description = "Not one's own"), (status = 409, description = "A job reads it")))]
pub(crate) async fn delete(
    State(app): State<Shared>,
    user: User,
    Path(image): Path<String>,
) -> Result<StatusCode> {
    let (at, right) = access::open(&app.config, &app.cluster, &user, &image)?;
    if right != Right::Own {
        let text = "this image is not yours: it can only be looked at";
        return Err(Refusal::new(StatusCode::FORBIDDEN, "ReadOnly", text));
    }
    let uri = at.to_string();
    let uses = |job: &tessera_api::ImageJob| job.spec.source.uri == uri && !crate::jobs::show::has_ended(job);
    if app.cluster.jobs().iter().any(uses) {
        return Err(Refusal::conflict("a job still reads this image: cancel it, or wait until it has ended"));
    }
    app.store.delete(&[at]).await?;
    Ok(StatusCode::NO_CONTENT)
}
