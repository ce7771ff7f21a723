//! Ties image, recipe and job together, and keeps the three in the page's address.

import { batch, effect } from "@preact/signals";
import type { Chain, Job, Parameters } from "../types";
import { idOf, open, show, close } from "./image";
import { current, currentJob, loadJob } from "./jobs";
import { chain, chooseFormat, format, options, outputOptions, readChain, take } from "./recipe";
import { note, route } from "./route";
import { byName, config, say } from "./session";

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (value && typeof value === "object") return `{${Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, inner]) => `${key}:${canonical(inner)}`).join()}}`;
  return JSON.stringify(value);
}

/** A chain without what equals a default: a server may have filled those in. */
function plain(next: Chain): string {
  return canonical(next.map((item) => Object.fromEntries(Object.entries(item).map(([name, values]) => {
    const parameters = byName.value.get(name)?.parameters ?? [];
    const kept = Object.entries(values ?? {}).filter(([key, value]) => {
      const parameter = parameters.find((one) => one.name === key);
      return !(parameter && !parameter.required && canonical(parameter.default ?? null) === canonical(value)) && value !== null;
    });
    return [name, Object.fromEntries(kept)];
  }))));
}

/** Whether the job did what the panel now asks for. */
export function matches(job: Job | null): boolean {
  return job !== null && job.source.id === idOf(open.value) && job.output.format === format.value && plain(job.operations) === plain(chain.value);
}

/** Opens a job beside its image: the recipe becomes the job's. */
export async function openJob(name: string): Promise<void> {
  if (open.peek().state === "none") open.value = { state: "loading", id: "" };
  const job = await loadJob(name);
  if (!job) {
    current.value = null;
    if (idOf(open.peek()) === "") close();
    return;
  }
  batch(() => {
    current.value = name;
    take(job.operations);
    if (format.peek() !== job.output.format) chooseFormat(job.output.format);
  });
  await show(job.source.id);
}

function readOptions(text: string | null): Parameters {
  try {
    const value: unknown = JSON.parse(text ?? "{}");
    return value && typeof value === "object" && !Array.isArray(value) ? (value as Parameters) : {};
  } catch {
    return {};
  }
}

/** Makes the state what the address says: at the start, and when the browser goes back or forth. */
export function restore(): void {
  const at = route.peek();
  const linked = readChain(at.chain);
  if (at.chain && !linked) say("The link's operations cannot be read. It may have been cut off; ask for it again.", "problem");
  batch(() => {
    take(linked ?? []);
    const outputs = config.peek()?.outputs ?? [];
    const wanted = outputs.find((output) => output.name === at.format) ?? outputs[0];
    if (wanted && wanted.name !== format.peek()) chooseFormat(wanted.name);
    options.value = readOptions(at.options);
    current.value = at.job;
    // In the same step, so that the address is not rewritten to what is only half restored.
    if (at.image) void show(at.image);
    else if (!at.job) close();
    if (at.job) void openJob(at.job);
  });
}

/** From now on the address follows the state. */
export function keepAddress(): void {
  effect(() => {
    const image = idOf(open.value);
    const steps = chain.value;
    const chosen = outputOptions.value;
    note({
      image,
      chain: steps.length ? JSON.stringify(steps) : null,
      format: format.value,
      options: Object.keys(chosen).length ? JSON.stringify(chosen) : null,
      job: currentJob.value || current.value ? current.value : null,
    });
  });
}
