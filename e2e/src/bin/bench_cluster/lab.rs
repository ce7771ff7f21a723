//! What the experiments share: pools, pictures in the store, and one run of a job from `kubectl apply` to the moment when
//! nothing is held any more. A run leaves neither its ImageJob nor its output.

use crate::Arguments;
use crate::access::AccessLog;
use crate::figures::{now, say};
use crate::moments::{Material, Moments};
use crate::watch::Watched;
use anyhow::{Context as _, ensure};
use kube::ResourceExt;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use serde_json::json;
use std::path::PathBuf;
use std::time::Duration;
use tessera_api::conditions::{ConditionType, is_true};
use tessera_api::{ImageJob, WorkerPool};
use tessera_core::name::label;
use tessera_core::record::sha256;
use tessera_e2e::work::{message, status};
use tessera_e2e::{Namespace, Result, kubectl};
use tessera_store::{PutOptions, Store, StoreConfig};

/// The chain of all experiments with large pictures, in the form of a job file.
pub(crate) const CHAIN: &str = "[{grayscale: {}}, {gaussianBlur: {sigma: 1.5}}, {sobel: {}}]";

/// Time between two looks at what the watches have brought.
const LOOK: Duration = Duration::from_millis(20);

/// Seconds after which a run is given up.
const PATIENCE: f64 = 600.0;

/// Where experiments are made.
pub(crate) struct Lab<'a> {
    pub(crate) ns: &'a Namespace,
    pub(crate) access: AccessLog,
    pub(crate) watched: Watched,
    pub(crate) folder: PathBuf,
    pub(crate) tessera: PathBuf,
    pub(crate) peers: PathBuf,
}

/// A job to run, on the cluster or on this machine.
#[derive(Debug, Clone)]
pub(crate) struct Task {
    pub(crate) name: String,
    pub(crate) pool: &'static str,
    /// Name of a picture in the lab's folder, and of an object in the store.
    pub(crate) source: &'static str,
    pub(crate) operations: &'static str,
    /// Name of the output.
    pub(crate) output: String,
    /// Its format, such as `tiff: {tile: 256}, `; empty: by the name's ending.
    pub(crate) format: &'static str,
    pub(crate) shards: Option<u32>,
}

impl Task {
    /// The job file with these addresses.
    pub(crate) fn document(&self, source: &str, output: &str) -> String {
        let shards = self
            .shards
            .map_or_else(String::new, |shards| format!(", annotations: {{{}: \"{shards}\"}}", label::SHARDS));
        format!(
            "apiVersion: tessera.dev/v1alpha1\nkind: ImageJob\nmetadata: {{name: {}{shards}}}\nspec:\n  pool: {}\n  source: \
             {{uri: \"{source}\"}}\n  operations: {}\n  output: {{uri: \"{output}\", {}ifExists: Replace}}\n",
            self.name, self.pool, self.operations, self.format
        )
    }
}

/// A run that was completed.
pub(crate) struct Run {
    pub(crate) moments: Moments,
    /// SHA-256 of the output.
    pub(crate) sha256: String,
}

