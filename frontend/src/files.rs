//! Downloads: the bytes of an object with ranges, so that they can go on after a break; the right type and name. Holds a
//! few MiB of each at most.

use crate::access;
use crate::app::Shared;
use crate::identity::User;
use crate::image::name_of;
use crate::jobs::show;
use crate::refusal::{Refusal, Result};
use crate::safety::headers::FILE_POLICY;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::ops::Range;
use tessera_store::{Location, ObjectInfo};

/// Bytes that are fetched at once.
const CHUNK: u64 = 1 << 20;

/// What RFC 5987 lets stand in a name, beside letters and digits.
const NAME: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The bytes of an image's file.
#[utoipa::path(get, path = "/images/{image}/file", tag = "images", params(("image" = String, Path)),
    responses((status = 200, description = "All bytes"), (status = 206, description = "A range"), (status = 304),
        (status = 404), (status = 416, description = "A range beyond the end")))]
pub(crate) async fn image_file(
    State(app): State<Shared>,
    user: User,
    Path(image): Path<String>,
    headers: HeaderMap,
) -> Result<Response> {
    let (at, _) = access::open(&app.config, &app.cluster, &user, &image)?;
    serve(&app, &user, &at, &headers).await
}

/// The result of a job.
#[utoipa::path(get, path = "/jobs/{name}/result", tag = "jobs", params(("name" = String, Path)),
    responses((status = 200, description = "All bytes"), (status = 206, description = "A range"), (status = 404),
        (status = 409, description = "It is not complete")))]
pub(crate) async fn job_result(
    State(app): State<Shared>,
    user: User,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Response> {
    let job = app.cluster.visible(&user, &name)?;
    if !show::is_complete(&job) {
        return Err(Refusal::conflict("this job has no result yet: wait until it is complete"));
    }
    let at: Location = job.spec.output.uri.parse().map_err(|_| Refusal::not_found("result"))?;
    access::right(&app.config, &app.cluster, &user, &at).ok_or_else(|| Refusal::not_found("result"))?;
    serve(&app, &user, &at, &headers).await
}

async fn serve(app: &Shared, user: &User, at: &Location, headers: &HeaderMap) -> Result<Response> {
    let info = app.store.head(at).await?;
    let tag = format!("\"{}\"", info.etag);
    let given = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    if given(header::IF_NONE_MATCH).is_some_and(|tags| matches_any(tags, &tag)) {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response());
    }
    let same = given(header::IF_RANGE).is_none_or(|wanted| wanted == tag);
    let range = match given(header::RANGE).filter(|_| same).map_or(Asked::All, |text| asked(text, info.size))
    {
        Asked::All => None,
        Asked::Part(range) => Some(range),
        Asked::Beyond => return Ok(beyond(info.size)),
    };
    let pass = app.gates.files.enter(user)?;
    let mut response = Response::new(body(app, &info, range.clone().unwrap_or(0..info.size), pass));
    let all = described(app, &info, &tag).await?;
    for (name, value) in all {
        response.headers_mut().insert(name, value);
    }
    let length = range.as_ref().map_or(info.size, |range| range.end - range.start);
    response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    if let Some(Range { start, end }) = range {
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
        let text = format!("bytes {start}-{}/{}", end - 1, info.size);
        response.headers_mut().insert(header::CONTENT_RANGE, value(&text));
    }
    Ok(response)
}

/// The headers that do not depend on the range.
async fn described(app: &Shared, info: &ObjectInfo, tag: &str) -> Result<Vec<(HeaderName, HeaderValue)>> {
    let start = app.store.get_range(&info.at, 0..info.size.min(16), Some(&info.etag)).await?;
    let name = match app.cluster.job_of_output(&info.at) {
        Some(job) => show::file_name(&job),
        None => name_of(info),
    };
    let mut all = vec![
        (header::CONTENT_TYPE, HeaderValue::from_static(media_type(&start))),
        (header::CONTENT_DISPOSITION, value(&disposition(&name))),
        (header::ACCEPT_RANGES, HeaderValue::from_static("bytes")),
        (header::ETAG, value(tag)),
        (header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache")),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(FILE_POLICY)),
    ];
    if let Some(time) = info.modified.and_then(|time| Timestamp::try_from(time).ok()) {
        let text = time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        all.push((header::LAST_MODIFIED, value(&text)));
    }
    Ok(all)
}

/// A header's value; what may not stand in one is not sent.
fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static(""))
}

