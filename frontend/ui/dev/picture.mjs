//! A made-up picture of any size, computed where it is looked at, and a PNG encoder. For the stand-in server only.

import { deflateSync } from "node:zlib";

const table = Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let k = 0; k < 8; k += 1) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c >>> 0;
});
const crc = (data) => {
  let c = 0xffffffff;
  for (const byte of data) c = table[(c ^ byte) & 255] ^ (c >>> 8);
  return (c ^ 0xffffffff) >>> 0;
};

function chunk(type, data) {
  const out = Buffer.alloc(12 + data.length);
  out.writeUInt32BE(data.length, 0);
  out.write(type, 4, "latin1");
  data.copy(out, 8);
  out.writeUInt32BE(crc(out.subarray(4, 8 + data.length)), 8 + data.length);
  return out;
}

export function png(width, height, pixel) {
  const raw = Buffer.alloc(height * (1 + width * 3));
  let at = 0;
  for (let y = 0; y < height; y += 1) {
    raw[at++] = 0;
    for (let x = 0; x < width; x += 1) {
      const [r, g, b] = pixel(x, y);
      raw[at++] = r;
      raw[at++] = g;
      raw[at++] = b;
    }
  }
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 2, 0, 0, 0], 8);
  return Buffer.concat([Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]), chunk("IHDR", head), chunk("IDAT", deflateSync(raw, { level: 1 })), chunk("IEND", Buffer.alloc(0))]);
}

const hash = (x, y) => {
  let h = (Math.imul(x, 374761393) + Math.imul(y, 668265263)) | 0;
  h = Math.imul(h ^ (h >>> 13), 1274126177);
  return ((h ^ (h >>> 16)) >>> 0) / 4294967295;
};
function noise(x, y) {
  const [i, j] = [Math.floor(x), Math.floor(y)];
  const ease = (t) => t * t * (3 - 2 * t);
  const [u, v] = [ease(x - i), ease(y - j)];
  const top = hash(i, j) * (1 - u) + hash(i + 1, j) * u;
  const low = hash(i, j + 1) * (1 - u) + hash(i + 1, j + 1) * u;
  return top * (1 - v) + low * v;
}
const fractal = (x, y, octaves) => {
  let [sum, scale, weight] = [0, 1, 0.5];
  for (let n = 0; n < octaves; n += 1) {
    sum += weight * noise(x * scale, y * scale);
    scale *= 2.03;
    weight *= 0.5;
  }
  return sum;
};

/** A landscape: sky, two ridges and a lake; `u` and `v` from 0 to 1. */
function landscape(u, v) {
  const far = 0.42 + 0.16 * (fractal(u * 3 + 4, 1.3, 5) - 0.5);
  const near = 0.6 + 0.22 * (fractal(u * 2.2 + 11, 7.7, 5) - 0.5);
  if (v < far) {
    const cloud = Math.max(0, fractal(u * 4, v * 9, 4) - 0.48) * 2.4;
    return [120 + 110 * v + 90 * cloud, 165 + 70 * v + 60 * cloud, 214 - 10 * v + 20 * cloud];
  }
  const grain = fractal(u * 60, v * 60, 3);
  if (v < near) return [92 + 40 * grain, 116 + 34 * grain, 142 + 22 * grain];
  if (v < 0.8) return [34 + 70 * grain, 68 + 76 * grain, 40 + 40 * grain];
  const wave = 0.5 + 0.5 * Math.sin(v * 420 + 8 * noise(u * 20, v * 40));
  return [70 + 40 * wave + 20 * grain, 116 + 36 * wave, 142 + 34 * wave];
}

/** Tissue as under a microscope: pink ground, cells with dark nuclei. */
function tissue(u, v) {
  const [x, y] = [u * 90, v * 90];
  const ground = fractal(u * 12, v * 12, 5);
  let cell = 9;
  for (let j = -1; j <= 1; j += 1) for (let i = -1; i <= 1; i += 1) {
    const [a, b] = [Math.floor(x) + i, Math.floor(y) + j];
    cell = Math.min(cell, Math.hypot(a + hash(a, b) - x, b + hash(b + 99, a) - y));
  }
  if (ground < 0.33) return [242, 238, 241];
  if (cell < 0.2) return [96 + 50 * ground, 58 + 40 * ground, 138 + 30 * ground];
  return [232 - 34 * cell * ground, 168 + 40 * ground - 40 * cell, 204 + 16 * ground];
}

