//! A namespace for each test, with a pool and its Secret, and everything in the store below prefixes of its own.
//! It is deleted at the end, with what lies there; when the test fails, what can be known is printed first.

use crate::report;
use anyhow::{Context as _, Result, anyhow};
use futures::FutureExt;
use k8s_openapi::api::core::v1::{Namespace as KubeNamespace, Secret};
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use kube::{Api, Client, Resource};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use std::fmt::Debug;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicU32, Ordering};
use tessera_api::{ImageJob, WorkerPool};
use tessera_store::{Location, Prefix, PutOptions, S3Store, Store, StoreConfig};
use tokio::sync::RwLock;

/// Where a test works.
pub struct Namespace {
    /// Its name.
    pub name: String,
    /// The cluster.
    pub client: Client,
    /// The object store, as this machine reaches it.
    pub store: S3Store,
    config: StoreConfig,
}

/// Held for writing by a test that disturbs the operator: the deadlines of the others do not allow for that.
static OPERATOR: RwLock<()> = RwLock::const_new(());

/// Runs a test in a namespace with a pool `default` of two slots.
///
/// # Errors
/// The test failed, or its namespace could not be made.
pub async fn with_namespace(title: &str, test: impl AsyncFnOnce(&Namespace) -> Result<()>) -> Result<()> {
    with_empty_namespace(title, async |ns| ns.with_pool(test).await).await
}

/// As [`with_namespace`], while no other test runs.
///
/// # Errors
/// The test failed, or its namespace could not be made.
pub async fn with_namespace_alone(
    title: &str,
    test: impl AsyncFnOnce(&Namespace) -> Result<()>,
) -> Result<()> {
    let _alone = OPERATOR.write().await;
    run(title, async |ns| ns.with_pool(test).await).await
}

/// Runs a test in a namespace without pool and Secret.
///
/// # Errors
/// The test failed, or its namespace could not be made.
pub async fn with_empty_namespace(
    title: &str,
    test: impl AsyncFnOnce(&Namespace) -> Result<()>,
) -> Result<()> {
    let _shared = OPERATOR.read().await;
    run(title, test).await
}

