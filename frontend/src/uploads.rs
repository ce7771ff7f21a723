//! Uploads in parts, as Uppy's companion has them, straight through to the store: of a part only what is on its way is held.
//! What cannot be an image is refused with the first bytes. Believes no name, ending or type.

mod room;
mod sniff;

use crate::access;
use crate::app::Shared;
use crate::config::LARGEST_PART;
use crate::identity::User;
use crate::jobs::names;
use crate::refusal::{Refusal, Result};
use axum::Json;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use futures::{StreamExt, TryStreamExt, stream};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use std::io;
use std::time::{Duration, SystemTime};
use tessera_probe::{ProbeKind, probe};
use tessera_store::{ErrorKind, Location, MAX_PARTS, Metadata, Part, PartBody, PutOptions, Upload};
use tokio::time::Instant;
use utoipa::{IntoParams, ToSchema};

pub(crate) use room::abort_forgotten;
use room::{check_room, shown, too_large};

/// How long a sender may be silent.
const SILENCE: Duration = Duration::from_secs(60);

/// How long a file is waited for whose parts are being joined.
const JOINING: Duration = Duration::from_secs(60);

/// Metadata of an upload: the file's name, percent-encoded.
pub(crate) const NAME: &str = "name";

/// Metadata of an upload: its key, by which the store knows a completion again whose answer was lost.
const UPLOAD: &str = "upload";

/// What is to be uploaded.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct NewUpload {
    /// The file's name, only for showing.
    filename: String,
    /// The type that the browser takes it for; not believed.
    #[serde(default, rename = "type")]
    kind: Option<String>,
    #[serde(default)]
    metadata: UploadMetadata,
}

/// What the page says of a file.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UploadMetadata {
    /// Its size in bytes.
    #[serde(default, deserialize_with = "number")]
    size: Option<u64>,
}

/// A number, or a text of one: forms send texts. Anything else is not given.
fn number<'de, D: serde::Deserializer<'de>>(input: D) -> std::result::Result<Option<u64>, D::Error> {
    let value = serde_json::Value::deserialize(input)?;
    Ok(value.as_u64().or_else(|| value.as_str()?.parse().ok()))
}

/// An upload that has begun.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Created {
    /// To be given with every request of this upload.
    key: String,
    #[serde(rename = "uploadId")]
    upload_id: String,
}

/// The key that `create` gave.
#[derive(Debug, Deserialize, IntoParams)]
pub(crate) struct Key {
    key: String,
}

/// A part that has arrived.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct PartShown {
    part_number: u16,
    #[serde(default)]
    size: u64,
    #[serde(rename = "ETag")]
    etag: String,
}

/// Where to send a part.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PartAddress {
    url: String,
    method: &'static str,
    headers: serde_json::Value,
    expires: u32,
}

/// The parts that make the file.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct Parts {
    parts: Vec<PartShown>,
}

/// A finished upload.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Uploaded {
    location: String,
    /// The identifier of the image.
    image: String,
}

/// Begins an upload.
#[utoipa::path(post, path = "/s3/multipart", tag = "uploads", request_body = NewUpload,
    responses((status = 200, body = Created), (status = 413, description = "Larger than allowed, or over the user's quota")))]
pub(crate) async fn create(
    State(app): State<Shared>,
    user: User,
    Json(new): Json<NewUpload>,
) -> Result<Json<Created>> {
    tracing::debug!(size = new.metadata.size, said_type = new.kind, "an upload begins");
    check_room(&app, &user, new.metadata.size.unwrap_or(0)).await?;
    let key = names::dated(SystemTime::now());
    let at = object(&app, &user, &key)?;
    let upload = app.store.create_upload(&at, &options(&new.filename, &key)).await?;
    Ok(Json(Created { key, upload_id: upload.id }))
}

fn options(name: &str, key: &str) -> PutOptions {
    // S3 keeps 2 KiB of metadata, in ASCII.
    let short: String = name.chars().filter(|letter| !letter.is_control()).take(150).collect();
    let encoded = utf8_percent_encode(&short, NON_ALPHANUMERIC).to_string();
    let mut options = by_key(key);
    options.metadata.insert(NAME.to_owned(), encoded);
    options
}

fn by_key(key: &str) -> PutOptions {
    PutOptions { metadata: Metadata::from([(UPLOAD.to_owned(), key.to_owned())]), ..PutOptions::default() }
}

/// The object of a key: always in the user's own folder.
fn object(app: &Shared, user: &User, key: &str) -> Result<Location> {
    let right = key.len() == 32 && key.bytes().all(|c| c.is_ascii_digit() || (b'a'..=b'f').contains(&c));
    let folder = access::uploads(&app.config, user);
    let at = folder.object(key).ok().filter(|_| right);
    at.ok_or_else(|| Refusal::bad("the key is not one of an upload: begin the upload again"))
}

