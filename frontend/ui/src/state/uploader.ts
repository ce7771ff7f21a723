//! Sends files in parts by Uppy, to the page's own origin. Loaded when the first file comes.

import AwsS3 from "@uppy/aws-s3";
import Uppy from "@uppy/core";
import { sentence } from "../api";
import { idOf, open, show } from "./image";
import { config, say, spoken } from "./session";
import { bytes } from "../words";
import { go } from "./route";
import { current } from "./jobs";
import { forget, known, limit, remember, unfinished, update, uploads, type Unfinished } from "./uploads";

const MINIMUM_PART = 5 * 1024 * 1024;
const MAXIMUM_PARTS = 10_000;

type Meta = { size: number; lastModified: number };
type Answer = { location?: string };

function partBytes(): number {
  return Math.max(MINIMUM_PART, config.peek()?.limits.partBytes ?? 0);
}

const uppy = new Uppy<Meta, Answer>({ id: "tessera", autoProceed: false });
uppy.use(AwsS3, {
  companionEndpoint: "/api/v1",
  shouldUseMultipart: true,
  getChunkSize: (file: { size: number }) => Math.max(partBytes(), Math.ceil(file.size / MAXIMUM_PARTS)),
  limit: 2,
});

/** Begins an upload in the store, or finds the one that a reload interrupted. */
async function begin(file: File): Promise<{ entry: Unfinished; resumed: boolean }> {
  const old = known(file, partBytes());
  if (old && (await exists(old))) return { entry: old, resumed: true };
  if (old) forget(old.uploadId);
  const response = await fetch("/api/v1/s3/multipart", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ filename: file.name, type: file.type || "application/octet-stream", metadata: { size: String(file.size), lastModified: String(file.lastModified) } }),
  });
  const body = (await response.json().catch(() => ({}))) as { key?: string; uploadId?: string; error?: { message?: string } };
  if (!response.ok || !body.key || !body.uploadId) throw new Error(sentence(body.error?.message ?? `The upload cannot begin (${response.status}). Try again in a moment.`));
  const entry = { name: file.name, size: file.size, lastModified: file.lastModified, key: body.key, uploadId: body.uploadId, partBytes: partBytes(), sent: 0, when: Date.now() };
  return { entry, resumed: false };
}

async function exists(entry: Unfinished): Promise<boolean> {
  const response = await fetch(`/api/v1/s3/multipart/${encodeURIComponent(entry.uploadId)}?${new URLSearchParams({ key: entry.key })}`).catch(() => null);
  return response?.ok ?? false;
}

function refuse(file: File): string | null {
  if (file.size === 0) return `${file.name} is empty. Choose another file.`;
  if (file.size > limit()) return `${file.name} has ${bytes(file.size)}; uploads end at ${bytes(limit())}. Put it into the bucket by other means, and open it from there.`;
  return null;
}

/** What was open when the upload began: if it still is, the new image takes its place. */
const openBefore = new Map<string, string | null>();
const samples = new Map<string, { at: number; sent: number }>();

export async function add(file: File): Promise<void> {
  const reason = refuse(file);
  if (reason) throw new Error(reason);
  const { entry, resumed } = await begin(file);
  remember(entry);
  const id = uppy.addFile({ name: file.name, type: file.type, data: file, meta: { size: file.size, lastModified: file.lastModified } });
  // With this the plugin goes on with what the store has: it lists the parts and sends only those that are missing.
  uppy.setFileState(id, { s3Multipart: { key: entry.key, uploadId: entry.uploadId } } as object);
  uploads.value = [...uploads.peek(), { id, name: file.name, size: file.size, sent: 0, speed: 0, state: "starting", resumed }];
  openBefore.set(id, idOf(open.peek()));
  spoken.value = resumed ? `The upload of ${file.name} goes on.` : `The upload of ${file.name} begins.`;
  void uppy.upload().catch(() => undefined);
  void glance(file).then((picture) => picture && update(id, { picture }));
}

const GLANCE = { bytes: 60e6, width: 1400 };