/// The bytes of a range, fetched as they are read, all of the same version of the object.
fn body(app: &Shared, info: &ObjectInfo, range: Range<u64>, pass: crate::safety::Pass) -> Body {
    let starts = (range.start..range.end).step_by(usize::try_from(CHUNK).unwrap_or(usize::MAX));
    let (app, info, end) = (app.clone(), info.clone(), range.end);
    let fetch = move |start: u64| {
        let (app, info) = (app.clone(), info.clone());
        async move {
            let range = start..(start + CHUNK).min(end);
            let bytes = app.store.get_range(&info.at, range, Some(&info.etag)).await;
            app.metrics.downloaded.inc_by(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64));
            bytes
        }
    };
    let chunks = stream::iter(starts).map(fetch).buffered(2);
    Body::from_stream(chunks.inspect_ok(move |_| {
        // Whoever reads is inside until the last byte.
        let _ = &pass;
    }))
}

/// What a request wants of a file.
#[derive(Debug, PartialEq, Eq)]
enum Asked {
    All,
    Part(Range<u64>),
    Beyond,
}

/// One range of bytes; several, or what is no range, ask for everything (RFC 9110, section 14.2).
fn asked(text: &str, size: u64) -> Asked {
    let Some((first, last)) = text.strip_prefix("bytes=").and_then(|span| span.trim().split_once('-')) else {
        return Asked::All;
    };
    let number = |text: &str| text.parse::<u64>().ok().filter(|_| text.bytes().all(|c| c.is_ascii_digit()));
    let range = match (number(first), number(last)) {
        (Some(first), Some(last)) if first <= last => first..last.saturating_add(1).min(size),
        (Some(first), None) if last.is_empty() => first..size,
        (None, Some(last)) if first.is_empty() => size.saturating_sub(last)..size,
        _ => return Asked::All,
    };
    if range.start < range.end { Asked::Part(range) } else { Asked::Beyond }
}

fn beyond(size: u64) -> Response {
    let text = "the range begins beyond the end of the file: ask for the file anew";
    let mut response = Refusal::new(StatusCode::RANGE_NOT_SATISFIABLE, "BadRange", text).into_response();
    response.headers_mut().insert(header::CONTENT_RANGE, value(&format!("bytes */{size}")));
    response
}

fn matches_any(tags: &str, tag: &str) -> bool {
    let bare = |one: &str| one.trim().trim_start_matches("W/").to_owned();
    tags.trim() == "*" || tags.split(',').any(|one| bare(one) == tag)
}

/// By the first bytes; a file of users is never a page.
fn media_type(start: &[u8]) -> &'static str {
    match start {
        [0x89, b'P', b'N', b'G', ..] => "image/png",
        [0xff, 0xd8, 0xff, ..] => "image/jpeg",
        [b'I', b'I', 42 | 43, 0, ..] | [b'M', b'M', 0, 42 | 43, ..] => "image/tiff",
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => "image/webp",
        _ => "application/octet-stream",
    }
}

/// To be saved under this name; letters beyond ASCII as RFC 6266 has it.
fn disposition(name: &str) -> String {
    let safe: String =
        name.rsplit(['/', '\\']).next().unwrap_or(name).chars().filter(|c| !c.is_control()).collect();
    let plain = |c: char| if c.is_ascii_graphic() && !"\"\\%;".contains(c) || c == ' ' { c } else { '_' };
    let ascii: String = safe.chars().map(plain).collect();
    format!("attachment; filename=\"{ascii}\"; filename*=UTF-8''{}", utf8_percent_encode(&safe, NAME))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_range_is_understood_and_all_else_is_everything() {
        assert_eq!(asked("bytes=0-9", 100), Asked::Part(0..10));
        assert_eq!(asked("bytes=90-", 100), Asked::Part(90..100));
        assert_eq!(asked("bytes=-5", 100), Asked::Part(95..100));
        assert_eq!(asked("bytes=-500", 100), Asked::Part(0..100));
        assert_eq!(asked("bytes=50-9999999999999999999", 100), Asked::Part(50..100));
        for beyond in ["bytes=100-", "bytes=200-300", "bytes=-0"] {
            assert_eq!(asked(beyond, 100), Asked::Beyond, "{beyond}");
        }
        for everything in ["bytes=0-1,5-9", "bytes=9-3", "bytes=+1-2", "items=0-1", "bytes=-", "bytes=a-b"] {
            assert_eq!(asked(everything, 100), Asked::All, "{everything}");
        }
    }

    #[test]
    fn a_name_cannot_end_the_header_or_name_a_folder() {
        let header = disposition("../a/b\"; x=\r\n\u{fc}.tif");
        assert_eq!(header, "attachment; filename=\"b__ x=_.tif\"; filename*=UTF-8''b%22%3B%20x%3D%C3%BC.tif");
        assert!(HeaderValue::from_str(&header).is_ok());
    }
}