fn upload(app: &Shared, user: &User, id: String, key: &str) -> Result<Upload> {
    if id.is_empty() || id.len() > 1024 || !id.is_ascii() {
        return Err(Refusal::bad("this is no identifier of an upload: begin the upload again"));
    }
    Ok(Upload { at: object(app, user, key)?, id })
}

/// The parts that have arrived, so that an upload can go on.
#[utoipa::path(get, path = "/s3/multipart/{upload}", tag = "uploads", params(("upload" = String, Path), Key),
    responses((status = 200, body = Vec<PartShown>), (status = 404, description = "It was finished or cancelled")))]
pub(crate) async fn list_parts(
    State(app): State<Shared>,
    user: User,
    Path(id): Path<String>,
    Query(Key { key }): Query<Key>,
) -> Result<Json<Vec<PartShown>>> {
    let parts = app.store.list_parts(&upload(&app, &user, id, &key)?).await?;
    let show = |part: Part| PartShown { part_number: part.number, size: part.size, etag: quoted(&part.etag) };
    Ok(Json(parts.into_iter().map(show).collect()))
}

fn quoted(etag: &str) -> String {
    format!("\"{etag}\"")
}

/// Where to send a part: here.
#[utoipa::path(get, path = "/s3/multipart/{upload}/{number}", tag = "uploads",
    params(("upload" = String, Path), ("number" = u16, Path), Key), responses((status = 200, body = PartAddress)))]
pub(crate) async fn part_address(
    State(app): State<Shared>,
    user: User,
    Path((id, number)): Path<(String, u16)>,
    Query(Key { key }): Query<Key>,
) -> Result<Json<PartAddress>> {
    check_number(number)?;
    let upload = upload(&app, &user, id, &key)?;
    let id = utf8_percent_encode(&upload.id, NON_ALPHANUMERIC);
    Ok(Json(PartAddress {
        url: format!("/api/v1/uploads/{id}/{number}?key={key}"),
        method: "PUT",
        headers: serde_json::json!({}),
        expires: 86_400,
    }))
}

fn check_number(number: u16) -> Result<()> {
    if (1..=MAX_PARTS).contains(&number) {
        return Ok(());
    }
    Err(Refusal::bad("a part's number is from 1 to 10000: use larger parts"))
}

/// Takes a part, and sends it on to the store as it comes. The first one is looked at.
#[utoipa::path(put, path = "/uploads/{upload}/{number}", tag = "uploads",
    params(("upload" = String, Path), ("number" = u16, Path), Key),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 200, description = "The part's tag is in ETag"), (status = 411, description = "Without a length"),
        (status = 413, description = "Larger than a part may be"), (status = 415, description = "Not an image that can be processed")))]
#[expect(clippy::too_many_arguments, reason = "each is a part of the request")]
pub(crate) async fn put_part(
    State(app): State<Shared>,
    user: User,
    Path((id, number)): Path<(String, u16)>,
    Query(Key { key }): Query<Key>,
    headers: HeaderMap,
    body: Body,
) -> Result<[(HeaderName, String); 1]> {
    check_number(number)?;
    let upload = upload(&app, &user, id, &key)?;
    let size = length(&app, &headers)?;
    let _pass = app.gates.parts.enter(&user)?;
    let mut chunks = patient(body).boxed();
    if number == 1 {
        let (start, rest) = sniff::read_start(chunks, size).await.map_err(|_| broken())?;
        if let Err(error) = sniff::check(&start, size) {
            app.store.abort_upload(&upload).await?;
            drain(rest).await;
            return Err(error.into());
        }
        chunks = stream::iter(start.into_iter().map(Ok)).chain(rest).boxed();
    }
    let part = app.store.stream_part(&upload, number, PartBody::new(size, chunks)).await;
    let part = part.map_err(|error| match error.kind() {
        ErrorKind::NoSuchUpload => error.into(),
        _ if error.retry() => broken(),
        _ => error.into(),
    })?;
    app.metrics.uploaded.inc_by(part.size);
    Ok([(header::ETAG, quoted(&part.etag))])
}

/// The store wants to know the length of a part before its bytes.
fn length(app: &Shared, headers: &HeaderMap) -> Result<u64> {
    let given = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    let size: u64 = given.ok_or_else(|| {
        let text = "a part needs its length in Content-Length: send it in one piece";
        Refusal::new(StatusCode::LENGTH_REQUIRED, "LengthRequired", text)
    })?;
    if size > LARGEST_PART {
        return Err(Refusal::too_large(format!(
            "a part has at most {}: use smaller ones",
            shown(LARGEST_PART)
        )));
    }
    if size > app.config.upload_bytes {
        return Err(too_large(app.config.upload_bytes));
    }
    Ok(size)
}

