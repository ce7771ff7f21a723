//! What goes wrong on the real cluster: an upload that is interrupted, files that are no images, jobs that fail and are cancelled.

import { writeFileSync } from "node:fs";
import { deflateSync } from "node:zlib";
import { png } from "../dev/picture.mjs";
import { choose, drawn, expect, photograph, test } from "../tests/support";
import { operate, shot } from "./real";

/** A PNG whose pixels do not compress, so that its upload has several parts. */
function noisy(path: string, width: number, height: number): string {
  let state = 42;
  const next = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) >>> 24;
  writeFileSync(path, png(width, height, () => [next(), next(), next()]));
  return path;
}

test("an upload is interrupted by a reload, and goes on with the missing parts only", async ({ page }, info) => {
  page.on("dialog", (dialog) => void dialog.accept());
  const file = noisy(info.outputPath("noisy.png"), 5200, 4000);
  const sent: string[] = [];
  const part = /\/api\/v1\/uploads\/([^/]+)\/(\d+)/;
  page.on("requestfinished", (request) => request.method() === "PUT" && sent.push(part.exec(request.url())?.[2] ?? ""));
  const session = await page.context().newCDPSession(page);
  await session.send("Network.enable");
  await session.send("Network.emulateNetworkConditions", { offline: false, latency: 20, downloadThroughput: 50e6, uploadThroughput: 6e6 });
  await page.goto("/");
  await choose(page, file);
  await expect.poll(() => sent.length, { timeout: 120_000 }).toBeGreaterThanOrEqual(1);
  await shot(page, "uploading");
  const before = [...sent];
  await page.reload();
  await expect(page.getByText(/This upload was interrupted/)).toBeVisible();
  await shot(page, "interrupted");
  await session.send("Network.emulateNetworkConditions", { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: -1 });
  sent.length = 0;
  await choose(page, file);
  await expect(page.locator(".source-name")).toHaveText("noisy.png", { timeout: 120_000 });
  expect(sent.length).toBeGreaterThan(0);
  expect(sent.filter((number) => before.includes(number))).toEqual([]);
  await drawn(page);
  await shot(page, "resumed");
});

test("a file that is no image is refused at once with the reason", async ({ page }, info) => {
  const file = info.outputPath("letter.tif");
  writeFileSync(file, "Dear reader, this is a letter and no image. ".repeat(200));
  await page.goto("/");
  await choose(page, file);
  await expect(page.locator(".upload.failed, .toast.problem").first()).toBeVisible();
  await shot(page, "refused");
});

/** A PNG whose header is right and whose pixels are cut off: it is taken in, and cannot be decoded. */
function damaged(path: string): string {
  const whole = png(900, 600, (x: number, y: number) => [x & 255, y & 255, (x * y) & 255]);
  const noise = deflateSync(Buffer.alloc(4000, 3));
  whole.set(noise.subarray(0, 40), Math.floor(whole.length / 2));
  writeFileSync(path, whole.subarray(0, whole.length - 3000));
  return path;
}

test("a job that fails says so in plain words, in the panel and in the history", async ({ page }, info) => {
  await page.goto("/");
  await choose(page, damaged(info.outputPath("damaged.png")));
  await expect(page.locator(".source-name, .upload.failed")).toBeVisible();
  await expect(page.locator(".source-name")).toHaveText("damaged.png");
  await shot(page, "damaged-open");
  await operate(page, "invert");
  await page.getByRole("button", { name: "Convert" }).click();
  await expect(page.locator(".job-card .chip.failed")).toBeVisible({ timeout: 240_000 });
  await expect(page.locator(".job-message")).toContainText("damaged.png");
  await expect(page.locator(".float.problem")).toContainText("The image is damaged");
  await shot(page, "failed");
  await page.goto("/#view=jobs");
  await page.getByRole("radio", { name: "Failed" }).check();
  await expect(page.locator(".job-row").filter({ hasText: "damaged.png" }).first()).toBeVisible();
});

test("with the keyboard alone an image is converted", async ({ page }, info) => {
  await page.goto("/");
  await choose(page, photograph(info.outputDir, "keys.png"));
  await drawn(page);
  await page.getByRole("combobox", { name: "Operation", exact: true }).focus();
  await page.keyboard.type("Invert");
  await expect(page.locator(".badge.exact")).toBeVisible();
  await page.getByRole("slider", { name: /Compare/ }).focus();
  await page.keyboard.press("ArrowLeft");
  await page.getByRole("button", { name: "Convert" }).focus();
  await page.keyboard.press("Enter");
  await expect(page.locator(".job-card .chip.complete")).toBeVisible({ timeout: 240_000 });
});
