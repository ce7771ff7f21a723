//! The batch/v1 Job of a stage: an Indexed Job, one index for each shard. Fit for a namespace that enforces `restricted`.

use super::plan::{PLAN, StoredPlan};
use super::{labels, metadata, spot};
use crate::stores;
use k8s_openapi::api::batch::v1::{
    Job, JobSpec, PodFailurePolicy, PodFailurePolicyOnExitCodesRequirement,
    PodFailurePolicyOnPodConditionsPattern, PodFailurePolicyRule,
};
use k8s_openapi::api::core::v1::{
    Capabilities, ConfigMapVolumeSource, Container, EnvVar, EnvVarSource, PodSecurityContext, PodSpec,
    PodTemplateSpec, ResourceRequirements, SeccompProfile, SecretKeySelector, SecurityContext, Toleration,
    Volume, VolumeMount,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::ResourceExt;
use tessera_api::workerpool::Worker;
use tessera_api::{ImageJob, WorkerPool};
use tessera_core::name::{self, label};
use tessera_core::plan::Stage;
use tessera_store::Credentials;

/// The user that a worker runs as; it exists in no image.
const USER: i64 = 65532;

/// Seconds that a worker has to end after SIGTERM: less than the notice that spot nodes get.
const TERMINATION_SECONDS: i64 = 20;

/// Seconds after which a pod is given up whose node does not answer.
const UNREACHABLE_SECONDS: i64 = 5;

/// Where a worker finds the plan.
const PLAN_FOLDER: &str = "/etc/tessera";

/// Heaps of the C library in a worker. Each keeps what was freed in it, and by default there are eight for each processor: a
/// worker then held up to twice what it used.
const ARENAS: &str = "2";

/// Name of the worker's container.
pub(crate) const CONTAINER: &str = "worker";

/// Everything that a stage's Job follows from.
pub(crate) struct Inputs<'a> {
    pub(crate) job: &'a ImageJob,
    pub(crate) pool: &'a WorkerPool,
    pub(crate) stored: &'a StoredPlan,
    pub(crate) pull_policy: &'a str,
}

/// The Job that runs `stage` with `parallelism` pods at once.
pub(crate) fn build(inputs: &Inputs<'_>, stage: Stage, parallelism: u32) -> Job {
    let job = inputs.job;
    let mut meta = metadata(job, name::job(&job.name_any(), &job.uid().unwrap_or_default(), stage.name()));
    let labels = meta.labels.get_or_insert_default();
    labels.insert(label::STAGE.to_owned(), stage.name().to_owned());
    let kueue = [label::KUEUE_QUEUE, label::KUEUE_PRIORITY];
    labels.extend(kueue.iter().filter_map(|key| Some(((*key).to_owned(), job.labels().get(*key)?.clone()))));
    Job { metadata: meta, spec: Some(spec(inputs, stage, parallelism)), status: None }
}

fn spec(inputs: &Inputs<'_>, stage: Stage, parallelism: u32) -> JobSpec {
    JobSpec {
        completion_mode: Some("Indexed".to_owned()),
        completions: Some(signed(inputs.stored.plan.shards(stage))),
        parallelism: Some(signed(parallelism)),
        backoff_limit_per_index: Some(signed(inputs.job.spec.retries)),
        // One shard that cannot be computed means that there will be no file: the others need not go on.
        max_failed_indexes: Some(0),
        pod_failure_policy: Some(failure_policy()),
        template: template(inputs, stage),
        ..JobSpec::default()
    }
}

/// A count as the API wants it. All of ours are far below the limit.
fn signed(count: u32) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

/// Disruptions use up no retry; exit codes that no retry can help end the Job or the index at once.
fn failure_policy() -> PodFailurePolicy {
    let on_exit = |action: &str, codes: &[i32]| PodFailurePolicyRule {
        action: action.to_owned(),
        on_exit_codes: Some(PodFailurePolicyOnExitCodesRequirement {
            container_name: Some(CONTAINER.to_owned()),
            operator: "In".to_owned(),
            values: codes.to_vec(),
        }),
        on_pod_conditions: None,
    };
    let disrupted = PodFailurePolicyRule {
        action: "Ignore".to_owned(),
        on_exit_codes: None,
        on_pod_conditions: Some(vec![PodFailurePolicyOnPodConditionsPattern {
            type_: "DisruptionTarget".to_owned(),
            status: "True".to_owned(),
        }]),
    };
    PodFailurePolicy {
        rules: vec![disrupted, on_exit("FailJob", &[10, 11, 14, 15, 16]), on_exit("FailIndex", &[12])],
    }
}

