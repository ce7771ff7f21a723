//! What is printed when a test fails: the objects of its namespace, their events, what lies in scratch, and what the
//! operator said of it. It reads only, and an answer that fails is printed too.

use crate::namespace::Namespace;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::api::events::v1::Event;
use kube::api::{ListParams, LogParams};
use kube::{Api, Resource, ResourceExt};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt::Debug;
use tessera_api::{ImageJob, WorkerPool};
use tessera_store::Store;

/// The namespace of the operator.
pub const OPERATOR_NAMESPACE: &str = "tessera-system";

/// Labels of the operator's pods.
pub const OPERATOR_LABELS: &str = "app.kubernetes.io/component=operator";

/// Lines of the operator's log that are printed at most.
const LOG_LINES: usize = 60;

/// Prints all that is known of a test.
pub async fn dump(ns: &Namespace) {
    eprintln!("---- namespace {} ----", ns.name);
    statuses::<WorkerPool>(ns).await;
    statuses::<ImageJob>(ns).await;
    statuses::<Job>(ns).await;
    statuses::<Pod>(ns).await;
    events(ns).await;
    scratch(ns).await;
    worker_logs(ns).await;
    operator_log(ns).await;
    eprintln!("---- end of {} ----", ns.name);
}

async fn statuses<K>(ns: &Namespace)
where
    K: Resource<Scope = k8s_openapi::NamespaceResourceScope, DynamicType = ()>,
    K: Clone + Debug + Serialize + DeserializeOwned,
{
    let kind = K::kind(&());
    match ns.api::<K>().list(&ListParams::default()).await {
        Ok(list) => list.items.iter().for_each(|object| {
            let json = serde_json::to_value(object).unwrap_or_default();
            eprintln!("{kind} {}: {}", object.name_any(), json.get("status").unwrap_or_default());
        }),
        Err(error) => eprintln!("{kind}: {error}"),
    }
}

async fn events(ns: &Namespace) {
    let mut all = match ns.api::<Event>().list(&ListParams::default()).await {
        Ok(list) => list.items,
        Err(error) => return eprintln!("events: {error}"),
    };
    all.sort_by_key(|event| event.creation_timestamp().map(|time| time.0));
    for event in all {
        let about = event.regarding.clone().unwrap_or_default();
        eprintln!(
            "event {} {}/{} {}: {}",
            event.creation_timestamp().map(|time| time.0.to_string()).unwrap_or_default(),
            about.kind.unwrap_or_default(),
            about.name.unwrap_or_default(),
            event.reason.unwrap_or_default(),
            event.note.unwrap_or_default()
        );
    }
}

async fn scratch(ns: &Namespace) {
    let Ok(folder) = ns.folder("results") else { return };
    match (ns.store.list(&folder, None).await, ns.store.list_uploads(&folder).await) {
        (Ok(objects), Ok(uploads)) => {
            objects.iter().for_each(|info| eprintln!("object {} of {} bytes", info.at, info.size));
            uploads.iter().for_each(|upload| eprintln!("open upload {}", upload.at));
        }
        (Err(error), _) | (_, Err(error)) => eprintln!("store: {error}"),
    }
}

/// The last words of workers that have failed.
async fn worker_logs(ns: &Namespace) {
    let pods: Api<Pod> = ns.api();
    let Ok(list) = pods.list(&ListParams::default()).await else { return };
    let failed = |pod: &&Pod| pod.status.as_ref().is_some_and(|one| one.phase.as_deref() == Some("Failed"));
    for pod in list.items.iter().filter(failed).take(4) {
        let tail = LogParams { tail_lines: Some(5), ..LogParams::default() };
        match pods.logs(&pod.name_any(), &tail).await {
            Ok(log) => eprintln!("log of {}:\n{log}", pod.name_any()),
            Err(error) => eprintln!("log of {}: {error}", pod.name_any()),
        }
    }
}

/// The end of what the operator has logged of this namespace.
async fn operator_log(ns: &Namespace) {
    let pods: Api<Pod> = Api::namespaced(ns.client.clone(), OPERATOR_NAMESPACE);
    let operators = pods.list(&ListParams::default().labels(OPERATOR_LABELS)).await;
    let operators = operators.map(|list| list.items).unwrap_or_default();
    if operators.is_empty() {
        eprintln!("no operator runs in namespace {OPERATOR_NAMESPACE}: make install");
    }
    for pod in operators {
        let log = pods.logs(&pod.name_any(), &LogParams::default()).await.unwrap_or_default();
        let about: Vec<&str> = log.lines().filter(|line| line.contains(&ns.name)).collect();
        let start = about.len().saturating_sub(LOG_LINES);
        eprintln!("log of {}:\n{}", pod.name_any(), about[start..].join("\n"));
    }
}
