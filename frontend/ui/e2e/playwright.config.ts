//! The page against a real cluster: BASE_URL says where; LARGE_URI is a large tiled TIFF in the bucket; SCREENSHOTS is a folder for looking at.

import { defineConfig } from "@playwright/test";
import { browser } from "../tests/browser";

if (!process.env["BASE_URL"]) throw new Error("set BASE_URL to the page's address, for example BASE_URL=http://127.0.0.1:8080 npm run e2e");

export default defineConfig({
  testDir: ".",
  timeout: 300_000,
  expect: { timeout: 60_000 },
  workers: 1,
  // On a loaded machine; what passes only then is listed as flaky.
  retries: 1,
  reporter: "list",
  use: { ...browser, actionTimeout: 60_000, baseURL: process.env["BASE_URL"] },
});
