//! The page's tests in Debian's Chromium, over the stand-in server. `npm run build` first.

import { defineConfig } from "@playwright/test";
import { browser } from "./tests/browser";

const PORT = Number(process.env["PORT"] ?? 4273);

export default defineConfig({
  testDir: "tests",
  timeout: 90_000,
  expect: { timeout: 15_000 },
  workers: 1,
  // On a loaded machine; what passes only then is listed as flaky.
  retries: 1,
  reporter: "list",
  use: { ...browser, actionTimeout: 20_000, baseURL: `http://127.0.0.1:${PORT}` },
  webServer: { command: `node dev/mock.mjs --port ${PORT}`, port: PORT, reuseExistingServer: false },
});
