//! Talks to `/api/v1`: typed requests, and errors as sentences a person can act on. Keeps no state.

import type { Bucket, Chain, Config, Image, ImageSummary, Job, JobRequest, Operation, Plan, View, ViewState } from "./types";

/** A refusal by the server, in its own words, or the lack of an answer. */
export class ApiError extends Error {
  constructor(readonly code: string, message: string, readonly status: number) {
    super(message);
  }
}

const UNREACHABLE = "The server does not answer. Check your connection; this page tries again by itself.";

async function refusal(response: Response): Promise<ApiError> {
  const body = (await response.json().catch(() => null)) as { error?: { code?: string; message?: string } } | null;
  if (body?.error?.message) return new ApiError(body.error.code ?? "Unknown", sentence(body.error.message), response.status);
  if (response.status === 401) return new ApiError("Unauthorized", "You are signed out. Load the page again to sign in.", 401);
  return new ApiError("Unknown", `The server answered ${response.status}. Try again in a moment.`, response.status);
}

/** Messages of the cluster begin in lower case; on the page they are sentences. */
export function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

export function isAbort(problem: unknown): boolean {
  return problem instanceof DOMException && problem.name === "AbortError";
}

export function messageOf(problem: unknown): string {
  return problem instanceof Error ? problem.message : String(problem);
}

async function send(path: string, init: RequestInit = {}): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(`/api/v1${path}`, { credentials: "same-origin", ...init });
  } catch (problem) {
    if (isAbort(problem)) throw problem;
    throw new ApiError("Unreachable", UNREACHABLE, 0);
  }
  if (!response.ok) throw await refusal(response);
  return response;
}

async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  return (await send(path, signal ? { signal } : {})).json() as Promise<T>;
}

async function post<T>(path: string, body: unknown, signal?: AbortSignal): Promise<T> {
  const headers = { "content-type": "application/json" };
  return (await send(path, { method: "POST", headers, body: JSON.stringify(body), ...(signal ? { signal } : {}) })).json() as Promise<T>;
}

const seg = encodeURIComponent;

export function query(entries: Record<string, string | number | null | undefined>): string {
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(entries)) if (value !== null && value !== undefined && value !== "") search.set(key, String(value));
  const text = search.toString();
  return text ? `?${text}` : "";
}

export const api = {
  config: () => get<Config>("/config"),
  operations: () => get<{ operations: Operation[] }>("/operations"),
  openUri: (uri: string) => post<Image>("/images", { uri }),
  images: () => get<{ images: ImageSummary[] }>("/images"),
  image: (id: string, signal?: AbortSignal) => get<Image>(`/images/${seg(id)}`, signal),
  removeImage: (id: string) => send(`/images/${seg(id)}`, { method: "DELETE" }),
  bucket: (prefix: string, next: string | null) => get<Bucket>(`/bucket${query({ prefix, continue: next })}`),
  prepareView: (id: string) => post<ViewState>(`/images/${seg(id)}/view`, {}),
  view: (id: string, chain: Chain, signal?: AbortSignal) => get<View>(`/images/${seg(id)}/view${query({ chain: JSON.stringify(chain) })}`, signal),
  plan: (request: JobRequest, signal?: AbortSignal) => post<Plan>("/plan", request, signal),
  createJob: (request: JobRequest) => post<Job>("/jobs", request),
  jobs: (filter: { state?: string; search?: string; continue?: string | null }) =>
    get<{ jobs: Job[]; continue: string | null }>(`/jobs${query({ ...filter, limit: 50 })}`),
  job: (name: string) => get<Job>(`/jobs/${seg(name)}`),
  removeJob: (name: string, result: boolean) => send(`/jobs/${seg(name)}${result ? "?result=1" : ""}`, { method: "DELETE" }),
  retryJob: (name: string) => post<Job>(`/jobs/${seg(name)}/retry`, {}),
  jobYaml: async (name: string) => (await send(`/jobs/${seg(name)}/yaml`)).text(),
};

export function resultUrl(job: string): string {
  return `/api/v1/jobs/${seg(job)}/result`;
}

export function tileUrl(image: string, view: View, chain: Chain, level: number, x: number, y: number): string {
  const search = query({ chain: JSON.stringify(chain), etag: view.etag, v: view.version });
  return `/tiles/${seg(image)}/${level}/${x}_${y}${search}`;
}
