//! The user's guide on the real cluster: with a photograph, and with a large image that is already in the bucket.

import { statSync } from "node:fs";
import { accessible, choose, drawn, expect, fits, photograph, test } from "../tests/support";
import { converted, LARGE_URI, operate, shot } from "./real";

test("a photograph: upload, choose, see, convert, watch, download", async ({ page }, info) => {
  await page.goto("/");
  await expect(page.getByRole("heading", { name: "Drop an image here" })).toBeVisible();
  await shot(page, "first-view");
  const file = process.env["PHOTO"] ?? photograph(info.outputDir);
  await choose(page, file);
  await drawn(page);
  await shot(page, "uploaded");
  await operate(page, "gaussianBlur");
  await expect(page.locator(".badge.exact, .badge.approximate")).toBeVisible();
  await drawn(page);
  await shot(page, "preview");
  await expect(page.getByText(/About .* in .* by \d+ worker/)).toBeVisible();
  await page.getByRole("combobox", { name: "Format" }).selectOption("png");
  await page.getByRole("button", { name: "YAML" }).click();
  await expect(page.getByLabel("YAML", { exact: true })).toContainText("gaussianBlur");
  await shot(page, "yaml");
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Convert" }).click();
  await expect(page.locator(".job-card")).toBeVisible();
  await shot(page, "progress");
  await page.reload();
  await converted(page);
  await expect(page.locator(".side.right")).toHaveText("Result");
  await drawn(page);
  await shot(page, "result");
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: "Download" }).click()]);
  expect(download.suggestedFilename()).toMatch(/\.png$/);
  expect(statSync(await download.path()).size).toBeGreaterThan(1000);
  await page.getByRole("link", { name: /^Jobs/ }).click();
  await expect(page.locator(".job-row").first()).toBeVisible();
  await shot(page, "jobs");
});

test("a large tiled image opens from the bucket, shows edges, and is converted", async ({ page }) => {
  test.skip(!LARGE_URI, "set LARGE_URI to a large tiled TIFF in the bucket");
  test.setTimeout(1_800_000);
  await page.goto("/");
  await page.getByRole("button", { name: "Use an image that is already in the bucket" }).click();
  await expect(page.getByRole("dialog")).toBeVisible();
  await shot(page, "bucket");
  await page.getByRole("textbox", { name: "Or its address" }).fill(LARGE_URI);
  const begun = Date.now();
  await page.getByRole("button", { name: "Open", exact: true }).click();
  // A gigapixel without overviews gets a view copy first.
  const viewer = page.getByRole("toolbar", { name: "Viewer" });
  await expect(viewer.or(page.getByRole("heading", { name: /Preparing view/ }))).toBeVisible();
  if (!(await viewer.isVisible())) await shot(page, "large-preparing");
  await expect(viewer).toBeVisible({ timeout: 600_000 });
  await drawn(page);
  info(`open and drawn in ${Date.now() - begun} ms`);
  await shot(page, "large");
  await operate(page, "grayscale");
  await page.getByRole("button", { name: "Add another operation" }).click();
  await operate(page, "gaussianBlur", "Another operation");
  await page.getByRole("button", { name: "Add another operation" }).click();
  await operate(page, "sobel", "Another operation");
  await drawn(page);
  await shot(page, "large-whole");
  for (let step = 0; step < 6; step += 1) await page.getByRole("button", { name: "Zoom in" }).click();
  await drawn(page);
  await shot(page, "large-near");
  await page.getByRole("button", { name: /Exact loupe/ }).click();
  await expect(page.getByText("Exact, 1:1")).toBeVisible();
  await shot(page, "large-loupe");
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Show all of the image" }).click();
  await page.getByRole("combobox", { name: "Format" }).selectOption("cog");
  await expect(page.getByText(/About .* in .* by \d+ worker/)).toBeVisible();
  await page.getByRole("button", { name: "Convert" }).click();
  await expect(page.locator(".job-card .chip.running, .job-card .chip.complete")).toBeVisible({ timeout: 120_000 });
  await shot(page, "large-progress");
  await page.getByRole("link", { name: /^System/ }).click();
  await expect(page.locator(".fact").first()).toBeVisible();
  await shot(page, "system");
  await page.goBack();
  await converted(page, 900_000);
  await drawn(page);
  await shot(page, "large-result");
});

function info(text: string): void {
  console.log(text);
}

test("axe finds nothing on the real views, and a phone shows them", async ({ page }) => {
  for (const [name, hash] of [["first", ""], ["jobs", "view=jobs"], ["system", "view=system"]] as const) {
    await page.goto(`/#${hash}`);
    await page.reload();
    await expect(page.locator("h1").first()).toBeAttached();
    await page.locator(".drop, .job-row, .fact").first().waitFor();
    await accessible(page);
    await page.setViewportSize({ width: 390, height: 844 });
    await fits(page);
    await accessible(page);
    await shot(page, `phone-${name}`);
    await page.setViewportSize({ width: 1400, height: 900 });
  }
});
