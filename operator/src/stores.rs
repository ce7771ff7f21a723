//! The object store of a pool, from its spec and its Secret. Only Secrets of type `tessera.dev/store` are used.

use crate::context::Ctx;
use k8s_openapi::api::core::v1::Secret;
use kube::{Api, ResourceExt};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tessera_api::WorkerPool;
use tessera_api::workerpool::Checksums;
use tessera_core::observed::Problem;
use tessera_core::reason::Reason;
use tessera_store::{Credentials, S3Store, Store, StoreConfig, Timeouts};

/// Namespace and name of a pool.
type PoolKey = (String, String);

/// The stores in use, kept so that scratch can be cleaned after the pool or its Secret are gone.
#[derive(Debug, Default)]
pub(crate) struct Stores(Mutex<HashMap<PoolKey, Known>>);

/// A store as it was last configured.
#[derive(Debug, Clone)]
struct Known {
    config: StoreConfig,
    spec: tessera_api::workerpool::Store,
    read: Instant,
    store: Arc<dyn Store>,
}

/// Time for which a Secret that was read is believed.
const BELIEVED: Duration = Duration::from_secs(20);

impl Stores {
    /// The store that the pool had when it was last seen.
    pub(crate) fn remembered(&self, namespace: &str, pool: &str) -> Option<Arc<dyn Store>> {
        self.known(namespace, pool).map(|known| known.store)
    }

    /// The URI of the scratch that the pool had when it was last seen.
    pub(crate) fn remembered_scratch(&self, namespace: &str, pool: &str) -> Option<String> {
        self.known(namespace, pool).map(|known| known.spec.scratch)
    }

    fn known(&self, namespace: &str, pool: &str) -> Option<Known> {
        let stores = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        stores.get(&(namespace.to_owned(), pool.to_owned())).cloned()
    }

    /// The store of a pool whose spec is the same as when its Secret was read, not long ago.
    fn current(&self, pool: &WorkerPool) -> Option<Arc<dyn Store>> {
        let known = self.known(&pool.namespace().unwrap_or_default(), &pool.name_any())?;
        (known.spec == pool.spec.store && known.read.elapsed() < BELIEVED).then_some(known.store)
    }

    /// The store of this configuration; one that is in use already is used again.
    fn get(&self, pool: &WorkerPool, config: StoreConfig) -> Result<Arc<dyn Store>, Problem> {
        let key = (pool.namespace().unwrap_or_default(), pool.name_any());
        let (spec, read) = (pool.spec.store.clone(), Instant::now());
        let mut stores = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = stores.get_mut(&key)
            && known.config == config
        {
            (known.spec, known.read) = (spec, read);
            return Ok(known.store.clone());
        }
        let store = S3Store::new(&config).map_err(|error| unavailable(error.to_string()))?;
        let store: Arc<dyn Store> = Arc::new(store);
        stores.insert(key, Known { config, spec, read, store: store.clone() });
        Ok(store)
    }
}

/// The pool's store.
///
/// # Errors
/// The Secret is missing or of another type, or the endpoint is not allowed: something to wait for.
pub(crate) async fn of(ctx: &Ctx, pool: &WorkerPool) -> kube::Result<Result<Arc<dyn Store>, Problem>> {
    if let Some(store) = ctx.stores.current(pool) {
        return Ok(Ok(store));
    }
    let namespace = pool.namespace().unwrap_or_default();
    let name = &pool.spec.store.secret_name;
    let secrets: Api<Secret> = Api::namespaced(ctx.client.clone(), &namespace);
    let Some(secret) = secrets.get_opt(name).await? else {
        return Ok(Err(unavailable(format!(
            "there is no Secret {name} in namespace {namespace}, which WorkerPool {} names: create it with type {} and the keys accessKeyId and secretAccessKey",
            pool.name_any(),
            tessera_api::STORE_SECRET_TYPE
        ))));
    };
    Ok(configure(ctx, pool, &secret).and_then(|config| ctx.stores.get(pool, config)))
}

/// Where the pool's store is, without credentials: what worker pods get as environment.
pub(crate) fn configuration(pool: &WorkerPool, credentials: Credentials) -> StoreConfig {
    let spec = &pool.spec.store;
    StoreConfig {
        region: spec.region.clone(),
        path_style: spec.path_style,
        checksums: match spec.checksums {
            Checksums::WhenSupported => tessera_store::Checksums::WhenSupported,
            Checksums::WhenRequired => tessera_store::Checksums::WhenRequired,
        },
        timeouts: Timeouts::PROBE,
        ..StoreConfig::new(spec.endpoint.clone(), credentials)
    }
}

fn configure(ctx: &Ctx, pool: &WorkerPool, secret: &Secret) -> Result<StoreConfig, Problem> {
    check_endpoint(ctx, pool.spec.store.endpoint.as_deref())?;
    let config = configuration(pool, credentials(secret)?);
    config.check().map_err(|error| unavailable(error.to_string()))?;
    Ok(config)
}

fn check_endpoint(ctx: &Ctx, endpoint: Option<&str>) -> Result<(), Problem> {
    let allowed = &ctx.config.allowed_endpoints;
    match endpoint {
        Some(endpoint) if !allowed.is_empty() && !allowed.iter().any(|one| one == endpoint) => {
            Err(unavailable(format!(
                "the endpoint {endpoint} is not one that this installation allows (chart value operator.allowedEndpoints)"
            )))
        }
        Some(_) | None => Ok(()),
    }
}

fn credentials(secret: &Secret) -> Result<Credentials, Problem> {
    let name = secret.name_any();
    if secret.type_.as_deref() != Some(tessera_api::STORE_SECRET_TYPE) {
        return Err(unavailable(format!(
            "the Secret {name} is not of type {}, and no other is used: delete it and create it with that type",
            tessera_api::STORE_SECRET_TYPE
        )));
    }
    let value = |key: &str| {
        let bytes = secret.data.as_ref().and_then(|data| data.get(key))?;
        String::from_utf8(bytes.0.clone()).ok().filter(|text| !text.is_empty())
    };
    let need = |key: &str| {
        value(key).ok_or_else(|| unavailable(format!("the Secret {name} has no key {key}: add it")))
    };
    Ok(Credentials {
        access_key_id: need("accessKeyId")?,
        secret_access_key: need("secretAccessKey")?,
        session_token: value("sessionToken"),
    })
}

pub(crate) fn unavailable(message: String) -> Problem {
    Problem::new(Reason::StoreUnavailable, message)
}
