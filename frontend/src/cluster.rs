//! What the page sees of its namespace, from one watch a kind, and the few things it does there: it creates and deletes
//! ImageJobs. It reads no Secret.

mod watch;

use crate::identity::User;
use crate::jobs::names;
use crate::refusal::{Refusal, Result};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{ConfigMap, Pod};
use kube::api::{DeleteParams, Patch, PatchParams};
use kube::core::DeserializeGuard;
use kube::runtime::reflector::{ObjectRef, Store};
use kube::{Api, Client, ResourceExt};
use serde_json::Value;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tessera_api::{GROUP, ImageJob, VERSION, WorkerPool};
use tessera_core::name::{self, label};
use tessera_core::plan::Plan;
use tessera_operations::Operation;
use tessera_store::Location;

pub(crate) use watch::Changed;
pub use watch::Watching;

/// An ImageJob, or what is there in place of one that cannot be read.
pub(crate) type Guarded = DeserializeGuard<ImageJob>;
type GuardedPool = DeserializeGuard<WorkerPool>;

/// The key of the plan's JSON in its ConfigMap.
const PLAN: &str = "plan.json";

/// Plans that are remembered, of a few KiB each.
const PLANS: usize = 256;

/// One namespace, as the watches have it.
pub struct Cluster {
    client: Client,
    namespace: String,
    jobs: Store<Guarded>,
    stages: Store<Job>,
    pods: Store<Pod>,
    pools: Store<GuardedPool>,
    plans: Mutex<HashMap<String, Arc<Plan<Operation>>>>,
    /// Processors and bytes that the workers use, as last measured.
    usage: Mutex<Option<(f64, f64)>>,
}

impl Cluster {
    /// A namespace, of which nothing is known before [`Watching`] runs.
    pub fn new(client: Client, namespace: &str) -> (Cluster, Watching) {
        let (jobs, jobs_writer) = kube::runtime::reflector::store();
        let (stages, stages_writer) = kube::runtime::reflector::store();
        let (pods, pods_writer) = kube::runtime::reflector::store();
        let (pools, pools_writer) = kube::runtime::reflector::store();
        let watching = Watching {
            client: client.clone(),
            namespace: namespace.to_owned(),
            jobs: jobs_writer,
            stages: stages_writer,
            pods: pods_writer,
            pools: pools_writer,
        };
        let namespace = namespace.to_owned();
        let (plans, usage) = (Mutex::default(), Mutex::default());
        (Cluster { client, namespace, jobs, stages, pods, pools, plans, usage }, watching)
    }

    /// Whether the jobs and the pools have been seen.
    pub(crate) fn is_seen(&self) -> bool {
        use futures::FutureExt;
        let seen = |ready: Option<bool>| ready == Some(true);
        seen(self.jobs.wait_until_ready().now_or_never().map(|result| result.is_ok()))
            && seen(self.pools.wait_until_ready().now_or_never().map(|result| result.is_ok()))
    }

    /// All jobs that can be read, but for those that make view copies.
    pub(crate) fn jobs(&self) -> Vec<ImageJob> {
        let all = self.jobs.state().into_iter().filter_map(|job| job.0.as_ref().ok().cloned());
        all.filter(|job| !job.labels().contains_key(names::VIEW)).collect()
    }

    /// A job, those of view copies too.
    pub(crate) fn job(&self, name: &str) -> Option<ImageJob> {
        let object = ObjectRef::new(name).within(&self.namespace);
        self.jobs.get(&object).and_then(|job| job.0.as_ref().ok().cloned())
    }

    /// The name of the job with this UID.
    pub(crate) fn name_of(&self, uid: &str) -> Option<String> {
        let is = |job: &&ImageJob| job.metadata.uid.as_deref() == Some(uid);
        let all = self.jobs.state();
        let mut known = all.iter().filter_map(|job| job.0.as_ref().ok());
        known.find(is).map(ResourceExt::name_any)
    }

    /// A job that the user may see.
    pub(crate) fn visible(&self, user: &User, name: &str) -> Result<ImageJob> {
        let visible = |job: &ImageJob| names::is_visible(job, user) && !names::is_view(job);
        self.job(name).filter(visible).ok_or_else(|| Refusal::not_found("job"))
    }

    /// A job of the user's own.
    pub(crate) fn own(&self, user: &User, name: &str) -> Result<ImageJob> {
        let job = self.visible(user, name)?;
        if names::owner(&job) == Some(&user.owner) {
            return Ok(job);
        }
        let message = "this job was made with kubectl: it can only be looked at here; change it with kubectl";
        Err(Refusal::new(axum::http::StatusCode::FORBIDDEN, "ReadOnly", message))
    }

    /// Whether an object is the output of a job that `holds` is true of.
    pub(crate) fn is_output(&self, at: &Location, holds: impl Fn(&ImageJob) -> bool) -> bool {
        let uri = at.to_string();
        let is =
            |job: &Arc<Guarded>| job.0.as_ref().is_ok_and(|job| job.spec.output.uri == uri && holds(job));
        self.jobs.state().iter().any(is)
    }

