//! Writes `csp.json`: the hashes of the styles that scripts put into the page. The server allows these and no other inline code.

import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";

const source = readFileSync(new URL("../node_modules/openseadragon/build/openseadragon/openseadragon.js", import.meta.url), "utf8");
const found = /style\.textContent\s*=\s*((?:'[^']*'[\s+]*)+);/.exec(source);
if (!found) throw new Error("OpenSeadragon's style was not found: look for createElement('style') in it, and mend this script");
const text = [...found[1].matchAll(/'([^']*)'/g)].map((part) => part[1]).join("");
const hash = `sha256-${createHash("sha256").update(text).digest("base64")}`;
writeFileSync(new URL("../csp.json", import.meta.url), `${JSON.stringify({ style: [hash] }, null, 2)}\n`);
console.log(`style-src ${hash}`);
