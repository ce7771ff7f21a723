//! Real images: all jobs at once over some namespaces, and every output compared with the bytes of one machine.

use crate::Load;
use crate::measure::Measuring;
use anyhow::{Context as _, Result};
use futures::{StreamExt, TryStreamExt};
use kube::{Api, Client, ResourceExt};
use tessera_api::ImageJob;
use tessera_e2e::Namespace;
use tessera_e2e::mixed::Mixed;
use tessera_e2e::timeline::Timeline;

/// Jobs that are created, or compared, at once.
const AT_ONCE: usize = 8;

/// Runs and measures.
pub(crate) async fn run(load: &Load) -> Result<()> {
    let client = Client::try_default().await.context("is there a cluster? make cluster")?;
    let mixed = Mixed::new()?;
    let namespaces = crate::simulate::namespaces(load, &serde_json::json!({})).await?;
    for ns in &namespaces {
        mixed.put_sources(ns).await?;
    }
    let done = measured(load, &client, &mixed, &namespaces).await;
    for ns in &namespaces {
        ns.clear().await?;
    }
    done
}

async fn measured(load: &Load, client: &Client, mixed: &Mixed, namespaces: &[Namespace]) -> Result<()> {
    let timeline = Timeline::watch(Api::all(client.clone()), &crate::simulate::label(load));
    let mut measuring = Measuring::begin(client, timeline, load.every).await?;
    let numbers = || futures::stream::iter(0..load.jobs);
    let place = |number: usize| (&namespaces[number % namespaces.len()], number / namespaces.len());
    numbers()
        .map(|number| async move {
            let (ns, number) = place(number);
            ns.create_job(&crate::simulate::labelled(load, mixed.job(ns, number)?)).await
        })
        .buffered(AT_ONCE)
        .try_for_each(|_| async { Ok(()) })
        .await?;
    measuring.phase("all are created");
    crate::simulate::wait_for_the_end(&mut measuring, load).await?;
    numbers()
        .map(|number| async move {
            let (ns, number) = place(number);
            let job = ns.api::<ImageJob>().get(&mixed.job(ns, number)?.name_any()).await?;
            ns.expect_complete(&job, mixed.expected(ns, number).await?).await
        })
        .buffer_unordered(AT_ONCE)
        .try_for_each(|()| async { Ok(()) })
        .await?;
    measuring.phase("all outputs are compared: the bytes of one machine");
    measuring.end("real", load, namespaces).await?.write(&load.out)
}
