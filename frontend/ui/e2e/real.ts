//! What the tests on a real cluster share: screenshots, files to upload, and waiting for a job's end.

import { expect, type Page } from "@playwright/test";
import { mkdirSync } from "node:fs";
import { join } from "node:path";

export const LARGE_URI = process.env["LARGE_URI"] ?? "";
const FOLDER = process.env["SCREENSHOTS"] ?? "screenshots";

let count = 0;

/** Kept for looking at, numbered in the order of the guide. */
export async function shot(page: Page, name: string): Promise<void> {
  mkdirSync(FOLDER, { recursive: true });
  count += 1;
  await page.screenshot({ path: join(FOLDER, `${String(count).padStart(2, "0")}-${name}.png`) });
}

/** By the name that an ImageJob has for it: what people read is the declarations' own. */
export async function operate(page: Page, name: string, picker = "Operation"): Promise<void> {
  await page.getByRole("combobox", { name: picker, exact: true }).selectOption(name);
}

export async function converted(page: Page, timeout = 240_000): Promise<void> {
  await expect(page.locator(".job-card .chip.complete, .job-card .chip.failed")).toBeVisible({ timeout });
  await expect(page.locator(".job-card .job-message")).toHaveCount(0);
  await expect(page.locator(".job-card .chip.complete")).toBeVisible();
}
