//! Frees worker pods whose node is lost. Nobody else does before the node comes back: they stay Terminating, and their Job
//! neither replaces them nor ends. Pods on nodes that answer are never touched. This file only drives.

mod free;
mod nodes;

use crate::context::Ctx;
use crate::objects::causes;
use crate::pool::has_ended_pod;
use futures::{StreamExt, stream};
use k8s_openapi::api::core::v1::Pod;
use kube::{Resource, ResourceExt};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tessera_core::lost::judge;
use tokio::time::{MissedTickBehavior, interval, timeout};

/// Time between two looks at the pods that are marked for deletion.
const LOOK: Duration = Duration::from_secs(1);

/// Every how many looks it is asked whether the nodes of the other pods still exist.
const ROLL_CALL: u32 = 10;

/// Calls of the API at the same time.
const CONCURRENCY: usize = 16;

/// A call that takes longer is given up and made again at the next look.
const TIMEOUT: Duration = Duration::from_secs(5);

/// A call failed.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("cannot read nodes")]
    Nodes(#[source] kube::Error),
    #[error("cannot mark the pod as failed")]
    Fail(#[source] kube::Error),
    #[error("cannot remove the pod")]
    Remove(#[source] kube::Error),
    #[error("the API server did not answer within {} s", TIMEOUT.as_secs())]
    Timeout,
}

impl Error {
    /// A bounded name for metrics.
    fn kind(&self) -> &'static str {
        match self {
            Error::Nodes(_) => "nodes",
            Error::Fail(_) => "fail",
            Error::Remove(_) => "remove",
            Error::Timeout => "timeout",
        }
    }
}

/// Looks for as long as the process lives.
pub(crate) async fn run(ctx: Arc<Ctx>) {
    let mut ticks = interval(LOOK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for number in 0u32.. {
        ticks.tick().await;
        look(&ctx, number.is_multiple_of(ROLL_CALL)).await;
    }
}

/// One look: the nodes of suspicious pods are read, and what is lost with them is freed.
async fn look(ctx: &Ctx, roll_call: bool) {
    let pods = ctx.watches.pods.cache().state();
    let mut suspects: BTreeSet<&str> = nodes_of(&pods, |pod| pod.meta().deletion_timestamp.is_some());
    if roll_call {
        suspects.extend(nodes::missing(ctx, nodes_of(&pods, |pod| !has_ended_pod(pod))).await);
    }
    if suspects.is_empty() {
        return;
    }
    let nodes = nodes::read(ctx, suspects).await;
    let now = ctx.now().as_second();
    let lost = pods.iter().filter_map(|pod| {
        let (name, node) = nodes.get_key_value(node_of(pod)?)?;
        Some((pod, *name, *node, judge(free::facts(pod), *node, now)))
    });
    stream::iter(lost)
        .for_each_concurrent(CONCURRENCY, |(pod, name, node, verdict)| async move {
            let freed = free::carry_out(ctx, pod, &free::Place { name, node }, verdict).await;
            freed.unwrap_or_else(|error| tell(ctx, &pod.name_any(), &error));
        })
        .await;
}

fn node_of(pod: &Pod) -> Option<&str> {
    pod.spec.as_ref()?.node_name.as_deref()
}

fn nodes_of(pods: &[Arc<Pod>], which: impl Fn(&Pod) -> bool) -> BTreeSet<&str> {
    pods.iter().filter(|pod| which(pod)).filter_map(|pod| node_of(pod)).collect()
}

/// A call with an end.
async fn bounded<T>(call: impl Future<Output = kube::Result<T>>) -> Result<kube::Result<T>, Error> {
    timeout(TIMEOUT, call).await.map_err(|_| Error::Timeout)
}

/// An error is told and counted; the next look tries again.
fn tell(ctx: &Ctx, name: &str, error: &Error) {
    ctx.metrics.failed("Pod", error.kind());
    tracing::warn!(name, error = %causes(error), "looking for lost pods failed");
}
