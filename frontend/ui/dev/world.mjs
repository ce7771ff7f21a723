//! The stand-in server's world: images, uploads and jobs that move on by a clock. Nothing real happens in it.

import { createHash, randomUUID } from "node:crypto";

const TICK = 150;
const encode = (uri) => Buffer.from(uri).toString("base64url");

export class World {
  images = new Map();
  jobs = new Map();
  uploads = new Map();
  watchers = new Set();
  seen = { parts: [], completed: 0 };
  behaviour = { partDelay: 0, copyTicks: 12, jobTicks: 34, failAll: false };

  constructor({ operations, outputs, Refusal }) {
    Object.assign(this, { operations, outputs, Refusal });
    this.addImage("s3://images/slides/slide-0001.tif", { width: 98304, height: 73728, format: "tiff", size: 4.2e9, kind: "tissue" });
    this.addImage("s3://images/slides/slide-0002.tif", { width: 40960, height: 40960, format: "tiff", size: 1.1e9, kind: "tissue" });
    this.addImage("s3://images/lake.jpg", { width: 6000, height: 4000, format: "jpeg", size: 8.1e6 });
    this.addImage("s3://images/panorama.png", { width: 24000, height: 8000, format: "png", size: 3.1e8, copy: true });
    const lake = this.byUri("s3://images/lake.jpg");
    this.seed("lake-gray", lake, [{ grayscale: {} }], "png", "Complete", 3600e3);
    this.seed("slide-edges", this.byUri("s3://images/slides/slide-0001.tif"), [{ grayscale: {} }, { gaussianBlur: { sigma: 1.5 } }, { sobel: {} }], "tiff", "Complete", 86400e3, true);
    this.seed("panorama-crop", this.byUri("s3://images/panorama.png"), [{ crop: { x: 0, y: 0, width: 9000, height: 9000 } }], "jpeg", "Failed", 7200e3);
    setInterval(() => this.tick(), TICK).unref?.();
  }

  addImage(uri, { width, height, format, size, kind = "landscape", copy = false, own = false, name }) {
    const id = encode(uri);
    const view = copy ? { state: "preparing", progress: 0, job: null } : { state: "ready" };
    this.images.set(id, { id, uri, name: name ?? uri.split("/").at(-1), size, modified: new Date().toISOString(), etag: createHash("md5").update(uri).digest("hex"), width, height, channels: 3, bitDepth: 8, format, readOnly: !own, view, kind, own });
    return this.images.get(id);
  }

  image(id) {
    const image = this.images.get(id);
    if (!image) throw new this.Refusal(404, "NotFound", "this image is not there, or is not yours: choose another");
    return image;
  }

  byUri(uri) {
    const image = this.images.get(encode(uri));
    if (!image) throw new this.Refusal(404, "NotFound", `there is no object at ${uri}: check the address, or upload it first`);
    return image;
  }

  ownImages() {
    return [...this.images.values()].filter((image) => image.own).reverse();
  }

  bucket(prefix) {
    if (prefix.includes("slides")) return { prefixes: [], images: [...this.images.values()].filter((image) => image.uri.includes("/slides/")), continue: null };
    return { prefixes: ["s3://images/slides/"], images: [...this.images.values()].filter((image) => !image.own && /^s3:\/\/images\/[^/]+$/.test(image.uri)), continue: null };
  }

  config() {
    return { version: "0.1.0", mode: "demo", user: { name: "demo" }, pool: "default", namespace: "tessera", limits: { uploadBytes: 10 * 2 ** 30, pixels: 1e12, operations: 32, partBytes: 5 * 2 ** 20 }, help: "https://tessera.example/help", contact: "images@tessera.example", outputs: this.outputs, resultDays: 30 };
  }

  system() {
    const running = [...this.jobs.values()].filter((job) => job.state === "Running");
    const used = Math.min(8, running.length * 4);
    return { slots: 8, used, waiting: 0, queueDepth: running.length * 6, nodes: 3, workers: used, throughput: used * 14.2, cpu: used * 0.9, memory: used * 310e6, ready: true, message: null };
  }

  watch(send) {
    this.watchers.add(send);
    return () => this.watchers.delete(send);
  }

  tell(event, data) {
    for (const send of this.watchers) send(event, data);
  }

