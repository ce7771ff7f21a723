//! A slow or broken network: what stands there meanwhile, and how the page comes back.

import { drawn, expect, imageId, test } from "./support";

const LAKE = imageId("s3://images/lake.jpg");

test("while the server does not answer the page says so, and comes back by itself", async ({ page }) => {
  await page.route("**/api/v1/config", (route) => route.abort());
  await page.goto("/");
  await expect(page.getByText(/The server does not answer/)).toBeVisible();
  await page.unroute("**/api/v1/config");
  await expect(page.getByRole("heading", { name: "Drop an image here" })).toBeVisible();
});

test("a tile that fails once is asked for again", async ({ page }) => {
  let refused = 0;
  await page.route("**/tiles/**", (route) => (refused++ < 2 ? route.fulfill({ status: 503 }) : route.continue()));
  await page.goto(`/#image=${LAKE}`);
  await expect.poll(() => refused).toBeGreaterThan(2);
  await drawn(page);
});

test("requests of an outdated preview are cancelled", async ({ page }) => {
  let cancelled = 0;
  page.on("requestfailed", (request) => request.url().includes("/tiles/") && /ABORTED/.test(request.failure()?.errorText ?? "") && (cancelled += 1));
  await page.goto(`/#image=${LAKE}`);
  await drawn(page);
  await page.route("**/tiles/**sepia**", () => undefined);
  await page.getByRole("combobox", { name: "Operation", exact: true }).selectOption("sepia");
  await page.waitForRequest(/tiles.*sepia/);
  await page.getByRole("combobox", { name: "Operation", exact: true }).selectOption("invert");
  await expect.poll(() => cancelled).toBeGreaterThan(0);
  await drawn(page);
});
