//! What the viewer shows: the original, and over it the preview of the chain or a job's result.

import { computed, effect, signal } from "@preact/signals";
import { api, isAbort, messageOf } from "../api";
import type { Chain, View } from "../types";
import { open } from "./image";
import { currentJob } from "./jobs";
import { shown } from "./recipe";
import { matches } from "./workbench";

export interface Layer { kind: "original" | "preview" | "result"; image: string; chain: Chain; view: View }

export type After =
  | { state: "none" }
  | { state: "loading" }
  | { state: "preparing"; progress: number }
  | { state: "ask"; layer: Layer; milliseconds: number }
  | { state: "ready"; layer: Layer }
  | { state: "error"; message: string };

export const before = signal<Layer | null>(null);
export const beforeProblem = signal<string | null>(null);
export const after = signal<After>({ state: "none" });
/** Raised to have a view asked for again, after an error or a source that changed. */
export const attempts = signal(0);

const PAUSE = 180;
const POLL = 1500;
const allowed = new Set<string>();

const openId = computed(() => (open.value.state === "ready" && open.value.image.view.state === "ready" ? open.value.image.id : null));

/** What should lie over the original, as a key that changes only when it does. */
const wanted = computed(() => {
  const image = openId.value;
  if (!image) return "";
  const job = currentJob.value;
  const result = job?.state === "Complete" && matches(job) ? job.output.image : null;
  if (result) return JSON.stringify({ kind: "result", image: result, chain: [] });
  return shown.value.length ? JSON.stringify({ kind: "preview", image, chain: shown.value }) : "";
});

function consent(image: string, chain: Chain): string {
  return `${image} ${chain.map((item) => Object.keys(item)[0]).join()}`;
}

/** The person accepts the time that the preview takes. */
export function allow(): void {
  const now = after.peek();
  if (now.state !== "ask") return;
  allowed.add(consent(now.layer.image, now.layer.chain));
  after.value = { state: "ready", layer: now.layer };
}

export function again(): void {
  attempts.value += 1;
}

let beforeAsked: AbortController | null = null;
effect(() => {
  const id = openId.value;
  void attempts.value;
  beforeAsked?.abort();
  if (before.peek()?.image !== id) before.value = null;
  beforeProblem.value = null;
  if (!id) return;
  const mine = (beforeAsked = new AbortController());
  api.view(id, [], mine.signal).then(
    (view) => (before.value = { kind: "original", image: id, chain: [], view }),
    (problem: unknown) => isAbort(problem) || mine.signal.aborted || (beforeProblem.value = messageOf(problem)),
  );
});

let afterAsked: AbortController | null = null;
effect(() => {
  const key = wanted.value;
  void attempts.value;
  afterAsked?.abort();
  if (!key) {
    after.value = { state: "none" };
    return;
  }
  const mine = (afterAsked = new AbortController());
  const layer = JSON.parse(key) as Omit<Layer, "view">;
  if (after.peek().state === "none") after.value = { state: "loading" };
  setTimeout(() => void look(layer, mine.signal), PAUSE);
});

async function look(layer: Omit<Layer, "view">, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  try {
    if (layer.kind === "result") await ready(layer.image, signal);
    const view = await api.view(layer.image, layer.chain, signal);
    if (signal.aborted) return;
    const full = { ...layer, view };
    const slow = view.ask && !allowed.has(consent(layer.image, layer.chain));
    after.value = slow ? { state: "ask", layer: full, milliseconds: firstShown(view) } : { state: "ready", layer: full };
  } catch (problem) {
    if (!signal.aborted && !isAbort(problem)) after.value = { state: "error", message: messageOf(problem) };
  }
}

/** What one tile costs at the level that is shown first: the smallest that still fills a stage. */
function firstShown(view: View): number {
  const levels = [...view.levels].sort((a, b) => b.level - a.level);
  return (levels.find((level) => level.width >= 800) ?? levels.at(-1))?.milliseconds ?? 0;
}

/** A result without tiles needs a view copy first, like any image. */
async function ready(id: string, signal: AbortSignal): Promise<void> {
  let state = (await api.image(id, signal)).view;
  if (state.state !== "ready") state = await api.prepareView(id);
  while (state.state === "preparing") {
    after.value = { state: "preparing", progress: state.progress };
    await new Promise((resume) => setTimeout(resume, POLL));
    if (signal.aborted) return;
    state = (await api.image(id, signal)).view;
  }
  if (state.state === "failed") throw new Error(state.message);
}
