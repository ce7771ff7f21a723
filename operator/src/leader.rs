//! Leader election by a Lease. A replica that loses the lease exits: what it was about to write could be out of date.

use crate::config::{self, Config};
use kube_lease_manager::{LeaseManager, LeaseManagerBuilder};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Name of the Lease.
pub(crate) const LEASE: &str = "tessera-operator";

/// Seconds that a lease is valid without being renewed.
const DURATION: u64 = 15;

/// Seconds before its end when it is renewed.
const GRACE: u64 = 8;

/// Seconds that giving the lease back may take.
const RELEASE: Duration = Duration::from_secs(3);

/// The lease while it is held.
pub(crate) struct Leader {
    leading: watch::Receiver<bool>,
    task: JoinHandle<kube_lease_manager::Result<LeaseManager>>,
}

/// Waits until this replica leads.
pub(crate) async fn acquire(config: &Config) -> anyhow::Result<Leader> {
    let manager = LeaseManagerBuilder::new(config::lease_client().await?, LEASE)
        .with_namespace(&config.namespace)
        .with_identity(&config.identity)
        .with_duration(DURATION)
        .with_grace(GRACE)
        .with_field_manager(format!("tessera-operator-{}", config.identity))
        .build()
        .await?;
    let (mut leading, task) = manager.watch().await;
    tracing::info!(lease = LEASE, namespace = config.namespace, "waiting for the lease");
    leading.wait_for(|leads| *leads).await?;
    tracing::info!("leading");
    Ok(Leader { leading, task })
}

impl Leader {
    /// Returns when the lease is lost.
    pub(crate) async fn lost(&mut self) {
        // An error means that the manager's task has ended: the lease is not renewed any more either.
        let _ = self.leading.wait_for(|leads| !*leads).await;
    }

    /// Gives the lease back: the manager's task does so when nobody listens any more.
    pub(crate) async fn release(self) {
        drop(self.leading);
        if tokio::time::timeout(RELEASE, self.task).await.is_err() {
            tracing::warn!("the lease could not be given back; it runs out by itself");
        }
    }
}