/** What the browser itself can decode is seen at once. */
async function glance(file: File): Promise<ImageBitmap | null> {
  if (file.size > GLANCE.bytes || !/^image\/(jpeg|png|webp)$/.test(file.type)) return null;
  return createImageBitmap(file, { resizeWidth: GLANCE.width, resizeQuality: "medium" }).catch(() => null);
}

export function toggle(id: string): void {
  const paused = uppy.pauseResume(id);
  if (paused === undefined) return;
  samples.delete(id);
  update(id, { state: paused ? "paused" : "sending", speed: 0 });
}

export function cancel(id: string): void {
  const file = uploads.peek().find((upload) => upload.id === id);
  const entry = entryOf(id);
  uppy.removeFile(id);
  if (entry) {
    forget(entry.uploadId);
    if (file?.state === "failed") void fetch(`/api/v1/s3/multipart/${encodeURIComponent(entry.uploadId)}?${new URLSearchParams({ key: entry.key })}`, { method: "DELETE" }).catch(() => undefined);
  }
  uploads.value = uploads.peek().filter((upload) => upload.id !== id);
}

export async function retry(id: string): Promise<void> {
  const { message: _gone, ...rest } = uploads.peek().find((upload) => upload.id === id) ?? { id };
  uploads.value = uploads.peek().map((upload) => (upload.id === id ? { ...(rest as typeof upload), state: "starting", speed: 0 } : upload));
  await uppy.retryUpload(id).catch(() => undefined);
}

function entryOf(id: string): Unfinished | undefined {
  const file = uppy.getFile(id);
  const data = file?.data as File | undefined;
  return unfinished.peek().find((entry) => entry.name === file?.name && entry.size === data?.size && entry.lastModified === data?.lastModified);
}

uppy.on("upload-progress", (file, progress) => {
  if (!file) return;
  const shown = uploads.peek().find((upload) => upload.id === file.id);
  if (!shown || shown.state === "paused") return;
  const sent = progress.bytesUploaded ? Number(progress.bytesUploaded) : 0;
  const now = performance.now();
  const sample = samples.get(file.id);
  let speed = shown.speed;
  if (!sample || now - sample.at > 800) {
    if (sample) speed = speed * 0.5 + 0.5 * Math.max(0, ((sent - sample.sent) * 1000) / (now - sample.at));
    samples.set(file.id, { at: now, sent });
  }
  update(file.id, { sent, speed, state: sent >= shown.size ? "finishing" : "sending" });
});

uppy.on("s3-multipart:part-uploaded" as never, ((file: { id: string }) => {
  const entry = entryOf(file.id);
  const shown = uploads.peek().find((upload) => upload.id === file.id);
  if (entry && shown) remember({ ...entry, sent: shown.sent });
}) as never);

uppy.on("upload-success", (file, response) => {
  if (!file) return;
  const entry = entryOf(file.id);
  if (entry) forget(entry.uploadId);
  uppy.removeFile(file.id);
  uploads.value = uploads.peek().filter((upload) => upload.id !== file.id);
  const image = /\/images\/([^/]+)/.exec(response.body?.location ?? response.uploadURL ?? "")?.[1];
  spoken.value = `${file.name} is uploaded.`;
  if (!image || openBefore.get(file.id) !== idOf(open.peek())) return say(`${file.name} is uploaded. It is among your uploads, under “From the bucket”.`);
  current.value = null;
  go({ view: "image", image, job: null });
  void show(image);
});

interface Refused { request?: XMLHttpRequest | null }

uppy.on("upload-error", (file, error) => {
  if (!file) return;
  const answer = (error as Refused).request;
  const message = reason(answer) ?? "The connection was lost. What has arrived is kept: press Retry to go on.";
  // The server has given up what it refuses, so there is nothing to go on with.
  const refused = answer ? [400, 413, 415].includes(answer.status) : false;
  const entry = entryOf(file.id);
  if (refused && entry) forget(entry.uploadId);
  update(file.id, { state: "failed", message, refused });
  spoken.value = `The upload of ${file.name} failed. ${message}`;
});

function reason(answer: XMLHttpRequest | null | undefined): string | null {
  try {
    const body = JSON.parse(answer?.responseText ?? "") as { error?: { message?: string } };
    return body.error?.message ? sentence(body.error.message) : null;
  } catch {
    return null;
  }
}
