//! What must hold of a job that has ended. It looks, and changes nothing.

use crate::local::Reference;
use crate::namespace::Namespace;
use crate::wait::{Look, eventually};
use crate::work::{holds, message, status};
use anyhow::{Result, ensure};
use kube::ResourceExt;
use tessera_api::ImageJob;
use tessera_api::conditions::ConditionType;
use tessera_api::imagejob::State;
use tessera_core::name::label;
use tessera_core::record::sha256;
use tessera_store::{ErrorKind, Location, Store};

impl Namespace {
    /// The job is complete: its status says so in every way, the file is the one that one machine makes, and nothing
    /// else is left.
    ///
    /// # Errors
    /// Something of it does not hold.
    pub async fn expect_complete(&self, job: &ImageJob, expected: &Reference) -> Result<()> {
        says_complete(job)?;
        let at: Location = job.spec.output.uri.parse()?;
        let (info, bytes) = self.store.get(&at).await?;
        let (theirs, ours) = (sha256(&bytes), sha256(&expected.bytes));
        ensure!(
            theirs == ours,
            "{at}: {theirs}, {} bytes; one machine: {ours}, {} bytes",
            bytes.len(),
            expected.bytes.len()
        );
        let output = status(job).output.unwrap_or_default();
        ensure!(
            output.uri == at.to_string() && output.size == info.size && output.etag == info.etag,
            "{output:?} {info:?}"
        );
        ensure!(
            output.digest == expected.published.digest,
            "{} {}",
            output.digest,
            expected.published.digest
        );
        let by = self.store.head(&at).await?.metadata.get(label::PUBLISHED_BY).cloned();
        ensure!(by == job.uid(), "published by {by:?}");
        self.expect_events(job, &["Running", "Complete"]).await
    }

    /// The job has failed for `reason`, its message has these words, and there is no output.
    ///
    /// # Errors
    /// Something of it does not hold.
    pub async fn expect_failed(&self, job: &ImageJob, reason: &str, words: &str) -> Result<()> {
        let now = status(job);
        let said = message(job, ConditionType::Failed);
        ensure!(now.state == Some(State::Failed), "{:?}: {said}", now.state);
        ensure!(now.reason.as_deref() == Some(reason), "{:?} instead of {reason}: {said}", now.reason);
        ensure!(said.contains(words), "\"{said}\" instead of \"{words}\"");
        let wanted = [ConditionType::Failed, ConditionType::Finished, ConditionType::Stalled];
        ensure!(wanted.iter().all(|one| holds(job, *one)), "{:?}", now.conditions);
        let wrong = [ConditionType::Complete, ConditionType::Ready, ConditionType::Progressing];
        ensure!(!wrong.iter().any(|one| holds(job, *one)), "{:?}", now.conditions);
        ensure!(now.output.is_none() && now.completion_time.is_none(), "{now:?}");
        self.expect_events(job, &[reason]).await
    }

    /// There are events with these reasons about the job. They are written after the status.
    ///
    /// # Errors
    /// One of them does not come.
    pub async fn expect_events(&self, job: &ImageJob, reasons: &[&str]) -> Result<()> {
        let name = job.name_any();
        eventually(&format!("the events {reasons:?} of {name}"), 10, async || {
            let seen = self.event_reasons("ImageJob", Some(&name)).await?;
            let all = reasons.iter().all(|one| seen.iter().any(|other| other == one));
            Ok(Look::when(all, (), || format!("{seen:?}")))
        })
        .await
    }

    /// There is no object at the job's output.
    ///
    /// # Errors
    /// There is one.
    pub async fn expect_no_output(&self, job: &ImageJob) -> Result<()> {
        let at: Location = job.spec.output.uri.parse()?;
        match self.store.head(&at).await {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            other => anyhow::bail!("{at}: {other:?}"),
        }
    }

    /// No pod has been started in this namespace, as far as objects and events tell.
    ///
    /// # Errors
    /// There was one.
    pub async fn expect_no_pod_ever(&self) -> Result<()> {
        let (jobs, pods) = (self.stage_jobs().await?, self.live_pods().await?);
        ensure!(jobs.is_empty() && pods.is_empty(), "{jobs:?} {}", pods.len());
        let (of_jobs, of_pods) =
            (self.event_reasons("Job", None).await?, self.event_reasons("Pod", None).await?);
        ensure!(of_jobs.is_empty() && of_pods.is_empty(), "{of_jobs:?} {of_pods:?}");
        Ok(())
    }
}

fn says_complete(job: &ImageJob) -> Result<()> {
    let now = status(job);
    ensure!(now.state == Some(State::Complete), "{:?}: {}", now.state, message(job, ConditionType::Failed));
    let wanted =
        [ConditionType::Accepted, ConditionType::Complete, ConditionType::Finished, ConditionType::Ready];
    ensure!(wanted.iter().all(|one| holds(job, *one)), "{:?}", now.conditions);
    let wrong = [ConditionType::Failed, ConditionType::Stalled, ConditionType::Progressing];
    ensure!(!wrong.iter().any(|one| holds(job, *one)), "{:?}", now.conditions);
    let tiles = now.tiles.clone().unwrap_or_default();
    let summary = format!("{0}/{0}", tiles.total);
    ensure!(tiles.total > 0 && tiles.done == tiles.total && tiles.summary == summary, "{tiles:?}");
    ensure!(tiles.running == 0 && tiles.failed == 0, "{tiles:?}");
    ensure!(
        now.progress == Some(100) && now.percent.as_deref() == Some("100%"),
        "{:?} {:?}",
        now.progress,
        now.percent
    );
    ensure!(now.workers == Some(0) && now.estimated_completion_time.is_none(), "{now:?}");
    ensure!(now.start_time.is_some() && now.completion_time >= now.start_time, "{now:?}");
    ensure!(now.observed_generation == job.metadata.generation, "{:?}", now.observed_generation);
    Ok(())
}
