//! The open image: loaded by its id, and followed until its view is ready.

import { effect, signal } from "@preact/signals";
import { api, isAbort, messageOf } from "../api";
import type { Image, ViewState } from "../types";
import { jobs } from "./jobs";

export type Open =
  | { state: "none" }
  | { state: "loading"; id: string }
  | { state: "ready"; image: Image }
  | { state: "error"; id: string; message: string };

export const open = signal<Open>({ state: "none" });

const POLL = 1200;
let current: AbortController | null = null;

export function close(): void {
  current?.abort();
  open.value = { state: "none" };
}

export function idOf(state: Open): string | null {
  if (state.state === "none") return null;
  return state.state === "ready" ? state.image.id : state.id;
}

export async function show(id: string): Promise<void> {
  if (idOf(open.peek()) === id && open.peek().state !== "error") return;
  current?.abort();
  const mine = (current = new AbortController());
  open.value = { state: "loading", id };
  try {
    let image = await api.image(id, mine.signal);
    if (mine.signal.aborted) return;
    if (image.view.state !== "ready") image = { ...image, view: await prepare(image) };
    if (mine.signal.aborted) return;
    open.value = { state: "ready", image };
    await follow(image, mine.signal);
  } catch (problem) {
    if (!isAbort(problem) && !mine.signal.aborted) open.value = { state: "error", id, message: messageOf(problem) };
  }
}

/** Opens what an answer already described, as after an address in the bucket was typed. */
export function showLoaded(image: Image): Promise<void> {
  return show(image.id);
}

async function prepare(image: Image): Promise<ViewState> {
  try {
    return await api.prepareView(image.id);
  } catch (problem) {
    return { state: "failed", message: messageOf(problem) };
  }
}

async function follow(image: Image, signal: AbortSignal): Promise<void> {
  let next = image;
  while (next.view.state === "preparing") {
    await new Promise((resume) => setTimeout(resume, POLL));
    if (signal.aborted) return;
    try {
      next = await api.image(image.id, signal);
    } catch (problem) {
      if (isAbort(problem)) return;
      continue;
    }
    if (!signal.aborted) open.value = { state: "ready", image: next };
  }
}

/** A view copy made by a job tells its progress by the job's events, which come sooner than the next look. */
effect(() => {
  const state = open.value;
  if (state.state !== "ready" || state.image.view.state !== "preparing" || !state.image.view.job) return;
  const job = jobs.value.get(state.image.view.job);
  if (!job || job.progress <= state.image.view.progress) return;
  open.value = { state: "ready", image: { ...state.image, view: { ...state.image.view, progress: job.progress } } };
});
