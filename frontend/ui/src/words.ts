//! Numbers, times and names as people read them. Pure.

import { sentence } from "./api";
import type { Image, Job, JobState, Quality } from "./types";

const UNITS = ["bytes", "kB", "MB", "GB", "TB"];

export function bytes(count: number): string {
  let value = count;
  let unit = 0;
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit]}`;
}

export function seconds(total: number): string {
  if (total < 1) return "under a second";
  if (total < 90) return `${Math.round(total)} s`;
  if (total < 5400) return `${Math.round(total / 60)} min`;
  return `${(total / 3600).toFixed(1)} h`;
}

export function megapixels(width: number, height: number): string {
  const count = (width * height) / 1e6;
  if (count >= 1000) return `${(count / 1000).toFixed(1)} gigapixels`;
  return `${count >= 10 ? Math.round(count) : count.toFixed(1)} megapixels`;
}

export function dimensions(width: number, height: number): string {
  return `${width.toLocaleString("en")} × ${height.toLocaleString("en")}`;
}

const COLOURS = ["", "gray", "gray with alpha", "colour", "colour with alpha"];

export function describe(image: Pick<Image, "channels" | "bitDepth" | "format">): string {
  const colour = COLOURS[image.channels] ?? `${image.channels} channels`;
  return `${image.format.toUpperCase()}, ${colour}, ${image.bitDepth} bit`;
}

export function ago(iso: string, now: number): string {
  const passed = Math.max(0, (now - Date.parse(iso)) / 1000);
  if (passed < 45) return "just now";
  if (passed < 5400) return `${Math.max(1, Math.round(passed / 60))} min ago`;
  if (passed < 129600) return `${Math.round(passed / 3600)} h ago`;
  return new Date(iso).toLocaleDateString(undefined, { day: "numeric", month: "short", year: "numeric" });
}

/** camelCase to words: `gaussianBlur` is "Gaussian blur". */
export function words(name: string): string {
  const spaced = name.replace(/([a-z])([A-Z])/g, "$1 $2").replace(/[-_]/g, " ").toLowerCase();
  return spaced.charAt(0).toUpperCase() + spaced.slice(1);
}

/** What a job says, with the names that a person knows for addresses, and without the pod that said it. */
export function told(job: Job): string {
  const named = (job.message ?? "").replaceAll(job.source.uri, job.source.name).replaceAll(job.output.uri, job.output.name);
  return sentence(named.replace(/ \(shard \d+, pod [^)]*\)$/, ""));
}

/** An address for mail becomes a link; anything else is one. */
export function contactLink(contact: string): string {
  return /^[^\s:@]+@[^\s:@]+$/.test(contact) ? `mailto:${contact}` : contact;
}

export const STATE_WORDS: Record<JobState, string> = {
  Pending: "Starting",
  Waiting: "Waiting for its turn",
  Running: "Working",
  Suspended: "On hold",
  Complete: "Done",
  Failed: "Failed",
};

const STAGES: Record<string, string> = {
  whole: "Computing",
  split: "Making the source readable in parts",
  tiles: "Computing tiles",
  assemble: "Writing the file",
};

export function stageWords({ name, number, of }: NonNullable<Job["stage"]>): string {
  const what = STAGES[name] ?? words(name);
  return of > 1 ? `${what} (step ${number} of ${of})` : what;
}

export const QUALITY_WORDS: Record<Quality, { label: string; help: string }> = {
  exact: { label: "Exact", help: "These are the pixels that Convert will make." },
  approximate: { label: "Approximate", help: "Computed on a smaller copy. Zoom in for exact pixels." },
  estimated: { label: "Estimated", help: "This operation looks at the whole image; its statistics are estimated from a smaller copy." },
  original: { label: "Zoom in to preview", help: "At this size the operation would not show what it does; you see the original. Zoom in, or use the exact loupe." },
};
