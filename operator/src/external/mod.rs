//! `external.metrics.k8s.io/v1beta1`, served to the API server by every replica, so that a HorizontalPodAutoscaler can
//! follow a pool's queue without any other component. Reads pools; writes its own certificate and nothing else.

mod access;
mod api;
mod certificate;
mod proxy;
mod selector;
mod server;
mod upkeep;

use crate::context::Ctx;
use rustls::crypto::CryptoProvider;
use std::sync::Arc;
use tokio::sync::watch;

/// Serves until the process ends; never ends where it is switched off.
pub(crate) async fn serve(ctx: Arc<Ctx>) -> anyhow::Result<()> {
    let Some(service) = ctx.config.external_metrics_service.clone() else {
        return std::future::pending().await;
    };
    let (trusts, trust) = watch::channel(None);
    let (certificates, certificate) = watch::channel(None);
    tokio::select! {
        () = proxy::watch_trust(&ctx, trusts) => anyhow::bail!("the watch of the aggregator's CA has ended"),
        () = upkeep::keep(&ctx, &service, certificates) => anyhow::bail!("the upkeep of the certificate has ended"),
        ended = server::serve(ctx.clone(), server::Keys { trust, certificate }) => ended,
    }
}

/// The cryptography of everything here, the same as of the clients.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}
