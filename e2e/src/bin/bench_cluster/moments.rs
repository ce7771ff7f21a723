//! The moments of one run, from what the watches and the access log have seen. Pure. Times are seconds since `kubectl
//! apply` was started; `None` where something was not seen.

use crate::access::Request;
use crate::watch::Seen;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use serde::Serialize;
use tessera_api::ImageJob;
use tessera_api::conditions::{ConditionType, is_true};
use tessera_core::name::label;

/// The moments of a run.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Moments {
    /// The API server has told of the ImageJob.
    pub(crate) created: f64,
    /// Its plan is made.
    pub(crate) accepted: f64,
    /// It has a slot.
    pub(crate) granted: f64,
    pub(crate) stages: Vec<StageMoments>,
    /// The upload's completion: when the request began and ended.
    pub(crate) completion: Option<(f64, f64)>,
    /// The output is at its place.
    pub(crate) published: f64,
    pub(crate) finished: f64,
    /// Nothing is held any more: no scratch and no finalizer.
    pub(crate) released: f64,
    /// Bytes of the last status as JSON.
    pub(crate) status_bytes: usize,
    /// Writes of the ImageJob that the watch has told of.
    pub(crate) versions: usize,
}

/// The moments of a stage.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct StageMoments {
    pub(crate) name: String,
    pub(crate) created: f64,
    /// In the order of their creation.
    pub(crate) pods: Vec<PodMoments>,
}

/// The moments of a pod.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct PodMoments {
    pub(crate) index: u32,
    pub(crate) node: String,
    /// The slot, from 0: that of the pod that had ended longest ago.
    pub(crate) slot: usize,
    pub(crate) created: f64,
    pub(crate) scheduled: f64,
    /// The API server was told that the container runs.
    pub(crate) running: Option<f64>,
    /// The worker's first request of the store, and the end of its last.
    pub(crate) first_request: f64,
    pub(crate) last_answer: f64,
    /// The first piece is in scratch.
    pub(crate) first_piece: Option<f64>,
    /// The API server was told that the pod has ended.
    pub(crate) ended: Option<f64>,
}

/// What was seen of a run.
pub(crate) struct Material {
    /// When `kubectl apply` was started, in Unix seconds.
    pub(crate) start: f64,
    pub(crate) image_job: Vec<Seen<ImageJob>>,
    pub(crate) jobs: Vec<Seen<Job>>,
    pub(crate) pods: Vec<Seen<Pod>>,
    pub(crate) requests: Vec<Request>,
}

impl Material {
    /// The moments; `None` if the run has not come to its end, or something essential was not seen.
    pub(crate) fn moments(&self) -> Option<Moments> {
        let status = |one: &Seen<ImageJob>| one.object.status.clone().unwrap_or_default();
        let condition = |type_: ConditionType| self.when(|one| is_true(&status(one).conditions, type_));
        let finished = condition(ConditionType::Finished)?;
        let completion = self.completion();
        Some(Moments {
            created: self.when(|_| true)?,
            accepted: condition(ConditionType::Accepted)?,
            granted: self.when(|one| status(one).slots.unwrap_or(0) > 0)?,
            stages: self.stages(),
            published: self.published()?,
            completion,
            finished,
            released: self
                .when(|one| self.since(one.at) >= finished && one.object.finalizers().is_empty())?,
            status_bytes: self.status_bytes(),
            versions: self.image_job.iter().filter(|one| !one.gone).count(),
        })
    }

    fn since(&self, at: f64) -> f64 {
        at - self.start
    }

    fn when(&self, holds: impl Fn(&Seen<ImageJob>) -> bool) -> Option<f64> {
        self.image_job.iter().find(|one| holds(one)).map(|one| self.since(one.at))
    }

    fn status_bytes(&self) -> usize {
        let last = self.image_job.iter().rev().find(|one| !one.gone);
        last.and_then(|one| serde_json::to_vec(&one.object.status).ok()).map_or(0, |json| json.len())
    }

    fn output(&self) -> Option<String> {
        let uri = self.image_job.first()?.object.spec.output.uri.clone();
        Some(uri.trim_start_matches("s3://").to_owned())
    }

