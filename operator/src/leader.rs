//! Leader election by a Lease. A replica that loses the lease exits: what it was about to write could be out of date.

use crate::config::{self, Config};
use kube_lease_manager::LeaseManagerBuilder;
use tokio::sync::watch;

/// Seconds that a lease is valid without being renewed.
const DURATION: u64 = 15;

/// Seconds before its end when it is renewed.
const GRACE: u64 = 8;

/// The lease while it is held.
pub(crate) struct Leader(watch::Receiver<bool>);

/// Waits until this replica leads.
pub(crate) async fn acquire(config: &Config) -> anyhow::Result<Leader> {
    let manager = LeaseManagerBuilder::new(config::lease_client().await?, "tessera-operator")
        .with_namespace(&config.namespace)
        .with_identity(&config.identity)
        .with_duration(DURATION)
        .with_grace(GRACE)
        .with_field_manager(format!("tessera-operator-{}", config.identity))
        .build()
        .await?;
    let (mut leading, _task) = manager.watch().await;
    tracing::info!(lease = "tessera-operator", namespace = config.namespace, "waiting for the lease");
    leading.wait_for(|leads| *leads).await?;
    tracing::info!("leading");
    Ok(Leader(leading))
}

impl Leader {
    /// Returns when the lease is lost.
    pub(crate) async fn lost(mut self) {
        // An error means that the manager's task has ended: the lease is not renewed any more either.
        let _ = self.0.wait_for(|leads| !*leads).await;
    }
}