const STEPS = {
  grayscale: ([r, g, b]) => { const y = 0.299 * r + 0.587 * g + 0.114 * b; return [y, y, y]; },
  invert: (p) => p.map((s) => 255 - s),
  brightnessContrast: (p, { brightness = 0, contrast = 1 }) => p.map((s) => (s - 127.5) * contrast + 127.5 + 255 * brightness),
  sepia: ([r, g, b], { amount = 1 }) => [0.393 * r + 0.769 * g + 0.189 * b, 0.349 * r + 0.686 * g + 0.168 * b, 0.272 * r + 0.534 * g + 0.131 * b].map((s, n) => s * amount + [r, g, b][n] * (1 - amount)),
  threshold: (p, { value = 128 }) => p.map((s) => (s > value ? 255 : 0)),
};

/** The sampler of an image under a chain, in the pixels of the chain's output. */
export function sampler(image, chain) {
  const paint = image.kind === "tissue" ? tissue : landscape;
  let sample = image.baked ? sampler(image.baked.source, image.baked.operations) : (x, y) => paint(x / image.width, y / image.height);
  for (const item of chain) {
    const [name, values] = Object.entries(item)[0];
    const before = sample;
    if (STEPS[name]) sample = (x, y) => STEPS[name](before(x, y), values);
    else if (name === "crop") sample = (x, y) => before(x + values.x, y + values.y);
    else if (name === "resize") sample = (x, y) => before(x / (values.scale ?? 1), y / (values.scale ?? 1));
    else if (name === "rotate" && values.degrees === 180) sample = (x, y) => before(image.width - 1 - x, image.height - 1 - y);
    else if (name === "rotate") sample = (x, y) => before(y, x);
    else if (name === "gaussianBlur") sample = (x, y) => { const s = values.sigma; const all = [[0, 0], [-s, -s], [s, -s], [-s, s], [s, s]].map(([dx, dy]) => before(x + dx, y + dy)); return [0, 1, 2].map((n) => all.reduce((sum, p) => sum + p[n], 0) / 5); };
    else if (name === "sobel" || name === "convolve") sample = (x, y) => { const [a, b, c] = [before(x, y), before(x + 2, y), before(x, y + 2)]; return a.map((s, n) => Math.min(255, 3 * Math.hypot(s - b[n], s - c[n]))); };
  }
  return sample;
}

export function sizeOf(image, chain) {
  let { width, height } = image;
  for (const item of chain) {
    const [name, values] = Object.entries(item)[0];
    if (name === "crop") {
      if (values.x + values.width > width || values.y + values.height > height) return null;
      ({ width, height } = values);
    }
    if (name === "resize" && values.scale) [width, height] = [Math.round(width * values.scale), Math.round(height * values.scale)];
    if (name === "resize" && values.width) [width, height] = [values.width, values.height ?? Math.round((height * values.width) / width)];
    if (name === "rotate" && values.degrees !== 180) [width, height] = [height, width];
  }
  return { width, height };
}

const clamp = (value) => Math.max(0, Math.min(255, Math.round(value)));

export function tile(image, chain, level, column, row) {
  const scale = 2 ** level;
  const size = sizeOf(image, chain);
  const width = Math.min(512, Math.ceil(size.width / scale) - column * 512);
  const height = Math.min(512, Math.ceil(size.height / scale) - row * 512);
  if (width <= 0 || height <= 0) return null;
  const sample = sampler(image, chain);
  // One sample for four pixels: made-up pictures must not make the tests wait.
  const half = Math.ceil(width / 2);
  const line = Math.ceil(height / 2);
  const samples = Array.from({ length: half * line }, (_, n) => sample((column * 512 + (n % half) * 2 + 1) * scale, (row * 512 + Math.floor(n / half) * 2 + 1) * scale).map(clamp));
  return png(width, height, (x, y) => samples[(y >> 1) * half + (x >> 1)]);
}
