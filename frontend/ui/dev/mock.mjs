//! A stand-in for the server, for developing the page and for its tests: the whole API over made-up images and jobs in memory.
//! `node dev/mock.mjs [--port 4173] [--dist dist]`. Keeps nothing, checks little; the real one is `frontend`.

import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { extname, join, normalize } from "node:path";
import { operations, outputs } from "./operations.mjs";
import { sizeOf, tile } from "./picture.mjs";
import { World } from "./world.mjs";

const TYPES = { ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".json": "application/json" };
const PORT = Number(process.argv[process.argv.indexOf("--port") + 1] || 4173);
const DIST = new URL("../dist/", import.meta.url).pathname;
const csp = JSON.parse(await readFile(new URL("../csp.json", import.meta.url), "utf8").catch(() => '{"style":[]}'));
const POLICY = `default-src 'self'; style-src 'self' ${csp.style.map((hash) => `'${hash}'`).join(" ")}; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'`;

class Refusal extends Error {
  constructor(status, code, message) {
    super(message);
    Object.assign(this, { status, code });
  }
}

const world = new World({ operations, outputs, Refusal });

function json(response, value, status = 200) {
  response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store" });
  response.end(JSON.stringify(value));
}

async function body(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts);
}
const parsed = async (request) => JSON.parse((await body(request)).toString() || "{}");
const chainOf = (url) => JSON.parse(url.searchParams.get("chain") ?? "[]");

const LEVELS_EXACT = 3;
export function view(image, chain) {
  const size = sizeOf(image, chain);
  if (!size) throw new Refusal(422, "InvalidChain", "the crop reaches beyond the image: make its rectangle smaller");
  const names = chain.map((item) => Object.keys(item)[0]);
  const declared = names.map((name) => operations.find((one) => one.name === name));
  const unknown = names.find((_, n) => !declared[n]);
  if (unknown) throw new Refusal(422, "InvalidChain", `there is no operation ${unknown}: choose another`);
  const beyond = names.includes("equalize") ? "estimated" : declared.some((one) => one.reduced === "never") ? "original" : declared.some((one) => one.reduced === "scaled") ? "approximate" : "exact";
  const levels = [];
  for (let level = 0; ; level += 1) {
    const [width, height] = [Math.ceil(size.width / 2 ** level), Math.ceil(size.height / 2 ** level)];
    levels.push({ level, width, height, quality: chain.length && level > LEVELS_EXACT ? beyond : "exact", milliseconds: names.includes("medianBlur") ? 3400 : 120 });
    if (width <= 512 && height <= 512) break;
  }
  return { ...size, tileSize: 512, etag: image.etag, version: "mock", channels: 3, bitDepth: 8, levels, ask: names.includes("medianBlur"), message: beyond === "original" ? "Zoom in to preview edges" : null };
}

function sendTile(response, url, [, id, level, column, row]) {
  const image = world.image(id);
  const chain = chainOf(url);
  const picture = tile(image, chain, Number(level), Number(column), Number(row));
  if (!picture) throw new Refusal(404, "NotFound", "there is no such tile");
  const { quality } = view(image, chain).levels[Number(level)];
  response.writeHead(200, { "content-type": "image/png", "cache-control": "public, max-age=31536000, immutable", "tessera-quality": url.searchParams.get("exact") ? "exact" : quality });
  response.end(picture);
}

function events(request, response) {
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
  const send = (event, data) => response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  for (const job of world.jobs.values()) if (!job.readOnly) send("job", job);
  send("system", world.system());
  const stop = world.watch(send);
  const ping = setInterval(() => response.write(": ping\n\n"), 15000);
  request.on("close", () => { stop(); clearInterval(ping); });
}