    fn completion(&self) -> Option<(f64, f64)> {
        let output = self.output()?;
        let of_output = |request: &&Request| format!("{}/{}", request.bucket, request.key) == output;
        let mut all = self.requests.iter().filter(of_output);
        let found = all.find(|request| request.operation == "CompleteMultipartUpload")?;
        Some((self.since(found.start), self.since(found.end)))
    }

    fn published(&self) -> Option<f64> {
        let output = self.output()?;
        let of_output = |request: &&Request| format!("{}/{}", request.bucket, request.key) == output;
        let writes = ["PutObject", "CompleteMultipartUpload"];
        let mut all = self.requests.iter().filter(of_output);
        all.find(|request| writes.contains(&request.operation.as_str())).map(|found| self.since(found.end))
    }

    fn stages(&self) -> Vec<StageMoments> {
        let mut stages: Vec<StageMoments> = Vec::new();
        for one in &self.jobs {
            let Some(name) = one.object.labels().get(label::STAGE) else { continue };
            if !stages.iter().any(|stage| stage.name == *name) {
                let (created, pods) = (self.since(one.at), self.pods(name));
                stages.push(StageMoments { name: name.clone(), created, pods });
            }
        }
        stages
    }

    fn pods(&self, stage: &str) -> Vec<PodMoments> {
        let of_stage =
            |one: &&Seen<Pod>| one.object.labels().get(label::STAGE).is_some_and(|name| name == stage);
        let mut names: Vec<String> = Vec::new();
        for one in self.pods.iter().filter(of_stage) {
            let name = one.object.name_any();
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let mut pods: Vec<PodMoments> = names.iter().filter_map(|name| self.pod(name)).collect();
        pods.sort_by(|one, other| one.created.total_cmp(&other.created));
        into_slots(&mut pods);
        pods
    }

    fn pod(&self, name: &str) -> Option<PodMoments> {
        let seen: Vec<&Seen<Pod>> = self.pods.iter().filter(|one| one.object.name_any() == name).collect();
        let when = |holds: &dyn Fn(&Pod) -> bool| {
            seen.iter().find(|one| holds(&one.object)).map(|one| self.since(one.at))
        };
        let phase =
            |pod: &Pod| pod.status.as_ref().and_then(|status| status.phase.clone()).unwrap_or_default();
        let last = &seen.last()?.object;
        let index = last.annotations().get("batch.kubernetes.io/job-completion-index");
        let address = seen.iter().rev().find_map(|one| one.object.status.as_ref()?.pod_ip.clone())?;
        let created = when(&|_| true)?;
        let ended = when(&|pod| matches!(phase(pod).as_str(), "Succeeded" | "Failed"))
            .or_else(|| seen.iter().find(|one| one.gone).map(|one| self.since(one.at)));
        let within = |request: &&Request| {
            request.from == address
                && self.since(request.start) >= created
                && ended.is_none_or(|ended| self.since(request.start) <= ended)
        };
        let requests: Vec<&Request> = self.requests.iter().filter(within).collect();
        let first_piece =
            requests.iter().find(|one| one.operation == "PutObject" && one.key.ends_with(".data"));
        Some(PodMoments {
            index: index.and_then(|index| index.parse().ok()).unwrap_or(0),
            node: last.spec.as_ref()?.node_name.clone()?,
            slot: 0,
            created,
            scheduled: when(&|pod| pod.spec.as_ref().is_some_and(|spec| spec.node_name.is_some()))?,
            running: when(&|pod| phase(pod) == "Running"),
            first_request: self.since(requests.first()?.start),
            last_answer: self.since(requests.last()?.end),
            first_piece: first_piece.map(|request| self.since(request.end)),
            ended,
        })
    }
}

/// Gives each pod the slot that was free for the longest time when it was created, or a new one.
fn into_slots(pods: &mut [PodMoments]) {
    let mut free_at: Vec<f64> = Vec::new();
    for pod in pods {
        let free = (0..free_at.len())
            .filter(|slot| free_at[*slot] <= pod.created)
            .min_by(|one, other| free_at[*one].total_cmp(&free_at[*other]));
        pod.slot = free.unwrap_or(free_at.len());
        // Until its end is seen: the Job controller makes the next pod when it has seen the end, as this program has.
        let until = pod.ended.unwrap_or(f64::INFINITY);
        match free {
            Some(slot) => free_at[slot] = until,
            None => free_at.push(until),
        }
    }
}