  yaml(name, uri, chain, output) {
    const flow = (value) => `{${Object.entries(value).map(([key, inner]) => `${key}: ${JSON.stringify(inner)}`).join(", ")}}`;
    return `apiVersion: tessera.dev/v1alpha1\nkind: ImageJob\nmetadata:\n  name: ${name}\nspec:\n  source:\n    uri: ${uri}\n  operations:${chain.length ? "" : " []"}\n${chain.map((item) => `  - ${Object.entries(item).map(([key, values]) => `${key}: ${flow(values)}`)}\n`).join("")}  output:\n    uri: ${output.uri}\n    ${output.format}: ${flow(output.options ?? {})}\n`;
  }

  plan(request, view) {
    const image = this.image(request.source);
    const size = view(image, request.operations);
    if (request.output.format === "jpeg" && Math.max(size.width, size.height) > 65535) throw new this.Refusal(422, "TooLarge", "a JPEG has at most 65,535 pixels on a side: choose TIFF, or make the image smaller");
    const pixels = size.width * size.height;
    const name = `${image.name.replace(/\W+/g, "-")}-1`;
    return { seconds: 2 + pixels / 8e7, bytes: Math.round(pixels * 0.9), workers: Math.max(1, Math.min(8, Math.round(pixels / 3e7))), stages: pixels > 3e7 ? ["tiles", "assemble"] : ["whole"], width: size.width, height: size.height, channels: 3, bitDepth: 8, yaml: this.yaml(name, image.uri, request.operations, { uri: `s3://results/page/${name}.${request.output.format}`, ...request.output }), kubectl: `kubectl -n tessera apply -f ${name}.yaml` };
  }

  makeJob(name, image, operations, format, size) {
    return { name, title: image.name, state: "Pending", reason: null, message: null, progress: 0, tiles: null, stage: null, workers: 0, retries: 0, throughput: null, place: null, created: new Date().toISOString(), started: null, completed: null, eta: null, expires: null, readOnly: false, source: { id: image.id, uri: image.uri, name: image.name, width: image.width, height: image.height }, operations, output: { uri: `s3://results/page/${name}`, format, size: null, etag: null, image: null, width: size.width, height: size.height, name: `${image.name.replace(/\.\w+$/, "")}-result.${format}` }, ready: [] };
  }

  seed(name, image, operations, format, state, age, readOnly = false) {
    const job = this.makeJob(name, image, operations, format, image);
    Object.assign(job, { state, readOnly, created: new Date(Date.now() - age).toISOString(), completed: new Date(Date.now() - age + 9000).toISOString(), progress: state === "Complete" ? 100 : 0 });
    if (state === "Failed") Object.assign(job, { reason: "InvalidChain", message: "the crop reaches beyond the image: the image has 24000 x 8000 pixels; make the rectangle smaller and convert again" });
    else this.complete(job);
    this.jobs.set(name, job);
  }

  start(request, view) {
    const image = this.image(request.source);
    const job = this.makeJob(`job-${randomUUID().slice(0, 8)}`, image, request.operations, request.output.format, view(image, request.operations));
    job.ticks = 0;
    job.fails = this.behaviour.failAll || image.name.includes("broken");
    this.jobs.set(job.name, job);
    this.tell("job", job);
    return job;
  }

  list(search) {
    const text = (search.get("search") ?? "").toLowerCase();
    const state = search.get("state");
    const jobs = [...this.jobs.values()].filter((job) => (!state || job.state === state) && `${job.name} ${job.title}`.toLowerCase().includes(text));
    return { jobs, continue: null };
  }

  job(name) {
    const job = this.jobs.get(name);
    if (!job) throw new this.Refusal(404, "NotFound", "this job is gone: it was deleted, or it expired");
    return job;
  }

  remove(name) {
    this.jobs.delete(name);
    this.tell("gone", { name });
  }

  retry(name) {
    const job = this.job(name);
    Object.assign(job, { state: "Pending", message: null, reason: null, progress: 0, ticks: 0, fails: false, ready: [] });
    this.tell("job", job);
    return job;
  }

