//! One watch for each kind in one namespace. Fills the caches, then says what has changed. Reads only.

use super::{Guarded, GuardedPool};
use futures::{StreamExt, future};
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Pod;
use kube::runtime::reflector::Lookup;
use kube::runtime::reflector::store::Writer;
use kube::runtime::watcher::Config;
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, Client, Resource, ResourceExt};
use serde::de::DeserializeOwned;
use std::fmt::Debug;
use tessera_core::name::label;
use tokio::sync::mpsc::UnboundedSender;

/// Seconds after which a silent watch is opened anew: a connection that died half-way would else be noticed after minutes.
const SECONDS: u32 = 45;

/// What has changed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Changed {
    /// The ImageJob of this name, or a stage of the one whose UID this is.
    Job(String),
    /// A stage of the ImageJob with this UID.
    Stage(String),
    /// The pool or its pods.
    System,
}

/// The watches, to be run once.
pub struct Watching {
    pub(super) client: Client,
    pub(super) namespace: String,
    pub(super) jobs: Writer<Guarded>,
    pub(super) stages: Writer<Job>,
    pub(super) pods: Writer<Pod>,
    pub(super) pools: Writer<GuardedPool>,
}

impl Watching {
    /// Watches for as long as the process lives.
    pub(crate) async fn run(self, changed: UnboundedSender<Changed>) {
        let Watching { client, namespace, jobs, stages, pods, pools } = self;
        let ours = || Config::default().timeout(SECONDS).labels(label::JOB_UID);
        let all = || Config::default().timeout(SECONDS);
        let tell = |what: Changed| {
            // Nobody listens while the process ends.
            let _ = changed.send(what);
        };
        let uid = |job: &Job| job.labels().get(label::JOB_UID).cloned();
        future::join4(
            watch(&client, &namespace, all(), jobs, |job: Guarded| tell(Changed::Job(name_of(&job)))),
            watch(&client, &namespace, ours(), stages, |job: Job| {
                uid(&job).map(Changed::Stage).into_iter().for_each(&tell);
            }),
            watch(&client, &namespace, ours(), pods, |_: Pod| tell(Changed::System)),
            watch(&client, &namespace, all(), pools, |_: GuardedPool| tell(Changed::System)),
        )
        .await;
    }
}

fn name_of(job: &Guarded) -> String {
    Resource::meta(job).name.clone().unwrap_or_default()
}

async fn watch<K>(client: &Client, namespace: &str, config: Config, writer: Writer<K>, tell: impl Fn(K))
where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()> + Lookup<DynamicType = ()>,
    K: Clone + Debug + DeserializeOwned + Send + Sync + 'static,
{
    let api: Api<K> = Api::namespaced(client.clone(), namespace);
    watcher(api, config)
        .default_backoff()
        .modify(|object| object.meta_mut().managed_fields = None)
        .reflect(writer)
        .touched_objects()
        .for_each(|object| {
            match object {
                Ok(object) => tell(object),
                Err(error) => {
                    tracing::warn!(kind = %<K as Resource>::kind(&()), %error, "the watch is interrupted")
                }
            }
            future::ready(())
        })
        .await;
}
