//! The tables of specs in `api/tests/cases`, as the real API server and kubectl judge them. Nothing is run.

use anyhow::{Result, ensure};
use futures::{StreamExt, TryStreamExt};
use kube::api::{Patch, PatchParams};
use serde::Deserialize;
use tessera_api::ImageJob;
use tessera_e2e::{kubectl, with_empty_namespace};

/// Runs of kubectl at once.
const AT_ONCE: usize = 3;

#[derive(Deserialize)]
struct Refused {
    name: String,
    spec: String,
    server: Option<String>,
}

#[derive(Deserialize)]
struct Accepted {
    name: String,
    spec: String,
}

#[derive(Deserialize)]
struct Change {
    name: String,
    patch: String,
    server: Option<String>,
}

/// What `kubectl apply` says of a spec: whether it takes it, and its words.
async fn apply(namespace: &str, spec: &str) -> Result<(bool, String)> {
    let spec: String = spec.lines().map(|line| format!("  {line}\n")).collect();
    let text =
        format!("apiVersion: tessera.dev/v1alpha1\nkind: ImageJob\nmetadata: {{name: case}}\nspec:\n{spec}");
    let answer = kubectl(namespace, &["apply", "--dry-run=server", "-f", "-"], &text).await?;
    Ok((answer.ok, answer.said))
}

#[tokio::test(flavor = "multi_thread")]
async fn kubectl_apply_refuses_wrong_specs_with_the_path_of_the_field() -> Result<()> {
    let cases: Vec<Refused> = serde_norway::from_str(include_str!("../../../api/tests/cases/refused.yaml"))?;
    with_empty_namespace("refused", async |ns| {
        let judged = futures::stream::iter(&cases).map(async |case| {
            let (taken, said) = apply(&ns.name, &case.spec).await?;
            Ok::<_, anyhow::Error>(match &case.server {
                Some(words) if taken => Some(format!("{}: taken, but for: {words}", case.name)),
                Some(words) if !said.contains(words) => Some(format!("{}: {said}", case.name)),
                Some(_) | None => None,
            })
        });
        let wrong: Vec<Option<String>> = judged.buffer_unordered(AT_ONCE).try_collect().await?;
        let wrong: Vec<String> = wrong.into_iter().flatten().collect();
        ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn kubectl_apply_takes_right_specs() -> Result<()> {
    let cases: Vec<Accepted> =
        serde_norway::from_str(include_str!("../../../api/tests/cases/accepted.yaml"))?;
    with_empty_namespace("accepted", async |ns| {
        for case in &cases {
            let (taken, said) = apply(&ns.name, &case.spec).await?;
            ensure!(taken, "{}: {said}", case.name);
        }
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_may_change_can_be_changed() -> Result<()> {
    let cases: Vec<Change> = serde_norway::from_str(include_str!("../../../api/tests/cases/changes.yaml"))?;
    with_empty_namespace("changes", async |ns| {
        let job = tessera_api::parse_job(
            "apiVersion: tessera.dev/v1alpha1\nkind: ImageJob\nmetadata: {name: job}\nspec: {source: {uri: \
             s3://images/a.tif}, operations: [{invert: {}}], output: {uri: s3://results/a.png, png: {}}, \
             activeDeadlineSeconds: 60}",
        );
        ns.create_job(&job.map_err(|problems| anyhow::anyhow!("{problems:?}"))?).await?;
        for case in &cases {
            let spec: serde_json::Value = serde_json::from_str(&case.patch)?;
            let patch = Patch::Merge(serde_json::json!({ "spec": spec }));
            let params = PatchParams { dry_run: true, ..PatchParams::default() };
            let said = ns.api::<ImageJob>().patch("job", &params, &patch).await.err().map(|e| e.to_string());
            match (&case.server, said) {
                (None, None) => {}
                (Some(words), Some(said)) => ensure!(said.contains(words), "{}: {said}", case.name),
                (None, Some(said)) => anyhow::bail!("{} was refused: {said}", case.name),
                (Some(_), None) => anyhow::bail!("{} was taken", case.name),
            }
        }
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn kubectl_explains_every_operation_and_lists_jobs_by_their_short_name() -> Result<()> {
    with_empty_namespace("explain", async |ns| {
        let explained = kubectl(&ns.name, &["explain", "ij.spec.operations"], "").await?;
        for operation in ["grayscale", "invert", "brightnessContrast", "gaussianBlur", "sobel"] {
            ensure!(explained.out.contains(operation), "{explained:?}");
        }
        let sigma = kubectl(&ns.name, &["explain", "ij.spec.operations.gaussianBlur.sigma"], "").await?;
        ensure!(sigma.ok && sigma.out.contains("DESCRIPTION"), "{sigma:?}");
        for kinds in ["ij", "wp", "tessera"] {
            let listed = kubectl(&ns.name, &["get", kinds], "").await?;
            ensure!(listed.ok && listed.said.starts_with("No resources found"), "{kinds}: {listed:?}");
        }
        Ok(())
    })
    .await
}
