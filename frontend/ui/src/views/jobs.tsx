//! The history: all jobs that the person may see, live, with a filter.

import { useEffect, useState } from "preact/hooks";
import { api, messageOf, resultUrl } from "../api";
import { StateChip, timeLeft, useNow } from "../panel/job";
import { Button, IconButton, Meter, Notice } from "../parts/button";
import { Thumb } from "../parts/thumb";
import { ended, jobs, put, remove, retry } from "../state/jobs";
import { go } from "../state/route";
import { byName, config, say } from "../state/session";
import { openJob } from "../state/workbench";
import type { Job, JobState } from "../types";
import { ago, bytes, told, words } from "../words";

const FILTERS: Array<{ value: string; label: string; states: JobState[] }> = [
  { value: "", label: "All", states: [] },
  { value: "Running", label: "Working", states: ["Pending", "Waiting", "Running", "Suspended"] },
  { value: "Complete", label: "Done", states: ["Complete"] },
  { value: "Failed", label: "Failed", states: ["Failed"] },
];

function fits(job: Job, filter: string, search: string): boolean {
  const states = FILTERS.find((one) => one.value === filter)?.states ?? [];
  const text = `${job.name} ${job.title} ${job.source.name} ${job.operations.flatMap((item) => Object.keys(item)).join(" ")}`.toLowerCase();
  return (!states.length || states.includes(job.state)) && text.includes(search.trim().toLowerCase());
}

/** Loads pages into the one map of jobs, from which the list is made. */
function usePages(filter: string, search: string) {
  const [next, setNext] = useState<string | null>(null);
  const [state, setState] = useState<"loading" | "ready" | string>("loading");
  const load = async (from: string | null) => {
    const page = await api.jobs({ search: search.trim(), continue: from, ...(filter && filter !== "Running" ? { state: filter } : {}) });
    page.jobs.forEach(put);
    setNext(page.continue);
    setState("ready");
  };
  useEffect(() => {
    const timer = setTimeout(() => void load(null).catch((problem: unknown) => setState(messageOf(problem))), search ? 300 : 0);
    return () => clearTimeout(timer);
  }, [filter, search]);
  return { state, next, more: () => void load(next).catch((problem: unknown) => say(messageOf(problem), "problem")) };
}

export function JobsView() {
  const [filter, setFilter] = useState("");
  const [search, setSearch] = useState("");
  const pages = usePages(filter, search);
  const list = [...jobs.value.values()].filter((job) => fits(job, filter, search)).sort((a, b) => (a.created < b.created ? 1 : -1));
  return (
    <div class="page">
      <header class="page-head">
        <h1>Jobs</h1>
        <div class="filters">
          <input class="text search" type="search" aria-label="Search jobs" placeholder="Search" value={search} onInput={(event) => setSearch(event.currentTarget.value)} />
          <div class="segments" role="radiogroup" aria-label="State">
            {FILTERS.map((one) => (
              <label key={one.value} class="segment"><input type="radio" name="state" checked={filter === one.value} onChange={() => setFilter(one.value)} /><span>{one.label}</span></label>
            ))}
          </div>
        </div>
      </header>
      {!["loading", "ready"].includes(pages.state) && <p class="problem" role="alert">{pages.state}</p>}
      {pages.state === "loading" && !list.length && <div class="skeletons" role="status" aria-label="Loading">{[1, 2, 3, 4].map((row) => <div key={row} class="skeleton tall" />)}</div>}
      {pages.state === "ready" && !list.length && <Nothing filtered={Boolean(filter || search)} />}
      <ul class="job-list">{list.map((job) => <JobRow key={job.name} job={job} />)}</ul>
      {pages.next && <Button kind="quiet" onClick={pages.more}>Show more</Button>}
      {list.length > 0 && config.value && <p class="quiet small">Jobs made here are kept for {config.value.resultDays} days.</p>}
    </div>
  );
}

function Nothing({ filtered }: { filtered: boolean }) {
  return filtered ? <Notice icon="loupe" title="No job fits">Change the search or the filter.</Notice> : (
    <Notice icon="image" title="No jobs yet">
      <p>Open an image and press Convert: its job appears here.</p>
      <div class="row centre"><Button kind="primary" onClick={() => go({ view: "image" })}>Open an image</Button></div>
    </Notice>
  );
}

function labelOf(name: string): string {
  return byName.value.get(name)?.label ?? words(name);
}

function chainWords(job: Job): string {
  const names = job.operations.map((item) => labelOf(Object.keys(item)[0] ?? ""));
  return names.length ? names.join(", then ") : "Format only";
}

/** What the title does not say already. */
function about(job: Job): string {
  const labels = job.operations.map((item) => labelOf(Object.keys(item)[0] ?? "").toLowerCase());
  const titled = labels.length > 0 && labels.every((label) => job.title.toLowerCase().includes(label));
  return [titled ? null : chainWords(job), job.output.format.toUpperCase(), job.readOnly ? "made by kubectl" : null].filter(Boolean).join(" · ");
}

function JobRow({ job }: { job: Job }) {
  const open = () => {
    go({ view: "image", job: job.name });
    void openJob(job.name);
  };
  return (
    <li class="job-row">
      <Thumb image={job.output.image ?? job.source.id} />
      <div class="job-main">
        <button type="button" class="job-title" onClick={open}>{job.title}</button>
        <span class="quiet small">{about(job)}</span>
        {job.state === "Failed" && <span class="problem small">{told(job)}</span>}
        {!ended(job.state) && <JobRowProgress job={job} />}
      </div>
      <div class="job-side"><StateChip job={job} /><span class="quiet small">{job.output.size !== null && job.state === "Complete" ? `${bytes(job.output.size)} · ` : ""}{ago(job.created, Date.now())}</span></div>
      <JobRowActions job={job} />
    </li>
  );
}

function JobRowProgress({ job }: { job: Job }) {
  const now = useNow(true);
  const words = [timeLeft(job, now), job.place ? `number ${job.place} in the queue` : null, job.workers ? `${job.workers} workers` : null].filter(Boolean).join(" · ");
  return <div class="job-progress"><Meter value={job.progress} label={`Progress of ${job.title}`} /><span class="small">{Math.floor(job.progress)} % {words && `· ${words}`}</span></div>;
}

function JobRowActions({ job }: { job: Job }) {
  const [asking, setAsking] = useState(false);
  const done = job.state === "Complete";
  if (asking) {
    return (
      <div class="job-actions">
        <Button small kind="danger" onClick={() => void remove(job, done)}>{done ? "Delete with its result" : ended(job.state) ? "Delete" : "Cancel the job"}</Button>
        <Button small kind="quiet" onClick={() => setAsking(false)}>Keep</Button>
      </div>
    );
  }
  return (
    <div class="job-actions">
      {done && job.output.image && <a class="button plain small" href={resultUrl(job.name)} download={job.output.name}><span>Download</span></a>}
      {job.state === "Failed" && !job.readOnly && <Button small icon="retry" onClick={() => void retry(job)}>Retry</Button>}
      {!job.readOnly && <IconButton icon={ended(job.state) ? "bin" : "close"} label={`${ended(job.state) ? "Delete" : "Cancel"} ${job.title}…`} onClick={() => setAsking(true)} />}
    </div>
  );
}
