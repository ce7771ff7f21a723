//! axe finds nothing on any view: light and dark, desk and phone. And nothing sticks out on a phone.

import type { Page } from "@playwright/test";
import { accessible, drawn, expect, fits, imageId, test } from "./support";

const LAKE = imageId("s3://images/lake.jpg");
const chain = (value: unknown) => encodeURIComponent(JSON.stringify(value));

interface View { name: string; hash: string; ready: (page: Page) => Promise<void> }

const VIEWS: View[] = [
  { name: "first view", hash: "", ready: (page) => expect(page.getByRole("heading", { name: "Drop an image here" })).toBeVisible() },
  { name: "an image with a chain", hash: `image=${LAKE}&chain=${chain([{ grayscale: {} }, { gaussianBlur: { sigma: 2 } }, { convolve: { kernel: [[0, 1, 0], [1, -4, 1], [0, 1, 0]] } }])}`, ready: drawn },
  { name: "a crop", hash: `image=${LAKE}`, ready: async (page) => { await drawn(page); await page.getByRole("combobox", { name: "Operation", exact: true }).selectOption("crop"); await expect(page.locator(".crop")).toBeVisible(); } },
  { name: "a result", hash: "job=lake-gray", ready: async (page) => { await drawn(page); await expect(page.locator(".chip.complete")).toBeVisible(); } },
  { name: "a failed job", hash: "job=panorama-crop", ready: (page) => expect(page.locator(".job-message")).toBeVisible() },
  { name: "a missing image", hash: "image=bm9uZQ", ready: (page) => expect(page.getByRole("heading", { name: "This image cannot be opened" })).toBeVisible() },
  { name: "jobs", hash: "view=jobs", ready: (page) => expect(page.locator(".job-row").first()).toBeVisible() },
  { name: "system", hash: "view=system", ready: (page) => expect(page.locator(".fact").first()).toBeVisible() },
  { name: "the bucket", hash: "", ready: async (page) => { await page.getByRole("button", { name: "From the bucket" }).click(); await expect(page.locator(".file").first()).toBeVisible(); } },
  { name: "the YAML", hash: `image=${LAKE}`, ready: async (page) => { await page.getByRole("button", { name: "YAML" }).click(); await expect(page.getByRole("dialog")).toBeVisible(); } },
  { name: "the loupe", hash: `image=${LAKE}`, ready: async (page) => { await drawn(page); await page.getByRole("button", { name: /Exact loupe/ }).click(); await expect(page.getByText("Exact, 1:1")).toBeVisible(); } },
];

for (const view of VIEWS) {
  test(`${view.name}, light and dark, on a desk`, async ({ page }) => {
    await page.emulateMedia({ colorScheme: "light", reducedMotion: "reduce" });
    await page.goto(`/#${view.hash}`);
    await view.ready(page);
    await accessible(page);
    await page.emulateMedia({ colorScheme: "dark", reducedMotion: "reduce" });
    await accessible(page);
  });
}

for (const view of VIEWS) {
  test(`${view.name}, on a phone`, async ({ page }) => {
    await page.emulateMedia({ reducedMotion: "reduce" });
    await page.setViewportSize({ width: 390, height: 844 });
    await page.goto(`/#${view.hash}`);
    await view.ready(page);
    await fits(page);
    await accessible(page);
  });
}

test("on a phone the guide's words are in reach: Convert stays in sight", async ({ page }) => {
  await page.setViewportSize({ width: 390, height: 844 });
  await page.goto(`/#image=${LAKE}&chain=${chain([{ sepia: {} }])}`);
  await drawn(page);
  await expect(page.getByRole("button", { name: "Convert" })).toBeInViewport();
  await page.getByRole("button", { name: "Convert" }).click();
  await expect(page.locator(".chip.complete")).toBeVisible({ timeout: 30_000 });
  await expect(page.getByRole("link", { name: "Download" })).toBeInViewport();
});
