//! What Convert would do: the plan for the recipe as it stands, asked for when the person pauses.

import { computed, effect, signal } from "@preact/signals";
import { api, isAbort, messageOf } from "../api";
import type { JobRequest, Plan } from "../types";
import { open } from "./image";
import { chain, format, outputOptions } from "./recipe";

export type Planned = { state: "none" } | { state: "asking"; last: Plan | null } | { state: "ready"; plan: Plan } | { state: "refused"; message: string };

export const planned = signal<Planned>({ state: "none" });

export const request = computed<JobRequest | null>(() => {
  const image = open.value;
  if (image.state !== "ready") return null;
  return {
    source: image.image.id,
    operations: chain.value,
    output: { format: format.value, options: outputOptions.value },
  };
});

const PAUSE = 450;
let asked = "";

effect(() => {
  const body = request.value;
  const key = JSON.stringify(body);
  if (key === asked) return;
  asked = key;
  if (!body) {
    planned.value = { state: "none" };
    return;
  }
  const last = planned.peek();
  planned.value = { state: "asking", last: last.state === "ready" ? last.plan : last.state === "asking" ? last.last : null };
  setTimeout(() => void ask(body, key), PAUSE);
});

async function ask(body: JobRequest, key: string): Promise<void> {
  if (key !== asked) return;
  try {
    const plan = await api.plan(body);
    if (key === asked) planned.value = { state: "ready", plan };
  } catch (problem) {
    if (key === asked && !isAbort(problem)) planned.value = { state: "refused", message: messageOf(problem) };
  }
}