  complete(job) {
    const source = this.images.get(job.source.id);
    const uri = `${job.output.uri}/result`;
    const image = this.addImage(uri, { width: job.output.width, height: job.output.height, format: job.output.format, size: 4.6e6, kind: source.kind, name: job.output.name });
    Object.defineProperty(image, "baked", { value: { source, operations: job.operations } });
    Object.assign(job.output, { image: image.id, size: 4.6e6, etag: image.etag });
    Object.assign(job, { state: "Complete", progress: 100, workers: 0, eta: null, stage: null, completed: job.completed ?? new Date().toISOString(), expires: new Date(Date.now() + 30 * 86400e3).toISOString() });
  }

  tick() {
    for (const image of this.images.values()) {
      if (image.view.state !== "preparing") continue;
      image.view.progress = Math.min(100, image.view.progress + 100 / this.behaviour.copyTicks);
      if (image.view.progress >= 100) image.view = { state: "ready" };
    }
    for (const job of this.jobs.values()) if (job.ticks !== undefined && !["Complete", "Failed"].includes(job.state)) this.advance(job);
    this.tell("system", this.system());
  }

  advance(job) {
    job.ticks += 1;
    const share = job.ticks / this.behaviour.jobTicks;
    const columns = 6;
    const rows = 4;
    const [width, height] = [Math.ceil(job.output.width / columns), Math.ceil(job.output.height / rows)];
    const done = Math.min(columns * rows, Math.floor(share * columns * rows));
    if (job.ticks < 4) job.state = "Pending";
    else if (job.fails && share > 0.4) Object.assign(job, { state: "Failed", reason: "SourceUnreadable", workers: 0, completed: new Date().toISOString(), message: "tile 17 of the source cannot be decoded: the file is damaged there; upload it again, or save it anew with the program that made it" });
    else if (share >= 1) this.complete(job);
    else Object.assign(job, { state: "Running", started: job.started ?? new Date().toISOString(), progress: share * 100, workers: 4, retries: share > 0.5 ? 1 : 0, throughput: "56 MP/s", stage: { name: "tiles", number: 1, of: 2 }, tiles: { total: 24, done, running: 4, failed: 0 }, eta: new Date(Date.now() + (1 - share) * this.behaviour.jobTicks * TICK).toISOString() });
    job.ready = Array.from({ length: done }, (_, n) => [(n % columns) * width, Math.floor(n / columns) * height, Math.min(width, job.output.width - (n % columns) * width), Math.min(height, job.output.height - Math.floor(n / columns) * height)]);
    this.tell("job", job);
  }

  begin({ filename, type }) {
    const uploadId = randomUUID();
    this.uploads.set(uploadId, { filename, type, parts: new Map() });
    return { key: `k-${uploadId}`, uploadId };
  }

  upload(id) {
    const upload = this.uploads.get(id);
    if (!upload) throw new this.Refusal(404, "NotFound", "this upload is gone: begin it again");
    return upload;
  }

  parts(id) {
    return [...this.upload(id).parts].map(([PartNumber, part]) => ({ PartNumber, Size: part.size, ETag: part.etag }));
  }

  async part(id, number, data) {
    const upload = this.upload(id);
    const known = [[0x89, 0x50], [0xff, 0xd8], [0x49, 0x49], [0x4d, 0x4d], [0x52, 0x49]].some(([a, b]) => data[0] === a && data[1] === b);
    if (number === 1 && !known) throw new this.Refusal(415, "UnsupportedImage", "this is not a TIFF, PNG, JPEG or WebP, whatever its name says: choose an image in one of these formats");
    if (this.behaviour.partDelay) await new Promise((resume) => setTimeout(resume, this.behaviour.partDelay));
    const etag = `"${createHash("md5").update(data).digest("hex")}"`;
    upload.parts.set(number, { size: data.length, etag });
    this.seen.parts.push({ uploadId: id, number, size: data.length });
    return etag;
  }

  finish(id) {
    const upload = this.upload(id);
    const size = [...upload.parts.values()].reduce((sum, part) => sum + part.size, 0);
    this.uploads.delete(id);
    this.seen.completed += 1;
    const image = this.addImage(`s3://images/uploads/demo/${id}`, { width: 4800, height: 3200, format: upload.type?.split("/")[1] ?? "jpeg", size, own: true, name: upload.filename, copy: upload.filename.includes("untiled") });
    return { location: `/api/v1/images/${image.id}/file`, image: image.id };
  }
}