    /// The job that writes, or has written, an object.
    pub(crate) fn job_of_output(&self, at: &Location) -> Option<ImageJob> {
        let uri = at.to_string();
        self.jobs().into_iter().find(|job| job.spec.output.uri == uri)
    }

    /// The pool of this name.
    ///
    /// # Errors
    /// There is none, or nothing is known of the cluster yet.
    pub(crate) fn pool(&self, name: &str) -> Result<WorkerPool> {
        let pool = self.pools.get(&ObjectRef::new(name).within(&self.namespace));
        pool.and_then(|pool| pool.0.as_ref().ok().cloned()).ok_or_else(|| {
            Refusal::unavailable(format!(
                "there is no WorkerPool {name} in namespace {}, or the cluster does not answer yet: whoever runs the page should look",
                self.namespace
            ))
        })
    }

    /// The worker pods of a pool that run.
    pub(crate) fn workers(&self, pool: &str) -> Vec<Arc<Pod>> {
        let pool = name::label_value(pool);
        let mut pods = self.pods.state();
        pods.retain(|pod| {
            let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
            pod.labels().get(label::POOL) == Some(&pool) && phase == Some("Running")
        });
        pods
    }

    /// The batch Job that runs a stage of an ImageJob.
    pub(crate) fn stage(&self, job: &ImageJob, stage: &str) -> Option<Arc<Job>> {
        let name = name::job(&job.name_any(), &job.uid()?, stage);
        self.stages.get(&ObjectRef::new(&name).within(&self.namespace))
    }

    /// The plan of a job; `None` where there is none, or none that this version reads.
    pub(crate) async fn plan(&self, job: &ImageJob) -> Option<Arc<Plan<Operation>>> {
        let uid = job.uid()?;
        if let Some(plan) = self.plans().get(&uid) {
            return Some(plan.clone());
        }
        let maps: Api<ConfigMap> = Api::namespaced(self.client.clone(), &self.namespace);
        let stored = maps.get_opt(&name::plan(&job.name_any(), &uid)).await;
        let stored = stored.inspect_err(|error| tracing::debug!(%error, "a plan cannot be read")).ok()??;
        let plan = Arc::new(serde_json::from_str(stored.data.as_ref()?.get(PLAN)?).ok()?);
        let mut plans = self.plans();
        if plans.len() >= PLANS {
            plans.clear();
        }
        plans.insert(uid, Arc::clone(&plan));
        Some(plan)
    }

    fn plans(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<Plan<Operation>>>> {
        self.plans.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Creates an ImageJob; the API server refuses every field that it does not know.
    pub(crate) async fn create(&self, manifest: &Value) -> Result<ImageJob> {
        let path = format!(
            "/apis/{GROUP}/{VERSION}/namespaces/{}/imagejobs?fieldValidation=Strict&fieldManager={}",
            self.namespace,
            names::MANAGER
        );
        let request = axum::http::Request::post(path)
            .header("content-type", "application/json")
            .body(manifest.to_string().into_bytes())
            .map_err(|error| Refusal::internal(&error))?;
        Ok(self.client.request(request).await?)
    }

    /// Sets an annotation of an ImageJob.
    pub(crate) async fn annotate(&self, name: &str, key: &str, value: &str) -> Result<ImageJob> {
        let api: Api<ImageJob> = Api::namespaced(self.client.clone(), &self.namespace);
        let patch = serde_json::json!({ "metadata": { "annotations": { key: value } } });
        Ok(api.patch(name, &PatchParams::default(), &Patch::Merge(patch)).await?)
    }

    /// Deletes an ImageJob; one that is not there counts as deleted.
    pub(crate) async fn delete(&self, name: &str) -> Result<()> {
        let api: Api<ImageJob> = Api::namespaced(self.client.clone(), &self.namespace);
        match api.delete(name, &DeleteParams::background()).await {
            Ok(_) => Ok(()),
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// What the metrics server says of the worker pods of a pool; `None` without one.
    pub(crate) async fn pod_metrics(&self, pool: &str) -> Option<Value> {
        let path = format!(
            "/apis/metrics.k8s.io/v1beta1/namespaces/{}/pods?labelSelector={}%3D{}",
            self.namespace,
            label::POOL.replace('/', "%2F"),
            name::label_value(pool)
        );
        let request = axum::http::Request::get(path).body(Vec::new()).ok()?;
        self.client.request(request).await.ok()
    }

    /// Processors and bytes that the workers use, as last measured.
    pub(crate) fn usage(&self) -> (Option<f64>, Option<f64>) {
        self.usage.lock().unwrap_or_else(PoisonError::into_inner).unzip()
    }

    /// Remembers a measurement.
    pub(crate) fn set_usage(&self, measured: Option<(f64, f64)>) {
        *self.usage.lock().unwrap_or_else(PoisonError::into_inner) = measured;
    }
}