async fn run(title: &str, test: impl AsyncFnOnce(&Namespace) -> Result<()>) -> Result<()> {
    let ns = Namespace::create(title).await?;
    let ended = AssertUnwindSafe(test(&ns)).catch_unwind().await;
    if !matches!(ended, Ok(Ok(()))) {
        report::dump(&ns).await;
    }
    let cleared = ns.clear().await;
    match ended {
        Ok(result) => result.and(cleared),
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

impl Namespace {
    /// Makes a namespace without pool and Secret, which the caller clears.
    ///
    /// # Errors
    /// There is no cluster, or it refuses.
    pub async fn create(title: &str) -> Result<Namespace> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let advice = "is there a cluster, and did this shell run: eval \"$(make -s env)\"?";
        let client = Client::try_default().await.context(advice)?;
        let config = StoreConfig::from_env().context(advice)?;
        let store = S3Store::new(&config)?;
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("e2e-{title}-{}-{count}", std::process::id());
        let object = json!({
            "metadata": { "name": name, "labels": {
                "app.kubernetes.io/part-of": "tessera-e2e",
                "pod-security.kubernetes.io/enforce": "restricted",
            }}
        });
        let namespaces: Api<KubeNamespace> = Api::all(client.clone());
        namespaces.create(&PostParams::default(), &serde_json::from_value(object)?).await.context(advice)?;
        Ok(Namespace { name, client, store, config })
    }

    async fn with_pool(&self, test: impl AsyncFnOnce(&Namespace) -> Result<()>) -> Result<()> {
        self.create_secret().await?;
        self.create_pool("default", 2, json!({})).await?;
        test(self).await
    }

    /// Deletes the namespace, without waiting for it, and what the test has in the store.
    ///
    /// # Errors
    /// The API server or the store does not answer.
    pub async fn clear(&self) -> Result<()> {
        let namespaces: Api<KubeNamespace> = Api::all(self.client.clone());
        let deleted = namespaces.delete(&self.name, &DeleteParams::background()).await;
        for bucket in ["images", "results"] {
            self.store.abort_all(&self.folder(bucket)?).await?;
            self.store.delete_all(&self.folder(bucket)?).await?;
        }
        match deleted {
            Err(kube::Error::Api(status)) if status.code == 404 || status.code == 409 => Ok(()),
            other => Ok(other.map(|_| ())?),
        }
    }

    /// The objects of one kind in this namespace.
    pub fn api<K>(&self) -> Api<K>
    where
        K: Resource<Scope = k8s_openapi::NamespaceResourceScope, DynamicType = ()>,
    {
        Api::namespaced(self.client.clone(), &self.name)
    }

    async fn create_object<K>(&self, object: serde_json::Value) -> Result<K>
    where
        K: Resource<Scope = k8s_openapi::NamespaceResourceScope, DynamicType = ()>,
        K: Clone + Debug + Serialize + DeserializeOwned,
    {
        let object = serde_json::from_value(object)?;
        self.api::<K>().create(&PostParams::default(), &object).await.context("creating an object")
    }

    /// Creates the Secret `store` with the credentials of this machine's environment.
    ///
    /// # Errors
    /// The API server refuses it.
    pub async fn create_secret(&self) -> Result<()> {
        let keys = &self.config.credentials;
        let object = json!({
            "metadata": { "name": "store" },
            "type": tessera_api::STORE_SECRET_TYPE,
            "stringData": { "accessKeyId": keys.access_key_id, "secretAccessKey": keys.secret_access_key },
        });
        self.create_object::<Secret>(object).await.map(|_| ())
    }

    /// Creates a pool with `replicas` slots, which may read and write this test's folders only; `limits` as in its spec.
    ///
    /// # Errors
    /// The API server refuses it.
    pub async fn create_pool(&self, name: &str, replicas: u32, limits: serde_json::Value) -> Result<()> {
        let object = json!({
            "apiVersion": "tessera.dev/v1alpha1",
            "kind": "WorkerPool",
            "metadata": { "name": name },
            "spec": {
                "replicas": replicas,
                "store": {
                    "endpoint": self.config.endpoint, "region": self.config.region, "secretName": "store",
                    "scratch": self.scratch()?.to_string(), "scratchRetention": "5s",
                },
                "allow": {
                    "sources": [self.folder("images")?.to_string()],
                    "outputs": [self.folder("results")?.to_string()],
                },
                "worker": { "resources": {
                    "requests": { "cpu": "50m", "memory": "64Mi" }, "limits": { "memory": "512Mi" },
                }},
                "limits": limits,
            }
        });
        self.create_object::<WorkerPool>(object).await.map(|_| ())
    }

    /// Changes fields of the pool's spec.
    ///
    /// # Errors
    /// The API server refuses it.
    pub async fn change_pool(&self, name: &str, spec: serde_json::Value) -> Result<()> {
        let patch = Patch::Merge(json!({ "spec": spec }));
        self.api::<WorkerPool>().patch(name, &PatchParams::default(), &patch).await?;
        Ok(())
    }

    /// The test's own folder of a bucket.
    ///
    /// # Errors
    /// Never: the name is one of ours.
    pub fn folder(&self, bucket: &str) -> Result<Prefix> {
        Ok(Prefix::new(bucket, format!("e2e/{}/", self.name))?)
    }

    /// The scratch of the test's pools.
    ///
    /// # Errors
    /// Never: the name is one of ours.
    pub fn scratch(&self) -> Result<Prefix> {
        Ok(Prefix::new("results", format!("e2e/{}/.scratch/", self.name))?)
    }

    /// Where a source of this name lies.
    ///
    /// # Errors
    /// It is no name of an object.
    pub fn source(&self, name: &str) -> Result<Location> {
        Ok(self.folder("images")?.object(name)?)
    }

    /// Where an output of this name goes.
    ///
    /// # Errors
    /// It is no name of an object.
    pub fn output(&self, name: &str) -> Result<Location> {
        Ok(self.folder("results")?.object(name)?)
    }

    /// Puts a source into the store.
    ///
    /// # Errors
    /// The store does not take it.
    pub async fn put_source(&self, name: &str, bytes: &[u8]) -> Result<()> {
        self.store.put(&self.source(name)?, bytes.to_vec().into(), &PutOptions::default()).await?;
        Ok(())
    }

    /// The job `name` from `source` to `output`, both names in this test's folders. `rest` is YAML: more fields of the
    /// spec, one to a line and not indented; those of the output begin with `output.`, as in `output.tiff: {tile: 256}`.
    ///
    /// # Errors
    /// The text is no ImageJob.
    pub fn job(&self, name: &str, source: &str, output: &str, rest: &str) -> Result<ImageJob> {
        let (output_lines, spec_lines): (Vec<&str>, Vec<&str>) =
            rest.lines().map(str::trim_end).partition(|line| line.starts_with("output."));
        let output_lines: String =
            output_lines.iter().map(|line| format!("    {}\n", line.trim_start_matches("output."))).collect();
        let spec_lines: String = spec_lines.iter().map(|line| format!("  {line}\n")).collect();
        let text = format!(
            "apiVersion: tessera.dev/v1alpha1\nkind: ImageJob\nmetadata: {{name: {name}}}\nspec:\n  source: \
             {{uri: \"{}\"}}\n  output:\n    uri: \"{}\"\n{output_lines}{spec_lines}",
            self.source(source)?,
            self.output(output)?
        );
        tessera_api::parse_job(&text).map_err(|problems| anyhow!("{text}\n{problems:?}"))
    }

    /// Creates the job.
    ///
    /// # Errors
    /// The API server refuses it.
    pub async fn create_job(&self, job: &ImageJob) -> Result<ImageJob> {
        self.api::<ImageJob>().create(&PostParams::default(), job).await.context("creating the ImageJob")
    }
}