impl<'a> Lab<'a> {
    /// Makes the Secret and begins to watch.
    pub(crate) async fn open(ns: &'a Namespace, arguments: &Arguments) -> Result<Lab<'a>> {
        ns.create_secret().await?;
        Ok(Lab {
            ns,
            access: AccessLog::follow(&arguments.access_log).await?,
            watched: Watched::start(ns),
            folder: arguments.folder.clone(),
            tessera: arguments.tessera.clone(),
            peers: arguments.peers.clone(),
        })
    }

    /// A pool whose workers have this limit on processor time; none: no limit.
    pub(crate) async fn pool(&self, name: &str, slots: u32, cpu: Option<&str>) -> Result<()> {
        let config = StoreConfig::from_env()?;
        let mut limits = json!({ "memory": "512Mi" });
        if let Some(cpu) = cpu {
            limits["cpu"] = json!(cpu);
        }
        let object = json!({
            "apiVersion": "tessera.dev/v1alpha1",
            "kind": "WorkerPool",
            "metadata": { "name": name },
            "spec": {
                "replicas": slots,
                "store": {
                    "endpoint": config.endpoint, "region": config.region, "secretName": "store",
                    "scratch": self.ns.scratch()?.to_string(),
                },
                "allow": {
                    "sources": [self.ns.folder("images")?.to_string()],
                    "outputs": [self.ns.folder("results")?.to_string()],
                },
                "worker": { "resources": { "requests": { "cpu": "50m", "memory": "128Mi" }, "limits": limits } },
            }
        });
        let pool: WorkerPool = serde_json::from_value(object)?;
        self.ns.api::<WorkerPool>().create(&PostParams::default(), &pool).await.context("creating a pool")?;
        self.until("the pool is ready", async || self.pool_is(name, slots).await).await
    }

    /// Gives the pool another number of slots.
    pub(crate) async fn scale(&self, name: &str, slots: u32) -> Result<()> {
        let patch = Patch::Merge(json!({ "spec": { "replicas": slots } }));
        self.ns.api::<WorkerPool>().patch(name, &PatchParams::default(), &patch).await?;
        self.until("the pool has its slots", async || self.pool_is(name, slots).await).await
    }

    async fn pool_is(&self, name: &str, slots: u32) -> Result<bool> {
        let pool = self.ns.api::<WorkerPool>().get(name).await?;
        let current = |status: &tessera_api::WorkerPoolStatus| {
            is_true(&status.conditions, ConditionType::Ready)
                && status.observed_generation == pool.metadata.generation
        };
        Ok(pool.spec.replicas == slots && pool.status.as_ref().is_some_and(current))
    }

    async fn until(&self, what: &str, mut holds: impl AsyncFnMut() -> Result<bool>) -> Result<()> {
        let start = now();
        while !holds().await? {
            ensure!(now() - start < PATIENCE, "waited in vain: {what}");
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    }

    /// Puts a picture of the lab's folder into the store, unless it is there.
    pub(crate) async fn upload(&self, name: &str) -> Result<()> {
        let at = self.ns.source(name)?;
        if self.ns.store.head(&at).await.is_ok() {
            return Ok(());
        }
        let bytes = tokio::fs::read(self.folder.join(name)).await.with_context(|| name.to_owned())?;
        self.ns.store.put(&at, bytes.into(), &PutOptions::default()).await?;
        Ok(())
    }

    /// Runs the task on the cluster.
    pub(crate) async fn run(&self, task: &Task) -> Result<Run> {
        self.upload(task.source).await?;
        let (source, output) = (self.ns.source(task.source)?, self.ns.output(&task.output)?);
        let document = task.document(&source.to_string(), &output.to_string());
        let start = now();
        let applied = kubectl(&self.ns.name, &["apply", "-f", "-"], &document).await?;
        ensure!(applied.ok, "{}{}", applied.out, applied.said);
        let job = self.ended(task, start).await?;
        let moments = self.moments(&job, start).await?;
        let sha256 = sha256(&self.ns.store.get(&output).await?.1);
        self.ns.store.delete(std::slice::from_ref(&output)).await?;
        self.ns.api::<ImageJob>().delete(&task.name, &DeleteParams::default()).await?;
        self.ns.wait_gone(&task.name, 60).await?;
        self.ns.wait_nothing_left(60).await?;
        say(&format!("      {:24} {:7.2} s", task.name, moments.finished));
        Ok(Run { moments, sha256 })
    }

    /// The job when it is complete and holds nothing any more.
    async fn ended(&self, task: &Task, start: f64) -> Result<ImageJob> {
        let ended = async || {
            let seen = self.watched.image_jobs.since(start, |job| job.name_any() == task.name);
            let Some(last) = seen.last() else { return Ok(false) };
            let conditions = status(&last.object).conditions;
            ensure!(
                !is_true(&conditions, ConditionType::Failed),
                "{}: {}",
                task.name,
                message(&last.object, ConditionType::Failed)
            );
            Ok(is_true(&conditions, ConditionType::Finished) && last.object.finalizers().is_empty())
        };
        self.until(&format!("{} has ended", task.name), ended).await?;
        self.ns.get_job(&task.name).await
    }

    /// The moments, when the last events have come.
    async fn moments(&self, job: &ImageJob, start: f64) -> Result<Moments> {
        let uid = job.uid().unwrap_or_default();
        let material = || Material {
            start,
            image_job: self.watched.image_jobs.since(start, |one| one.uid().as_deref() == Some(&uid)),
            jobs: self.watched.jobs.since(start, |one| one.labels().get(label::JOB_UID) == Some(&uid)),
            pods: self.watched.pods.since(start, |one| one.labels().get(label::JOB_UID) == Some(&uid)),
            requests: self.access.since(start),
        };
        let mut found = None;
        let complete = async || {
            found = material().moments();
            Ok(found
                .as_ref()
                .is_some_and(|moments| moments.stages.iter().all(|stage| !stage.pods.is_empty())))
        };
        self.until("all moments of the run are known", complete).await?;
        found.context("the moments are known")
    }
}
