//! The shapes of the API, as `/api/v1/openapi.json` has them. No code.

export type Parameters = Record<string, unknown>;
export type Chain = Array<Record<string, Parameters>>;

export interface JsonSchema {
  type?: string | string[];
  title?: string;
  description?: string;
  properties?: Record<string, JsonSchema>;
  enum?: Array<string | number>;
  oneOf?: JsonSchema[];
  const?: string | number;
  default?: unknown;
  minimum?: number;
  maximum?: number;
  multipleOf?: number;
}

export interface OutputKind { name: string; label: string; ext: string; help: string; schema: JsonSchema }

export interface Config {
  version: string;
  mode: "demo" | "proxy";
  user: { name: string };
  pool: string;
  namespace: string;
  limits: { uploadBytes: number; pixels: number; operations: number; partBytes: number };
  help: string | null;
  contact: string | null;
  outputs: OutputKind[];
  resultDays: number;
}

export type Control = "range" | "number" | "integer" | "choice" | "switch" | "kernel" | "rectangle" | "color" | "size";

export interface Parameter {
  name: string;
  label: string;
  help: string;
  required: boolean;
  control: Control;
  minimum?: number;
  maximum?: number;
  step?: number;
  suggested?: unknown;
  default?: unknown;
  choices?: Array<string | number>;
  unit?: string;
  logarithmic?: boolean;
}

export interface Operation {
  name: string;
  label: string;
  group: "Basic" | "Advanced";
  category: string;
  help: string;
  reduced: "same" | "scaled" | "never";
  parameters: Parameter[];
  drawn?: "rectangle";
}

export interface ImageSummary { id: string; uri: string; name: string; size: number; modified: string }

export type ViewState =
  | { state: "ready" }
  | { state: "preparing"; progress: number; job: string | null }
  | { state: "failed"; message: string };

export interface Image extends ImageSummary {
  etag: string;
  width: number;
  height: number;
  channels: number;
  bitDepth: number;
  format: string;
  readOnly: boolean;
  view: ViewState;
}

export type Quality = "exact" | "approximate" | "estimated" | "original";

export interface Level { level: number; width: number; height: number; quality: Quality; milliseconds: number }

export interface View {
  width: number;
  height: number;
  tileSize: number;
  etag: string;
  version: string;
  channels: number;
  bitDepth: number;
  levels: Level[];
  ask: boolean;
  message?: string | null;
}

export interface Bucket { prefixes: string[]; images: ImageSummary[]; continue: string | null }

export interface JobRequest {
  source: string;
  operations: Chain;
  output: { format: string; options: Parameters };
  name?: string;
}

export interface Plan {
  seconds: number;
  bytes: number;
  workers: number;
  stages: string[];
  width: number;
  height: number;
  channels: number;
  bitDepth: number;
  yaml: string;
  kubectl: string;
}

export type JobState = "Pending" | "Waiting" | "Running" | "Suspended" | "Complete" | "Failed";

export interface Job {
  name: string;
  title: string;
  state: JobState;
  reason: string | null;
  message: string | null;
  progress: number;
  tiles: { total: number; done: number; running: number; failed: number } | null;
  stage: { name: string; number: number; of: number } | null;
  workers: number;
  retries: number;
  throughput: string | null;
  place: number | null;
  created: string;
  started: string | null;
  completed: string | null;
  eta: string | null;
  expires: string | null;
  readOnly: boolean;
  source: { id: string; uri: string; name: string; width: number; height: number };
  operations: Chain;
  output: {
    uri: string;
    format: string;
    size: number | null;
    etag: string | null;
    image: string | null;
    width: number | null;
    height: number | null;
    name: string;
  };
  ready: number[][];
}

export interface System {
  slots: number;
  used: number;
  waiting: number;
  queueDepth: number;
  nodes: number | null;
  workers: number;
  throughput: number;
  cpu: number | null;
  memory: number | null;
  ready: boolean;
  message: string | null;
}
