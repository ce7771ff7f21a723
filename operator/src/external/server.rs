//! HTTPS for the external metrics API: who asks, may they, and the answer. Every request ends in time.

use super::access::{Access, Question};
use super::api::{self, Metric};
use super::certificate::Serving;
use super::proxy::{Trust, User};
use super::selector;
use crate::context::Ctx;
use crate::objects::causes;
use anyhow::Context as _;
use axum::extract::{Path, Query, Request, State};
use axum::http::StatusCode;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Json, Router};
use axum_server::tls::TlsInfo;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use rustls::ServerConfig;
use rustls::pki_types::UnixTime;
use rustls::sign::SingleCertAndKey;
use serde::Deserialize;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch::Receiver;

/// A request that takes longer is answered with a timeout. The API server gives up after 5 s in some places.
const REQUEST: Duration = Duration::from_secs(5);

/// How long a connection may be silent, within a request or between two.
const SILENCE: Duration = Duration::from_secs(30);

/// Whom to believe and what to serve, as both change.
#[derive(Clone)]
pub(super) struct Keys {
    pub(super) trust: Receiver<Option<Arc<Trust>>>,
    pub(super) certificate: Receiver<Option<Serving>>,
}

#[derive(Clone)]
struct Server {
    ctx: Arc<Ctx>,
    trust: Receiver<Option<Arc<Trust>>>,
    access: Arc<Access>,
}

/// Serves as soon as the keys are known, until the process ends.
pub(super) async fn serve(ctx: Arc<Ctx>, mut keys: Keys) -> anyhow::Result<()> {
    keys.trust.wait_for(Option::is_some).await?;
    keys.certificate.wait_for(Option::is_some).await?;
    let config = RustlsConfig::from_config(tls(&keys)?);
    let address = ctx.config.external_metrics_listen;
    let listener =
        std::net::TcpListener::bind(address).with_context(|| format!("cannot listen on {address}"))?;
    let acceptor = RustlsAcceptor::new(config.clone()).handshake_timeout(REQUEST);
    let mut server = axum_server::from_tcp(listener)?.acceptor(acceptor).http1_only();
    server.http_builder().http1().header_read_timeout(SILENCE);
    ctx.health.set_ready();
    tracing::info!(%address, "external metrics");
    let router = router(Server { ctx, trust: keys.trust.clone(), access: Arc::default() });
    tokio::select! {
        ended = server.serve(router.into_make_service()) => Ok(ended?),
        ended = reload(&config, keys) => ended,
    }
}

/// New connections use new keys at once.
async fn reload(config: &RustlsConfig, mut keys: Keys) -> anyhow::Result<()> {
    loop {
        tokio::select! {
            changed = keys.trust.changed() => changed?,
            changed = keys.certificate.changed() => changed?,
        }
        config.reload_from_config(tls(&keys)?);
    }
}

fn tls(keys: &Keys) -> anyhow::Result<Arc<ServerConfig>> {
    let trust = keys.trust.borrow().clone().context("the trust is known by now")?;
    let certificate = keys.certificate.borrow().clone().context("the certificate is known by now")?;
    let mut config = ServerConfig::builder_with_provider(super::provider())
        .with_safe_default_protocol_versions()?
        .with_client_cert_verifier(trust.verifier())
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(certificate.key)));
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn router(server: Server) -> Router {
    let of_group = format!("/apis/{}", api::GROUP);
    let of_version = format!("{of_group}/{}", api::VERSION);
    Router::new()
        .route("/apis", get(|| async { Json(api::groups()) }))
        .route(&of_group, get(|| async { Json(api::group()) }))
        .route(&of_version, get(|| async { Json(api::resources()) }))
        .route(&format!("{of_version}/namespaces/{{namespace}}/{{metric}}"), get(values))
        .fallback(|| async { refuse(StatusCode::NOT_FOUND, "there is nothing at this path") })
        .method_not_allowed_fallback(|| async {
            refuse(StatusCode::METHOD_NOT_ALLOWED, "metrics can only be read")
        })
        .layer(middleware::from_fn_with_state(server.clone(), admit))
        .with_state(server)
}

/// Lets in whom the aggregator names, and no request for longer than it may take.
async fn admit(State(server): State<Server>, mut request: Request, next: Next) -> Response {
    let user = match user(&server, &request) {
        Ok(user) => user,
        Err(stranger) => return refuse(StatusCode::UNAUTHORIZED, &stranger),
    };
    request.extensions_mut().insert(user);
    match tokio::time::timeout(REQUEST, next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            refuse(StatusCode::GATEWAY_TIMEOUT, "the API server has not said in time who may read this")
        }
    }
}

/// Who asks; else why nobody is believed.
fn user(server: &Server, request: &Request) -> Result<User, String> {
    let trust = server.trust.borrow().clone().ok_or("nobody is trusted yet")?;
    let chain = request.extensions().get::<Arc<TlsInfo>>().map(|tls| tls.peer_certificates.as_slice());
    let now = UnixTime::since_unix_epoch(
        server.ctx.now().duration_since(jiff::Timestamp::UNIX_EPOCH).unsigned_abs(),
    );
    trust.user(chain.unwrap_or_default(), request.headers(), now).map_err(|stranger| causes(&stranger))
}

/// The query of a request.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asked {
    #[serde(default)]
    label_selector: String,
}

async fn values(
    State(server): State<Server>,
    Extension(user): Extension<User>,
    Path((namespace, metric)): Path<(String, String)>,
    Query(asked): Query<Asked>,
) -> Response {
    let Some(metric) = Metric::named(&metric) else {
        return refuse(StatusCode::NOT_FOUND, &format!("there is no metric {metric}"));
    };
    let selector = match selector::parse(&asked.label_selector) {
        Ok(selector) => selector,
        Err(error) => return refuse(StatusCode::BAD_REQUEST, &error.to_string()),
    };
    let question = Question { user, namespace: namespace.clone(), metric };
    let denied =
        format!("user \"{}\" cannot list {} in namespace {namespace}", question.user.name, metric.name());
    match server.access.allows(&server.ctx.client, question).await {
        Ok(true) => {}
        Ok(false) => return refuse(StatusCode::FORBIDDEN, &denied),
        Err(error) => {
            tracing::warn!(error = %causes(&error), "external metrics: no SubjectAccessReview");
            let words = "the API server did not say whether this may be read";
            return refuse(StatusCode::INTERNAL_SERVER_ERROR, words);
        }
    }
    let now = server.ctx.now();
    Json(api::values(metric, &namespace, &selector, &server.ctx.figures.at(now), now)).into_response()
}

fn refuse(code: StatusCode, message: &str) -> Response {
    (code, Json(api::refusal(code, message))).into_response()
}
