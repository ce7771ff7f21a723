//! The jobs, live: one stream of events, and the actions on a job. The server's picture wins always.

import { computed, signal } from "@preact/signals";
import { api } from "../api";
import type { Job, JobRequest, JobState, System } from "../types";
import { attempt, spoken } from "./session";
import { STATE_WORDS } from "../words";

export const jobs = signal<Map<string, Job>>(new Map());
export const system = signal<System | null>(null);
export const live = signal<"connecting" | "live" | "lost">("connecting");
/** The job beside the image, by name. */
export const current = signal<string | null>(null);
export const currentJob = computed(() => (current.value ? jobs.value.get(current.value) ?? null : null));
export const running = computed(() => [...jobs.value.values()].filter((job) => !ended(job.state)).length);

export function ended(state: JobState): boolean {
  return state === "Complete" || state === "Failed";
}

export function put(job: Job): void {
  const before = jobs.peek().get(job.name);
  jobs.value = new Map(jobs.peek()).set(job.name, job);
  if (before && before.state !== job.state) spoken.value = `${job.title}: ${STATE_WORDS[job.state]}`;
}

function forget(name: string): void {
  const next = new Map(jobs.peek());
  next.delete(name);
  jobs.value = next;
  if (current.peek() === name) current.value = null;
}

/** Listens for as long as the page lives. The browser connects again by itself; where it gives up, this does. */
export function listen(): void {
  const source = new EventSource("/api/v1/events");
  source.addEventListener("open", () => (live.value = "live"));
  source.addEventListener("job", (event) => put(JSON.parse(event.data) as Job));
  source.addEventListener("gone", (event) => forget((JSON.parse(event.data) as { name: string }).name));
  source.addEventListener("system", (event) => (system.value = JSON.parse(event.data) as System));
  source.addEventListener("error", () => {
    live.value = "lost";
    if (source.readyState !== EventSource.CLOSED) return;
    setTimeout(listen, 3000);
  });
}

export async function loadJob(name: string): Promise<Job | null> {
  const known = jobs.peek().get(name);
  if (known) return known;
  let job: Job | null = null;
  await attempt(async () => put((job = await api.job(name))));
  return job;
}

export async function start(request: JobRequest): Promise<boolean> {
  return attempt(async () => {
    const job = await api.createJob(request);
    put(job);
    current.value = job.name;
    spoken.value = "Convert has started.";
  });
}

export async function remove(job: Job, result: boolean): Promise<boolean> {
  return attempt(async () => {
    await api.removeJob(job.name, result);
    forget(job.name);
  });
}

export async function retry(job: Job): Promise<void> {
  await attempt(async () => {
    const next = await api.retryJob(job.name);
    put(next);
    current.value = next.name;
  });
}
