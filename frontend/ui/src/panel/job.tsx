//! A job beside its image: live progress, how it ended, and what can be done about it.

import { useEffect, useState } from "preact/hooks";
import { api } from "../api";
import { Button, IconButton, Meter } from "../parts/button";
import { Dialog } from "../parts/dialog";
import { Icon } from "../parts/icons";
import { current, remove, retry } from "../state/jobs";
import { attempt, config, say } from "../state/session";
import { matches } from "../state/workbench";
import type { Job } from "../types";
import { bytes, contactLink, dimensions, seconds, stageWords, STATE_WORDS, told } from "../words";
import { CopyBlock } from "./convert";

/** The time, each second while somebody needs it. */
export function useNow(active: boolean): number {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    if (!active) return;
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, [active]);
  return now;
}

export function JobCard({ job }: { job: Job }) {
  const [yaml, setYaml] = useState<string | null>(null);
  const look = () => attempt(async () => setYaml(await api.jobYaml(job.name)));
  return (
    <section class={`job-card ${job.state.toLowerCase()}`} aria-label={`Job ${job.title}`}>
      <div class="job-head">
        <StateChip job={job} />
        {!matches(job) && <span class="quiet small">for earlier settings</span>}
        <span class="spacer" />
        <IconButton icon="code" label="Show the job's YAML" onClick={() => void look()} />
        <IconButton icon="close" label="Put the job aside (it stays in Jobs)" onClick={() => (current.value = null)} />
      </div>
      {job.state === "Complete" ? <Done job={job} /> : job.state === "Failed" ? <Failed job={job} /> : <Progress job={job} />}
      {yaml !== null && (
        <Dialog title={`ImageJob ${job.name}`} wide onClose={() => setYaml(null)}>
          <CopyBlock text={yaml} what="YAML" />
          <CopyBlock text={`kubectl -n ${config.value?.namespace ?? "default"} get ij ${job.name} -o yaml`} what="kubectl line" />
        </Dialog>
      )}
    </section>
  );
}

export function StateChip({ job }: { job: Job }) {
  const icon = job.state === "Complete" ? "check" : job.state === "Failed" ? "alert" : "clock";
  return <span class={`chip ${job.state.toLowerCase()}`}><Icon name={icon} size={14} />{STATE_WORDS[job.state]}</span>;
}

export function timeLeft(job: Job, now: number): string | null {
  if (!job.eta) return null;
  const left = (Date.parse(job.eta) - now) / 1000;
  return left > 0 ? `${seconds(left)} left` : "nearly done";
}

function Progress({ job }: { job: Job }) {
  const now = useNow(true);
  const facts = [
    job.stage && stageWords(job.stage),
    timeLeft(job, now),
    job.workers > 0 && `${job.workers} ${job.workers === 1 ? "worker" : "workers"}`,
    job.throughput,
    job.retries > 0 && `${job.retries} ${job.retries === 1 ? "retry" : "retries"}`,
  ].filter(Boolean);
  return (
    <>
      <div class="job-progress">
        <Meter value={job.progress} label="Progress of the job" />
        <strong class="percent">{Math.floor(job.progress)} %</strong>
      </div>
      <p class="job-facts">{facts.join(" · ") || (job.place ? `Number ${job.place} in the queue` : "Getting ready…")}</p>
      {job.message && job.state !== "Running" && <p class="help">{told(job)}</p>}
      {!job.readOnly && <Button kind="plain" small icon="close" onClick={() => void remove(job, false).then((gone) => gone && say("The job is cancelled."))}>Cancel</Button>}
    </>
  );
}

function took(job: Job): string {
  if (!job.completed) return "";
  return ` in ${seconds(Math.max(0, (Date.parse(job.completed) - Date.parse(job.created)) / 1000))}`;
}

function Done({ job }: { job: Job }) {
  const [asking, setAsking] = useState(false);
  const { output, source } = job;
  const resized = output.width !== null && (output.width !== source.width || output.height !== source.height);
  return (
    <>
      <div class="job-done">
        <p class="job-facts">
          {output.size !== null && <strong>{bytes(output.size)}</strong>} {output.format.toUpperCase()}
          {resized && `, ${dimensions(output.width ?? 0, output.height ?? 0)}`}{took(job)}
        </p>
        {!job.readOnly && !asking && <Button kind="quiet" small icon="bin" onClick={() => setAsking(true)}>Delete…</Button>}
      </div>
      {asking && (
        <div class="row">
          <Button kind="danger" small icon="bin" onClick={() => void remove(job, true).then((gone) => gone && say("The result is deleted."))}>Delete the result</Button>
          <Button kind="quiet" small onClick={() => setAsking(false)}>Keep it</Button>
        </div>
      )}
    </>
  );
}

function Failed({ job }: { job: Job }) {
  return (
    <>
      <p class="job-message" role="alert">{told(job) || "The job failed, and did not say why. Retry it; if it fails again, tell the contact below."}</p>
      <div class="row">
        {!job.readOnly && <Button small icon="retry" onClick={() => void retry(job)}>Retry</Button>}
        {!job.readOnly && <Button kind="quiet" small icon="bin" onClick={() => void remove(job, false)}>Delete</Button>}
        {config.value?.contact && <a class="link small" href={contactLink(config.value.contact)}>Contact</a>}
      </div>
    </>
  );
}
