//! Many jobs at once: all finish with the bytes of one machine, and none waits longer than its place in the queue asks.

use anyhow::{Result, ensure};
use futures::future::try_join_all;
use kube::ResourceExt;
use tessera_e2e::fairness::fairness;
use tessera_e2e::mixed::Mixed;
use tessera_e2e::timeline::Timeline;
use tessera_e2e::{Namespace, with_namespace};

/// Namespaces, each with a pool of two slots.
const NAMESPACES: usize = 3;

/// Jobs in each.
const JOBS: usize = 20;

/// Seconds that all of them may take on a machine that does other things as well.
const PATIENCE: u64 = 180;

#[tokio::test(flavor = "multi_thread")]
async fn sixty_jobs_at_once_finish_in_their_order_with_the_bytes_of_one_machine() -> Result<()> {
    let mixed = Mixed::new()?;
    let each = (0..NAMESPACES).map(|_| with_namespace("many", async |ns| check(ns, &mixed).await));
    try_join_all(each).await.map(|_| ())
}

async fn check(ns: &Namespace, mixed: &Mixed) -> Result<()> {
    mixed.put_sources(ns).await?;
    let timeline = Timeline::watch(ns.api(), "");
    for number in 0..JOBS {
        ns.create_job(&mixed.job(ns, number)?).await?;
    }
    timeline.wait("all are finished", PATIENCE, |counts| counts.finished == JOBS).await?;
    let fairness = fairness(&timeline.starts(&ns.name));
    eprintln!("{}: {fairness:?}", ns.name);
    for number in 0..JOBS {
        let job = ns.get_job(&mixed.job(ns, number)?.name_any()).await?;
        ns.expect_complete(&job, mixed.expected(ns, number).await?).await?;
    }
    // Jobs that are created in one second have no order in time, and are accepted as their headers arrive.
    ensure!(fairness.most_overtaken <= JOBS / 2, "a job was overtaken by many: {fairness:?}");
    ns.wait_nothing_left(30).await
}