/** [method, path, answer]; an answer gets the path's parts, the address, the request and the response. */
const ROUTES = [
  ["GET", /^\/api\/v1\/config$/, () => world.config()],
  ["GET", /^\/api\/v1\/operations$/, () => ({ operations })],
  ["GET", /^\/api\/v1\/system$/, () => world.system()],
  ["GET", /^\/api\/v1\/bucket$/, (_, url) => world.bucket(url.searchParams.get("prefix") ?? "")],
  ["GET", /^\/api\/v1\/images$/, () => ({ images: world.ownImages() })],
  ["POST", /^\/api\/v1\/images$/, async (_, __, request) => world.byUri((await parsed(request)).uri)],
  ["POST", /^\/api\/v1\/images\/([^/]+)\/view$/, ([, id]) => world.image(id).view],
  ["GET", /^\/api\/v1\/images\/([^/]+)\/view$/, ([, id], url) => view(world.image(id), chainOf(url))],
  ["GET", /^\/api\/v1\/images\/([^/]+)$/, ([, id]) => world.image(id)],
  ["DELETE", /^\/api\/v1\/images\/([^/]+)$/, ([, id]) => void world.images.delete(id)],
  ["POST", /^\/api\/v1\/plan$/, async (_, __, request) => world.plan(await parsed(request), view)],
  ["POST", /^\/api\/v1\/jobs$/, async (_, __, request) => world.start(await parsed(request), view)],
  ["GET", /^\/api\/v1\/jobs$/, (_, url) => world.list(url.searchParams)],
  ["GET", /^\/api\/v1\/jobs\/([^/]+)$/, ([, name]) => world.job(name)],
  ["DELETE", /^\/api\/v1\/jobs\/([^/]+)$/, ([, name]) => void world.remove(name)],
  ["POST", /^\/api\/v1\/jobs\/([^/]+)\/retry$/, ([, name]) => world.retry(name)],
  ["POST", /^\/api\/v1\/s3\/multipart$/, async (_, __, request) => world.begin(await parsed(request))],
  ["GET", /^\/api\/v1\/s3\/multipart\/([^/]+)$/, ([, id]) => world.parts(id)],
  ["GET", /^\/api\/v1\/s3\/multipart\/([^/]+)\/(\d+)$/, ([, id, part], url) => ({ url: `/api/v1/uploads/${id}/${part}?key=${url.searchParams.get("key")}`, method: "PUT", headers: {}, expires: 900 })],
  ["PUT", /^\/api\/v1\/uploads\/([^/]+)\/(\d+)$/, async ([, id, part], _, request, response) => { response.setHeader("etag", await world.part(id, Number(part), await body(request))); return {}; }],
  ["POST", /^\/api\/v1\/s3\/multipart\/([^/]+)\/complete$/, ([, id]) => world.finish(id)],
  ["DELETE", /^\/api\/v1\/s3\/multipart\/([^/]+)$/, ([, id]) => void world.uploads.delete(id)],
  // For tests only: what happened, and what shall go wrong.
  ["GET", /^\/mock\/seen$/, () => world.seen],
  ["POST", /^\/mock\/behave$/, async (_, __, request) => Object.assign(world.behaviour, await parsed(request))],
];

async function answer(request, response) {
  const url = new URL(request.url, "http://mock");
  if (url.pathname === "/api/v1/events") return events(request, response);
  const tilePath = /^\/tiles\/([^/]+)\/(\d+)\/(\d+)_(\d+)$/.exec(url.pathname);
  if (tilePath) return sendTile(response, url, tilePath);
  const yaml = /^\/api\/v1\/jobs\/([^/]+)\/(yaml|result)$/.exec(url.pathname);
  if (yaml) return sendOf(response, world.job(decodeURIComponent(yaml[1])), yaml[2]);
  for (const [method, pattern, act] of ROUTES) {
    const parts = method === request.method && pattern.exec(url.pathname);
    if (!parts) continue;
    const value = await act(parts.map((part) => decodeURIComponent(part)), url, request, response);
    return value === undefined ? response.writeHead(204).end() : json(response, value, request.method === "POST" && url.pathname.endsWith("/jobs") ? 201 : 200);
  }
  return asset(response, url.pathname);
}

function sendOf(response, job, what) {
  if (what === "yaml") return response.writeHead(200, { "content-type": "text/yaml" }).end(world.yaml(job.name, job.source.uri, job.operations, job.output));
  const picture = tile(world.image(job.source.id), job.operations, 3, 0, 0);
  return response.writeHead(200, { "content-type": "image/png", "content-disposition": `attachment; filename="${job.output.name}"` }).end(picture);
}

async function asset(response, path) {
  const name = normalize(path === "/" ? "/index.html" : path);
  const file = await readFile(join(DIST, name)).catch(() => null);
  if (!file) throw new Refusal(404, "NotFound", "there is nothing here");
  response.writeHead(200, { "content-type": TYPES[extname(name)] ?? "application/octet-stream", "content-security-policy": POLICY, "x-content-type-options": "nosniff" });
  response.end(file);
}

const server = createServer((request, response) => {
  answer(request, response).catch((problem) => {
    if (response.headersSent) return response.end();
    if (!problem.status) console.error(problem);
    json(response, { error: { code: problem.code ?? "Internal", message: problem.message } }, problem.status ?? 500);
  });
});
// Never ends a connection that a request of the tests is just being written to.
server.keepAliveTimeout = 0;
server.listen(PORT, "127.0.0.1", () => console.log(`http://127.0.0.1:${PORT}`));
