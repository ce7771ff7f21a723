//! What the operator is told from outside: flags and environment, and how it reaches the API server.

use crate::calls::Calls;
use clap::Parser;
use kube::Client;
use kube::client::ClientBuilder;
use std::time::Duration;

/// The operator of Tessera.
#[derive(Debug, Clone, Parser)]
#[command(version)]
pub(crate) struct Config {
    /// The worker's container image. A plan pins it, so that all stages of one ImageJob run the same code.
    #[arg(long, env = "TESSERA_WORKER_IMAGE")]
    pub(crate) worker_image: String,

    /// Pull policy of the worker's image.
    #[arg(long, env = "TESSERA_WORKER_PULL_POLICY", default_value = "IfNotPresent")]
    pub(crate) worker_pull_policy: String,

    /// Namespace of the operator: its Lease lies there.
    #[arg(long, env = "POD_NAMESPACE", default_value = "tessera-system")]
    pub(crate) namespace: String,

    /// Name of this replica: the holder of the Lease.
    #[arg(long, env = "POD_NAME", default_value = "tessera-operator")]
    pub(crate) identity: String,

    /// The only namespace to watch; unset: all of them.
    #[arg(long, env = "TESSERA_WATCH_NAMESPACE")]
    pub(crate) watch_namespace: Option<String>,

    /// Endpoints that pools may name, separated by commas; empty: any that is not link-local.
    #[arg(long, env = "TESSERA_ALLOWED_ENDPOINTS", value_delimiter = ',')]
    pub(crate) allowed_endpoints: Vec<String>,

    /// ServiceAccounts that pools may give their workers, separated by commas; `default` is always allowed.
    #[arg(long, env = "TESSERA_ALLOWED_SERVICE_ACCOUNTS", value_delimiter = ',')]
    pub(crate) allowed_service_accounts: Vec<String>,

    /// Address of health checks and metrics.
    #[arg(long, env = "TESSERA_LISTEN", default_value = "0.0.0.0:8080")]
    pub(crate) listen: std::net::SocketAddr,

    /// Name of the Service through which the API server reaches the external metrics API of this replica, and of the
    /// Secret of its certificate, both in the operator's namespace; unset: that API is not served.
    #[arg(long, env = "TESSERA_EXTERNAL_METRICS_SERVICE")]
    pub(crate) external_metrics_service: Option<String>,

    /// Address of the external metrics API.
    #[arg(long, env = "TESSERA_EXTERNAL_METRICS_LISTEN", default_value = "0.0.0.0:6443")]
    pub(crate) external_metrics_listen: std::net::SocketAddr,
}

/// A client whose calls end (the default one would wait for an answer without limit) and are counted.
pub(crate) async fn client(calls: &Calls) -> anyhow::Result<Client> {
    let mut config = kube::Config::infer().await?;
    config.connect_timeout = Some(Duration::from_secs(5));
    // Longer than a watch may be silent, see `objects::watch`.
    config.read_timeout = Some(Duration::from_secs(60));
    config.write_timeout = Some(Duration::from_secs(15));
    Ok(ClientBuilder::try_from(config)?.with_layer(calls).build())
}

/// A client for the lease: it must fail well before the lease runs out.
pub(crate) async fn lease_client() -> anyhow::Result<Client> {
    let mut config = kube::Config::infer().await?;
    config.connect_timeout = Some(Duration::from_secs(2));
    config.read_timeout = Some(Duration::from_secs(3));
    config.write_timeout = Some(Duration::from_secs(3));
    config.default_retry = false;
    Ok(Client::try_from(config)?)
}
