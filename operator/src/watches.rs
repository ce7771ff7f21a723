//! One watch for each kind: it keeps a cache and then tells its listeners, so that what woke a reconcile is in the cache
//! when it is read. Reads only.

use crate::context::Ctx;
use crate::imagejob::Guarded;
use crate::objects::{watch, watched};
use crate::pool::GuardedPool;
use futures::channel::mpsc;
use futures::{Stream, StreamExt};
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Pod;
use kube::runtime::reflector::store::Writer;
use kube::runtime::reflector::{self, Lookup, Store};
use kube::runtime::watcher;
use kube::runtime::{WatchStreamExt, watcher::Config};
use kube::{Api, Resource};
use serde::de::DeserializeOwned;
use std::fmt::Debug;
use std::sync::Mutex;
use tessera_core::name::label;

/// Everything of the cluster that the controllers watch. Filled while this replica leads.
pub(crate) struct Watches {
    pub(crate) image_jobs: Watch<Guarded>,
    pub(crate) pools: Watch<GuardedPool>,
    /// Jobs of stages.
    pub(crate) jobs: Watch<Job>,
    /// Worker pods.
    pub(crate) pods: Watch<Pod>,
}

impl Watches {
    /// Empty caches.
    pub(crate) fn new() -> Watches {
        Watches { image_jobs: Watch::new(), pools: Watch::new(), jobs: Watch::new(), pods: Watch::new() }
    }

    /// Waits until every cache has been filled once: what is missing from one is then not there.
    pub(crate) async fn ready(&self) {
        // A watch whose writer is gone has ended with the process.
        let _ = self.image_jobs.cache().wait_until_ready().await;
        let _ = self.pools.cache().wait_until_ready().await;
        let _ = self.jobs.cache().wait_until_ready().await;
        let _ = self.pods.cache().wait_until_ready().await;
    }

    /// Watches for as long as the process lives. To be called once, after everyone listens.
    pub(crate) async fn run(&self, ctx: &Ctx) {
        futures::join!(
            self.image_jobs.run(watched(ctx), watch()),
            self.pools.run(watched(ctx), watch()),
            self.jobs.run(watched(ctx), watch().labels(label::JOB_UID)),
            self.pods.run(watched(ctx), watch().labels(label::JOB_UID)),
        );
    }
}

/// A cache of one kind, and who is to be told of changes.
pub(crate) struct Watch<K>
where
    K: Lookup<DynamicType = ()> + Clone + 'static,
{
    cache: Store<K>,
    writer: Mutex<Option<Writer<K>>>,
    listeners: Mutex<Vec<mpsc::UnboundedSender<K>>>,
}

impl<K> Watch<K>
where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
    K: Clone + Debug + DeserializeOwned + Send + Sync + 'static,
{
    /// An empty cache, and nobody to tell.
    pub(crate) fn new() -> Watch<K> {
        let (cache, writer) = reflector::store();
        Watch { cache, writer: Mutex::new(Some(writer)), listeners: Mutex::default() }
    }

    /// What there is, as the watch has last heard.
    pub(crate) fn cache(&self) -> Store<K> {
        self.cache.clone()
    }

    /// Every object when it is new, changed or gone.
    pub(crate) fn listen(&self) -> impl Stream<Item = Result<K, watcher::Error>> + Send + 'static {
        let (sender, receiver) = mpsc::unbounded();
        self.listeners.lock().expect("nobody panics while listening").push(sender);
        receiver.map(Ok)
    }

    /// Watches for as long as the process lives. To be called once, after everyone listens.
    pub(crate) async fn run(&self, api: Api<K>, config: Config) {
        let writer = self.writer.lock().expect("nobody panics while starting").take();
        let Some(writer) = writer else { return };
        let listeners = self.listeners.lock().expect("nobody panics while listening").clone();
        let tell = |object: Result<K, watcher::Error>| {
            match object {
                Ok(object) => {
                    for listener in &listeners {
                        // A listener that is gone does not listen any more.
                        let _ = listener.unbounded_send(object.clone());
                    }
                }
                Err(error) => tracing::warn!(kind = %K::kind(&()), %error, "the watch is interrupted"),
            }
            std::future::ready(())
        };
        watcher(api, config)
            .default_backoff()
            .modify(|object| object.meta_mut().managed_fields = None)
            .reflect(writer)
            .touched_objects()
            .for_each(tell)
            .await;
    }
}
