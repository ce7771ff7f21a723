//! Watches the namespace's ImageJobs, Jobs and pods, and keeps each change with this machine's time: the times inside the
//! objects have whole seconds. It changes nothing.

use crate::figures::now;
use futures::{StreamExt, TryStreamExt};
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Pod;
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Api, Resource};
use serde::de::DeserializeOwned;
use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError};
use tessera_api::ImageJob;
use tessera_e2e::Namespace;
use tokio::task::JoinHandle;

/// An object as it was at a time.
#[derive(Debug, Clone)]
pub(crate) struct Seen<K> {
    /// Unix seconds.
    pub(crate) at: f64,
    pub(crate) gone: bool,
    pub(crate) object: K,
}

/// Every state of every object of one kind.
pub(crate) struct History<K> {
    seen: Arc<Mutex<Vec<Seen<K>>>>,
    task: JoinHandle<()>,
}

impl<K> History<K>
where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
    K: Clone + Debug + DeserializeOwned + Send + Sync + 'static,
{
    fn start(api: Api<K>) -> History<K> {
        let seen = Arc::<Mutex<Vec<Seen<K>>>>::default();
        let task = tokio::spawn(follow(api, seen.clone()));
        History { seen, task }
    }

    /// What was seen after `since` of the objects that `wanted` chooses, in order.
    pub(crate) fn since(&self, since: f64, wanted: impl Fn(&K) -> bool) -> Vec<Seen<K>> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.iter().filter(|one| one.at >= since && wanted(&one.object)).cloned().collect()
    }
}

impl<K> Drop for History<K> {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn follow<K>(api: Api<K>, seen: Arc<Mutex<Vec<Seen<K>>>>)
where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
    K: Clone + Debug + DeserializeOwned + Send + 'static,
{
    let keep = |event: Event<K>| {
        let (object, gone) = match event {
            Event::Apply(object) | Event::InitApply(object) => (object, false),
            Event::Delete(object) => (object, true),
            Event::Init | Event::InitDone => return,
        };
        let one = Seen { at: now(), gone, object };
        seen.lock().unwrap_or_else(PoisonError::into_inner).push(one);
    };
    let mut events = watcher(api, watcher::Config::default()).boxed();
    loop {
        match events.try_next().await {
            Ok(Some(event)) => keep(event),
            Ok(None) => return,
            Err(error) => eprintln!("a watch was interrupted: {error}"),
        }
    }
}

/// The histories of all kinds.
pub(crate) struct Watched {
    pub(crate) image_jobs: History<ImageJob>,
    pub(crate) jobs: History<Job>,
    pub(crate) pods: History<Pod>,
}

impl Watched {
    /// Watches from now on.
    pub(crate) fn start(ns: &Namespace) -> Watched {
        Watched {
            image_jobs: History::start(ns.api()),
            jobs: History::start(ns.api()),
            pods: History::start(ns.api()),
        }
    }
}
