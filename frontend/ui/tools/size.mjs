//! Fails where the page's script has grown too large: 60 kB for the first load, 160 kB in all, as compressed by gzip (brotli is smaller).

import { readdirSync, readFileSync, statSync } from "node:fs";

const DIST = new URL("../dist/", import.meta.url).pathname;
const LIMITS = { first: 60_000, all: 160_000 };

const page = readFileSync(`${DIST}index.html`, "utf8");
const scripts = readdirSync(`${DIST}assets`).filter((name) => name.endsWith(".js"));
const size = (name, ending) => statSync(`${DIST}assets/${name}.${ending}`).size;
const first = scripts.filter((name) => page.includes(name));
const sum = (names, ending) => names.reduce((total, name) => total + size(name, ending), 0);

for (const name of scripts) console.log(`${name.padEnd(36)} gzip ${String(size(name, "gz")).padStart(6)}  brotli ${String(size(name, "br")).padStart(6)}${first.includes(name) ? "  first load" : ""}`);
const [firstSize, allSize] = [sum(first, "gz"), sum(scripts, "gz")];
console.log(`first load ${firstSize} of ${LIMITS.first}, all ${allSize} of ${LIMITS.all} bytes (brotli ${sum(first, "br")} and ${sum(scripts, "br")})`);
if (!first.length || firstSize > LIMITS.first || allSize > LIMITS.all) {
  console.error("too large: look at what was added, and load it later or leave it out");
  process.exit(1);
}