fn template(inputs: &Inputs<'_>, stage: Stage) -> PodTemplateSpec {
    let mut labels = labels(inputs.job);
    labels.insert(label::STAGE.to_owned(), stage.name().to_owned());
    let metadata = ObjectMeta { labels: Some(labels), ..ObjectMeta::default() };
    PodTemplateSpec { metadata: Some(metadata), spec: Some(pod(inputs, stage)) }
}

fn pod(inputs: &Inputs<'_>, stage: Stage) -> PodSpec {
    let worker = &inputs.pool.spec.worker;
    let plan = ConfigMapVolumeSource {
        name: name::plan(&inputs.job.name_any(), &inputs.job.uid().unwrap_or_default()),
        ..ConfigMapVolumeSource::default()
    };
    PodSpec {
        restart_policy: Some("Never".to_owned()),
        automount_service_account_token: Some(false),
        enable_service_links: Some(false),
        termination_grace_period_seconds: Some(TERMINATION_SECONDS),
        security_context: Some(pod_security()),
        containers: vec![container(inputs, stage)],
        volumes: Some(vec![Volume { name: "plan".to_owned(), config_map: Some(plan), ..Volume::default() }]),
        node_selector: Some(worker.node_selector.clone()).filter(|selector| !selector.is_empty()),
        tolerations: Some(tolerations(worker)),
        affinity: worker.affinity.clone().or_else(|| worker.spot.then(spot::affinity)),
        priority_class_name: worker.priority_class_name.clone(),
        service_account_name: worker.service_account_name.clone(),
        image_pull_secrets: Some(worker.image_pull_secrets.clone()).filter(|secrets| !secrets.is_empty()),
        ..PodSpec::default()
    }
}

fn pod_security() -> PodSecurityContext {
    PodSecurityContext {
        run_as_non_root: Some(true),
        run_as_user: Some(USER),
        run_as_group: Some(USER),
        seccomp_profile: Some(SeccompProfile { type_: "RuntimeDefault".to_owned(), localhost_profile: None }),
        ..PodSecurityContext::default()
    }
}

/// The pool's tolerations, those of spot nodes if it wants them, and a short patience with nodes that are lost.
fn tolerations(worker: &Worker) -> Vec<Toleration> {
    let lost = ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"].map(|taint| Toleration {
        key: Some(taint.to_owned()),
        operator: Some("Exists".to_owned()),
        effect: Some("NoExecute".to_owned()),
        toleration_seconds: Some(UNREACHABLE_SECONDS),
        value: None,
    });
    let spot = if worker.spot { spot::tolerations() } else { Vec::new() };
    worker.tolerations.iter().cloned().chain(spot).chain(lost).collect()
}

fn container(inputs: &Inputs<'_>, stage: Stage) -> Container {
    let resources = &inputs.pool.spec.worker.resources;
    let drop_all = Capabilities { drop: Some(vec!["ALL".to_owned()]), add: None };
    Container {
        name: CONTAINER.to_owned(),
        image: Some(inputs.stored.worker_image.clone()),
        image_pull_policy: Some(inputs.pull_policy.to_owned()),
        env: Some(environment(inputs, stage)),
        resources: Some(ResourceRequirements {
            requests: Some(resources.requests.clone()),
            limits: Some(resources.limits.clone()),
            ..ResourceRequirements::default()
        }),
        volume_mounts: Some(vec![VolumeMount {
            name: "plan".to_owned(),
            mount_path: PLAN_FOLDER.to_owned(),
            read_only: Some(true),
            ..VolumeMount::default()
        }]),
        security_context: Some(SecurityContext {
            allow_privilege_escalation: Some(false),
            read_only_root_filesystem: Some(true),
            capabilities: Some(drop_all),
            ..SecurityContext::default()
        }),
        ..Container::default()
    }
}

fn environment(inputs: &Inputs<'_>, stage: Stage) -> Vec<EnvVar> {
    let plain =
        |name: &str, value: String| EnvVar { name: name.to_owned(), value: Some(value), value_from: None };
    let nobody =
        Credentials { access_key_id: String::new(), secret_access_key: String::new(), session_token: None };
    let store = stores::configuration(inputs.pool, nobody);
    let mut all = vec![
        plain("TESSERA_PLAN", format!("{PLAN_FOLDER}/{PLAN}")),
        plain("TESSERA_PLAN_DIGEST", inputs.stored.digest.clone()),
        plain("TESSERA_STAGE", stage.name().to_owned()),
        plain("MALLOC_ARENA_MAX", ARENAS.to_owned()),
    ];
    all.extend(store.variables().into_iter().map(|(name, value)| plain(name, value)));
    let secret = &inputs.pool.spec.store.secret_name;
    all.push(from_secret(secret, "AWS_ACCESS_KEY_ID", "accessKeyId", false));
    all.push(from_secret(secret, "AWS_SECRET_ACCESS_KEY", "secretAccessKey", false));
    all.push(from_secret(secret, "AWS_SESSION_TOKEN", "sessionToken", true));
    all
}

