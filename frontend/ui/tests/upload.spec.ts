//! Uploads: paused, cancelled, resumed after a reload with only the missing parts, and refused with the reason.

import { writeFileSync } from "node:fs";
import { choose, drawn, expect, large, test } from "./support";

const PART = 5 * 1024 * 1024;

test.afterEach(async ({ request }) => {
  await request.post("/mock/behave", { data: { partDelay: 0 } });
});

interface Seen { parts: Array<{ uploadId: string; number: number; size: number }>; completed: number }

test("after a reload the same file is chosen again, and only missing parts are sent", async ({ page, request }, info) => {
  page.on("dialog", (dialog) => void dialog.accept());
  const seen = async () => (await (await request.get("/mock/seen")).json()) as Seen;
  await request.post("/mock/behave", { data: { partDelay: 700 } });
  const file = large(info.outputDir, "large.png", 4 * PART + 1000);
  const before = (await seen()).parts.length;
  await page.goto("/");
  await choose(page, file);
  await expect.poll(async () => (await seen()).parts.length - before).toBeGreaterThanOrEqual(2);
  await page.reload();
  await expect(page.getByText(/This upload was interrupted/)).toBeVisible();
  await choose(page, file);
  await drawn(page);
  const parts = (await seen()).parts.slice(before);
  expect(new Set(parts.map((part) => part.uploadId)).size).toBe(1);
  expect(parts.filter((part) => part.number <= 2).map((part) => part.number)).toEqual([1, 2]);
  expect(new Set(parts.map((part) => part.number))).toEqual(new Set([1, 2, 3, 4, 5]));
  await expect(page.getByText(/This upload was interrupted/)).toHaveCount(0);
});

test("an upload is paused, goes on, and is cancelled", async ({ page, request }, info) => {
  await request.post("/mock/behave", { data: { partDelay: 500 } });
  await page.goto("/");
  await choose(page, large(info.outputDir, "paused.png", 6 * PART));
  await page.getByRole("button", { name: "Pause the upload of paused.png" }).click();
  await expect(page.getByText(/Paused at/)).toBeVisible();
  await page.getByRole("button", { name: "Resume the upload of paused.png" }).click();
  await expect(page.getByText(/Paused at/)).toHaveCount(0);
  await page.getByRole("button", { name: "Cancel the upload of paused.png" }).click();
  await expect(page.locator(".upload")).toHaveCount(0);
  await page.reload();
  await expect(page.getByText(/interrupted/)).toHaveCount(0);
});

test("what is no image is refused with the reason, whatever its name says", async ({ page }, info) => {
  const file = info.outputPath("letter.png");
  writeFileSync(file, "Dear reader, this is a letter.");
  await page.goto("/");
  await choose(page, file);
  await expect(page.getByRole("alert").filter({ hasText: "not a TIFF, PNG, JPEG or WebP" }).first()).toBeVisible();
  await expect(page.getByRole("button", { name: /Retry the upload/ })).toHaveCount(0);
  await page.reload();
  await expect(page.getByRole("heading", { name: "Drop an image here" })).toBeVisible();
  await expect(page.getByText(/This upload was interrupted/)).toHaveCount(0);
});

test("a file is dropped on the page", async ({ page }) => {
  await page.goto("/");
  const transfer = await page.evaluateHandle(() => {
    const data = new DataTransfer();
    data.items.add(new File([new Uint8Array([0x89, 0x50, 0x4e, 0x47, 1, 2, 3])], "dropped.png", { type: "image/png" }));
    return data;
  });
  await page.dispatchEvent("body", "dragenter", { dataTransfer: transfer });
  await expect(page.getByText("Drop to upload")).toBeVisible();
  await page.dispatchEvent("body", "drop", { dataTransfer: transfer });
  await drawn(page);
  await expect(page.locator(".source-name")).toHaveText("dropped.png");
});

test("an image without tiles is prepared for viewing, with its progress", async ({ page }, info) => {
  await page.goto("/");
  await choose(page, large(info.outputDir, "untiled.png", 4000));
  await expect(page.getByRole("heading", { name: /Preparing view \d+ %/ })).toBeVisible();
  await drawn(page);
});
