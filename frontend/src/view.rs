//! How an image is shown: as it is, or by a view copy (tiled, with overviews, without loss) that is made once. Small copies are
//! the preview's work, large ones an ImageJob's; tiles are passed on from the preview.

mod copies;

use crate::access;
use crate::app::Shared;
use crate::identity::User;
use crate::preview::query;
use crate::refusal::{Refusal, Result};
use axum::Json;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderValue, Response, StatusCode, header};
use serde::{Deserialize, Serialize};
use tessera_probe::probe;
use utoipa::{IntoParams, ToSchema};

pub(crate) use copies::{Views, delete_old, state};

/// The longest chain in an address, in characters.
const LONGEST_CHAIN: usize = 32 << 10;

/// Whether an image can be shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase", tag = "state")]
pub(crate) enum ViewState {
    /// It can.
    Ready,
    /// A copy has to be made first (`job` null and progress 0: nobody has asked for it yet).
    Preparing {
        /// Of 100.
        progress: u32,
        /// The ImageJob that makes it.
        job: Option<String>,
    },
    /// The copy could not be made.
    Failed {
        /// Why, and what to do.
        message: String,
    },
}

/// What is shown.
#[derive(Debug, Deserialize, IntoParams)]
pub(crate) struct ViewAsked {
    /// The operations, as an ImageJob has them, in JSON; none: the image itself.
    #[serde(default)]
    chain: Option<String>,
}

/// Which version of a tile.
#[derive(Debug, Deserialize, IntoParams)]
pub(crate) struct TileAsked {
    /// The operations in JSON.
    #[serde(default)]
    chain: Option<String>,
    /// As the view says.
    etag: String,
    /// The version of the engine, as the view says: only so that addresses differ.
    #[serde(default)]
    #[expect(dead_code, reason = "it stands in the address for the browser's cache alone")]
    v: Option<String>,
    /// `1`: exact, whatever it costs; at level 0.
    #[serde(default)]
    exact: Option<String>,
}

fn chain(given: Option<String>) -> Result<String> {
    let chain = given.filter(|chain| !chain.is_empty()).unwrap_or_else(|| "[]".to_owned());
    if chain.len() > LONGEST_CHAIN {
        let text = "the chain is too long for a preview: use smaller kernels or fewer operations";
        return Err(Refusal::new(StatusCode::URI_TOO_LONG, "InvalidChain", text));
    }
    match serde_json::from_str::<Vec<serde_json::Value>>(&chain) {
        Ok(_) => Ok(chain),
        Err(error) => Err(Refusal::bad(format!("the chain is no list in JSON ({error}): write [] for none"))),
    }
}

/// The levels and their quality, to be shown tile by tile.
#[utoipa::path(get, path = "/images/{image}/view", tag = "images", params(("image" = String, Path), ViewAsked),
    responses((status = 200, body = serde_json::Value), (status = 409, description = "A view copy has to be made first: POST here"),
        (status = 422, description = "The chain does not fit the image")))]
pub(crate) async fn show(
    State(app): State<Shared>,
    user: User,
    Path(image): Path<String>,
    Query(asked): Query<ViewAsked>,
) -> Result<Json<serde_json::Value>> {
    let chain = chain(asked.chain)?;
    let (at, _) = access::open(&app.config, &app.cluster, &user, &image)?;
    let uri = copies::shown(&app, &at).await?;
    Ok(Json(app.preview.view(&uri, &chain).await?))
}

/// Makes the view copy, where one is needed; to be repeated until it is ready.
#[utoipa::path(post, path = "/images/{image}/view", tag = "images", params(("image" = String, Path)),
    responses((status = 200, body = ViewState)))]
pub(crate) async fn make(
    State(app): State<Shared>,
    user: User,
    Path(image): Path<String>,
) -> Result<Json<ViewState>> {
    let (at, _) = access::open(&app.config, &app.cluster, &user, &image)?;
    let probed = probe(app.store.as_ref(), &at).await?;
    Ok(Json(copies::make(&app, &user, &probed).await?))
}

/// A tile of the view, 512 x 512 pixels but at the edges.
#[utoipa::path(get, path = "/tiles/{image}/{level}/{tile}", tag = "images",
    params(("image" = String, Path), ("level" = u32, Path, description = "0: full size, n: 1/2^n"),
        ("tile" = String, Path, description = "Column and row, as 3_7"), TileAsked),
    responses((status = 200, description = "A picture of 8 bits; its quality stands in Tessera-Quality"),
        (status = 412, description = "The image has changed: ask for the view anew")))]
pub(crate) async fn tile(
    State(app): State<Shared>,
    user: User,
    Path((image, level, tile)): Path<(String, u32, String)>,
    Query(asked): Query<TileAsked>,
) -> Result<Response<Body>> {
    let numbers =
        tile.split_once('_').and_then(|(x, y)| Some((x.parse::<u32>().ok()?, y.parse::<u32>().ok()?)));
    let (x, y) = numbers.ok_or_else(|| Refusal::bad("a tile is column_row, such as 3_7"))?;
    let chain = chain(asked.chain)?;
    let (at, _) = access::open(&app.config, &app.cluster, &user, &image)?;
    let _pass = app.gates.tiles.enter(&user)?;
    let uri = copies::shown(&app, &at).await?;
    let (level, x, y) = (level.to_string(), x.to_string(), y.to_string());
    let mut pairs = vec![("uri", uri.as_str()), ("etag", asked.etag.as_str()), ("chain", chain.as_str())];
    pairs.extend([("level", level.as_str()), ("x", x.as_str()), ("y", y.as_str())]);
    pairs.extend((asked.exact.as_deref() == Some("1")).then_some(("exact", "1")));
    let mut response = app.preview.tile(&query(&pairs)).await?;
    let forever = HeaderValue::from_static("private, max-age=31536000, immutable");
    response.headers_mut().insert(header::CACHE_CONTROL, forever);
    Ok(response)
}
