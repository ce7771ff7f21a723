//! What of a pool's shape this installation does not allow. Pure.

use crate::config::Config;
use tessera_api::WorkerPool;
use tessera_core::observed::Problem;
use tessera_core::reason::Reason;

/// Why the pool's pods may not be started; `None` if they may.
///
/// A ServiceAccount gives rights in the cloud, or pulls images with its secrets: a pool's author gets only those that the
/// installation names.
pub(crate) fn refused(pool: &WorkerPool, config: &Config) -> Option<Problem> {
    let name = pool.spec.worker.service_account_name.as_deref().filter(|name| *name != "default")?;
    if config.allowed_service_accounts.iter().any(|one| one == name) {
        return None;
    }
    let text = format!(
        "this installation does not allow workers the ServiceAccount {name}: name another in spec.worker.serviceAccountName of the WorkerPool, or have it added to the chart value operator.allowedServiceAccounts"
    );
    Some(Problem::new(Reason::WaitingForPool, text))
}