/// The bytes of a body, as long as they keep coming.
fn patient(body: Body) -> impl futures::Stream<Item = io::Result<bytes::Bytes>> + Send + 'static {
    stream::try_unfold(body.into_data_stream(), |mut body| async move {
        match tokio::time::timeout(SILENCE, body.try_next()).await {
            Ok(Ok(chunk)) => Ok(chunk.map(|chunk| (chunk, body))),
            Ok(Err(error)) => Err(io::Error::other(error)),
            Err(_) => Err(io::Error::from(io::ErrorKind::TimedOut)),
        }
    })
}

/// Reads what a browser still sends: it listens to the answer only afterwards. Not for ever.
async fn drain(mut body: futures::stream::BoxStream<'static, io::Result<bytes::Bytes>>) {
    let all = async { while let Some(Ok(_)) = body.next().await {} };
    if tokio::time::timeout(SILENCE, all).await.is_err() {
        tracing::debug!("a refused part is still being sent");
    }
}

fn broken() -> Refusal {
    let text = "the part did not arrive completely: send it again";
    Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "PartBroken", text)
}

/// Makes the file of its parts, and looks at it as a whole; what is no image is deleted again.
#[utoipa::path(post, path = "/s3/multipart/{upload}/complete", tag = "uploads", params(("upload" = String, Path), Key),
    request_body = Parts, responses((status = 200, body = Uploaded), (status = 415, description = "Not an image that can be processed"),
        (status = 503, description = "The store is still joining the parts: ask again")))]
pub(crate) async fn complete(
    State(app): State<Shared>,
    user: User,
    Path(id): Path<String>,
    Query(Key { key }): Query<Key>,
    Json(Parts { parts: wanted }): Json<Parts>,
) -> Result<Json<Uploaded>> {
    let upload = upload(&app, &user, id, &key)?;
    let missing = match app.store.list_parts(&upload).await {
        Ok(have) => {
            join(&app, &upload, &key, chosen(have, &wanted)?).await?;
            Refusal::unavailable("the store is still joining the parts: ask again in a minute")
        }
        // An earlier request has completed it, or it was cancelled.
        Err(error) if error.kind() == ErrorKind::NoSuchUpload => error.into(),
        Err(error) => return Err(error.into()),
    };
    if !appears(&app, &upload.at).await? {
        return Err(missing);
    }
    check_whole(&app, &upload.at).await?;
    let image = access::id(&upload.at);
    Ok(Json(Uploaded { location: format!("/api/v1/images/{image}/file"), image }))
}

async fn join(app: &Shared, upload: &Upload, key: &str, parts: Vec<Part>) -> Result<()> {
    if tessera_store::joined_size(&parts) > app.config.upload_bytes {
        app.store.abort_upload(upload).await?;
        return Err(too_large(app.config.upload_bytes));
    }
    app.store.complete_upload(upload, &parts, &by_key(key)).await?;
    Ok(())
}

/// Waits for the object of an upload, whose key is nobody else's: to a request that is repeated, by us or by the browser, a
/// store may say that it is done, or that there is no such upload, while it still copies the parts for the first one.
async fn appears(app: &Shared, at: &Location) -> Result<bool> {
    let end = Instant::now() + JOINING;
    let mut pause = Duration::from_millis(50);
    loop {
        match app.store.head(at).await {
            Ok(_) => return Ok(true),
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.into()),
            Err(_) if Instant::now() >= end => return Ok(false),
            Err(_) => tokio::time::sleep(pause).await,
        }
        pause = (pause * 2).min(Duration::from_secs(2));
    }
}

/// Deletes what is no image. What cannot be looked at now is left alone.
async fn check_whole(app: &Shared, at: &Location) -> Result<()> {
    match probe(app.store.as_ref(), at).await {
        Err(error) if matches!(error.kind(), ProbeKind::Unsupported | ProbeKind::Malformed) => {
            app.store.delete(std::slice::from_ref(at)).await?;
            Err(error.into())
        }
        _ => Ok(()),
    }
}

/// The parts that were asked for, as the store has them.
fn chosen(have: Vec<Part>, wanted: &[PartShown]) -> Result<Vec<Part>> {
    let is = |part: &Part, wanted: &PartShown| {
        part.number == wanted.part_number && part.etag == wanted.etag.trim_matches('"')
    };
    let found: Vec<Part> = have.into_iter().filter(|part| wanted.iter().any(|one| is(part, one))).collect();
    if found.is_empty() || found.len() != wanted.len() {
        return Err(Refusal::bad("some parts have not arrived: ask which there are, and send the others"));
    }
    Ok(found)
}

/// Cancels an upload.
#[utoipa::path(delete, path = "/s3/multipart/{upload}", tag = "uploads", params(("upload" = String, Path), Key),
    responses((status = 204)))]
pub(crate) async fn abort(
    State(app): State<Shared>,
    user: User,
    Path(id): Path<String>,
    Query(Key { key }): Query<Key>,
) -> Result<StatusCode> {
    app.store.abort_upload(&upload(&app, &user, id, &key)?).await?;
    Ok(StatusCode::NO_CONTENT)
}
