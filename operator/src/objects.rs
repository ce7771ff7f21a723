//! Small things that every controller needs of the Kubernetes API: scoped clients, watches, patches.

use crate::context::Ctx;
use kube::api::{Patch, PatchParams};
use kube::runtime::watcher;
use kube::{Api, Resource};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt::Debug;

/// Field manager of everything that a controller writes but the status of ImageJobs.
pub(crate) const MANAGER: &str = "tessera-operator";

/// Seconds after which a silent watch is opened anew: a connection that died half-way would else be noticed after minutes.
const WATCH_SECONDS: u32 = 45;

/// The objects of one kind that the operator watches.
pub(crate) fn watched<K>(ctx: &Ctx) -> Api<K>
where
    K: Resource<Scope = k8s_openapi::NamespaceResourceScope, DynamicType = ()>,
{
    match &ctx.config.watch_namespace {
        Some(namespace) => Api::namespaced(ctx.client.clone(), namespace),
        None => Api::all(ctx.client.clone()),
    }
}

/// A watch that is opened anew often enough.
pub(crate) fn watch() -> watcher::Config {
    watcher::Config::default().timeout(WATCH_SECONDS)
}

/// Writes the status by server-side apply under `manager`; what another manager owns is left alone.
pub(crate) async fn apply_status<K, S>(
    api: &Api<K>,
    name: &str,
    manager: &str,
    status: &S,
) -> kube::Result<()>
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug,
    S: Serialize,
{
    let object = serde_json::json!({
        "apiVersion": K::api_version(&()),
        "kind": K::kind(&()),
        "status": status,
    });
    api.patch_status(name, &PatchParams::apply(manager).force(), &Patch::Apply(object)).await.map(|_| ())
}

/// `Ok(())` where the object is not there (any more).
pub(crate) fn gone_is_fine<T>(result: kube::Result<T>) -> kube::Result<()> {
    match result {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
        Err(error) => Err(error),
    }
}

/// `Ok(())` where an object of that name exists already: created by an earlier try.
pub(crate) fn exists_is_fine<T>(result: kube::Result<T>) -> kube::Result<()> {
    match result {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) if status.code == 409 && status.reason == "AlreadyExists" => Ok(()),
        Err(error) => Err(error),
    }
}

/// An error with all its causes in one line.
pub(crate) fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
