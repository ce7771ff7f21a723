//! What every reconcile shares: client, configuration, stores, metrics, recorder, clock.

use crate::calls::Calls;
use crate::config::Config;
use crate::figures::Figures;
use crate::metrics::Metrics;
use crate::pace::Pace;
use crate::pool::{Checks, Ledger};
use crate::stores::Stores;
use crate::watches::Watches;
use kube::Client;
use kube::runtime::events::{Recorder, Reporter};
use std::sync::atomic::{AtomicBool, Ordering};

/// Shared by all reconciles.
pub(crate) struct Ctx {
    pub(crate) client: Client,
    pub(crate) config: Config,
    pub(crate) stores: Stores,
    pub(crate) metrics: Metrics,
    pub(crate) recorder: Recorder,
    pub(crate) health: Health,
    pub(crate) watches: Watches,
    pub(crate) ledger: Ledger,
    pub(crate) checks: Checks,
    pub(crate) figures: Figures,
    pub(crate) pace: Pace,
}

impl Ctx {
    /// The context of a process.
    pub(crate) fn new(client: Client, config: Config, calls: &Calls) -> Ctx {
        let reporter =
            Reporter { controller: "tessera-operator".into(), instance: Some(config.identity.clone()) };
        Ctx {
            recorder: Recorder::new(client.clone(), reporter),
            health: Health::new(config.external_metrics_service.is_some()),
            client,
            config,
            stores: Stores::default(),
            metrics: Metrics::new(calls),
            watches: Watches::new(),
            ledger: Ledger::default(),
            checks: Checks::default(),
            figures: Figures::new(),
            pace: Pace::default(),
        }
    }

    /// The time. The only clock of the operator: steps that decide get it as a parameter.
    pub(crate) fn now(&self) -> jiff::Timestamp {
        jiff::Timestamp::now()
    }
}

/// What the health endpoints tell.
#[derive(Debug)]
pub(crate) struct Health {
    leading: AtomicBool,
    ready: AtomicBool,
}

impl Health {
    /// A replica that waits for the lease is ready: it would take over, and a rollout must not wait for it. One that
    /// serves the metrics API is ready when it does: else the API would be gone for a moment in each rollout.
    fn new(serves_external_metrics: bool) -> Health {
        Health { leading: AtomicBool::new(false), ready: AtomicBool::new(!serves_external_metrics) }
    }

    /// This replica leads.
    pub(crate) fn set_leading(&self) {
        self.leading.store(true, Ordering::Relaxed);
    }

    /// Whether this replica leads.
    pub(crate) fn leads(&self) -> bool {
        self.leading.load(Ordering::Relaxed)
    }

    /// This replica serves all that it is to serve.
    pub(crate) fn set_ready(&self) {
        self.ready.store(true, Ordering::Relaxed);
    }

    /// Whether this replica serves all that it is to serve.
    pub(crate) fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Relaxed)
    }
}