fn from_secret(secret: &str, name: &str, key: &str, optional: bool) -> EnvVar {
    let selector =
        SecretKeySelector { name: secret.to_owned(), key: key.to_owned(), optional: Some(optional) };
    let source = EnvVarSource { secret_key_ref: Some(selector), ..EnvVarSource::default() };
    EnvVar { name: name.to_owned(), value: None, value_from: Some(source) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tessera_api::{parse_job, parse_pool};
    use tessera_core::geometry::Size;
    use tessera_core::operation::Extent;
    use tessera_core::pixel::{Channels, Depth, PixelType};
    use tessera_core::plan::{Access, IfExists, Limits, Request, SourceImage, Spread, Streaming, plan};

    const JOB: &str = "
apiVersion: tessera.dev/v1alpha1
kind: ImageJob
metadata: {name: slide, namespace: lab, uid: 0b6c}
spec:
  source: {uri: s3://images/slide.tif}
  operations: [{invert: {}}]
  output: {uri: s3://results/slide.tif}
";

    const POOL: &str = "
apiVersion: tessera.dev/v1alpha1
kind: WorkerPool
metadata: {name: default, namespace: lab}
spec:
  store: {endpoint: 'http://s3:9000', secretName: store, scratch: 's3://results/.tessera/'}
  worker: {nodeSelector: {disk: fast}, tolerations: [{key: batch, operator: Exists}], spot: true}
";

    fn stored(job: &ImageJob, access: Access) -> StoredPlan {
        let extent =
            Extent { size: Size::new(30_000, 20_000), pixel: PixelType::new(Channels::Rgb, Depth::U8) };
        let streaming = Streaming::Rows { stored: extent.size, memory: 1 << 20, in_order: true };
        let request = Request {
            job: job.uid().unwrap_or_default(),
            source_uri: job.spec.source.uri.clone(),
            page: 0,
            source_etag: "e".into(),
            image: SourceImage {
                extent,
                access,
                decode_cost: 16.0,
                decode_memory: 0,
                bytes: 1 << 30,
                streaming,
            },
            operations: job.spec.operations.clone(),
            output_uri: job.spec.output.uri.clone(),
            format: tessera_core::output::OutputFormat::Png,
            if_exists: IfExists::Fail,
            scratch: "s3://results/.tessera/0b6c/".into(),
            limits: Limits { pixels: 1 << 40, operations: 32, memory: 1 << 30 },
            spread: Spread::Shards(7),
        };
        StoredPlan {
            plan: plan(request).expect("the request is within all limits"),
            digest: "d1".into(),
            worker_image: "worker:1".into(),
        }
    }

    const TILES: Access = Access::Tiles { tile: Size::new(512, 512) };

    /// Compares with the committed file; `REGENERATE=1 cargo test` writes it anew.
    fn check(access: Access, stage: Stage, parallelism: u32, golden: &str) {
        let job = parse_job(JOB).expect("the job is right");
        let pool = parse_pool(POOL).expect("the pool is right");
        let stored = stored(&job, access);
        let inputs = Inputs { job: &job, pool: &pool, stored: &stored, pull_policy: "IfNotPresent" };
        let text =
            serde_norway::to_string(&build(&inputs, stage, parallelism)).expect("a Job can be written");
        let path =
            std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/imagejob/build/golden").join(golden);
        if std::env::var_os("REGENERATE").is_some() {
            std::fs::write(&path, &text).expect("the golden file can be written");
        }
        let expected = std::fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(text, expected, "REGENERATE=1 cargo test -p tessera-operator writes {}", path.display());
    }

    #[test]
    fn the_job_of_a_distributed_stage_is_as_committed() {
        check(TILES, Stage::Tiles, 4, "tiles.yaml");
    }

    #[test]
    fn the_job_of_the_assembly_has_one_index() {
        check(TILES, Stage::Assemble, 1, "assemble.yaml");
    }

    #[test]
    fn the_job_of_the_split_has_one_index_and_the_next_all() {
        check(Access::Whole, Stage::Split, 1, "split.yaml");
        check(Access::Whole, Stage::Tiles, 4, "tiles.yaml");
    }
}
