//! Uploads as the page shows them, and what is remembered of unfinished ones over a reload. The sending is `uploader.ts`.

import { signal } from "@preact/signals";
import { messageOf } from "../api";
import { config, say } from "./session";

export interface Upload {
  id: string;
  name: string;
  size: number;
  sent: number;
  /** Bytes per second over the last seconds; 0 while unknown. */
  speed: number;
  state: "starting" | "sending" | "paused" | "finishing" | "failed";
  resumed: boolean;
  message?: string;
  /** The server will not have this file: sending it again is of no use. */
  refused?: boolean;
  /** The picture itself, where the browser can show it before it has arrived. */
  picture?: ImageBitmap;
}

/** An upload that a reload interrupted: the same file, chosen again, goes on. */
export interface Unfinished { name: string; size: number; lastModified: number; key: string; uploadId: string; partBytes: number; sent: number; when: number }

const STORE = "tessera.uploads";
const DAYS = 6;

export const uploads = signal<Upload[]>([]);
export const unfinished = signal<Unfinished[]>(recall());

function recall(): Unfinished[] {
  try {
    const list = JSON.parse(localStorage.getItem(STORE) ?? "[]") as Unfinished[];
    return list.filter((entry) => Date.now() - entry.when < DAYS * 86_400_000);
  } catch {
    return [];
  }
}

function keep(list: Unfinished[]): void {
  unfinished.value = list;
  try {
    localStorage.setItem(STORE, JSON.stringify(list));
  } catch {
    // A browser that stores nothing still uploads; it only cannot go on after a reload.
  }
}

export function remember(entry: Unfinished): void {
  keep([entry, ...unfinished.peek().filter((other) => other.uploadId !== entry.uploadId)]);
}

export function forget(uploadId: string): void {
  keep(unfinished.peek().filter((entry) => entry.uploadId !== uploadId));
}

export function known(file: File, partBytes: number): Unfinished | undefined {
  return unfinished.peek().find((entry) => entry.name === file.name && entry.size === file.size && entry.lastModified === file.lastModified && entry.partBytes === partBytes);
}

export function update(id: string, change: Partial<Upload>): void {
  uploads.value = uploads.peek().map((upload) => (upload.id === id ? { ...upload, ...change } : upload));
}

/** Starts uploads of files that were dropped or chosen. The first to end is opened. */
export async function upload(files: Iterable<File>): Promise<void> {
  try {
    const uploader = await import("./uploader");
    for (const file of files) await uploader.add(file);
  } catch (problem) {
    say(messageOf(problem), "problem");
  }
}

export async function pause(id: string): Promise<void> {
  (await import("./uploader")).toggle(id);
}

export async function cancel(id: string): Promise<void> {
  (await import("./uploader")).cancel(id);
}

export async function again(id: string): Promise<void> {
  await (await import("./uploader")).retry(id);
}

/** Gives an interrupted upload up: its parts are deleted in the store. */
export async function abandon(entry: Unfinished): Promise<void> {
  forget(entry.uploadId);
  await fetch(`/api/v1/s3/multipart/${encodeURIComponent(entry.uploadId)}?${new URLSearchParams({ key: entry.key })}`, { method: "DELETE" }).catch(() => undefined);
}

/** A reload in the middle of an upload asks first: the file must be chosen again to go on. */
window.addEventListener("beforeunload", (event) => {
  if (uploads.peek().some((upload) => upload.state === "sending")) event.preventDefault();
});

export function limit(): number {
  return config.peek()?.limits.uploadBytes ?? Number.MAX_SAFE_INTEGER;
}
