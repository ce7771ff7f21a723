//! What tests of the page share: a page that may speak to its own origin only, photographs, and the check by axe.

import AxeBuilder from "@axe-core/playwright";
import { expect, test as base, type Page } from "@playwright/test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { png } from "../dev/picture.mjs";

export { expect };

interface Watched { strict: void }

/** Every test fails on a script error, on a refusal by the Content-Security-Policy, and on a request to another origin. */
export const test = base.extend<Watched>({
  strict: [async ({ page, baseURL }, use) => {
    const wrong: string[] = [];
    page.on("pageerror", (error) => wrong.push(`script: ${error.stack ?? error.message}`));
    page.on("console", (message) => /Content Security Policy|Refused to/.test(message.text()) && wrong.push(message.text()));
    page.on("request", (request) => {
      const url = request.url();
      if (/^https?:/.test(url) && !url.startsWith(baseURL ?? "")) wrong.push(`request to ${url}`);
    });
    await use();
    expect(wrong).toEqual([]);
  }, { auto: true }],
});

export async function accessible(page: Page): Promise<void> {
  const result = await new AxeBuilder({ page }).withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]).analyze();
  expect(result.violations.map((violation) => `${violation.id}: ${violation.nodes.map((node) => `${node.target.join(" ")} ${node.failureSummary}`).join("; ")}`)).toEqual([]);
}

/** A real PNG of a made-up scene. */
export function photograph(folder: string, name = "holiday.png"): string {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, name);
  writeFileSync(file, png(1200, 800, (x: number, y: number) => [(x * 255) / 1200, (y * 255) / 800, 128 + 100 * Math.sin(x / 40) * Math.cos(y / 30)].map(Math.round)));
  return file;
}

/** A file that begins as a PNG does and has as many bytes as asked. */
export function large(folder: string, name: string, bytes: number): string {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, name);
  const data = Buffer.alloc(bytes, 7);
  data.set([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  writeFileSync(file, data);
  return file;
}

export async function choose(page: Page, file: string | string[]): Promise<void> {
  await page.locator("input[type=file]").first().setInputFiles(file);
}

/** The picture is drawn: the viewer stands and loads nothing more. */
export async function drawn(page: Page): Promise<void> {
  await expect(page.getByRole("toolbar", { name: "Viewer" })).toBeVisible({ timeout: 60_000 });
  await expect(page.locator(".badge.working, .float.slim")).toHaveCount(0, { timeout: 60_000 });
}

export async function pick(page: Page, label: string, picker = "Operation"): Promise<void> {
  await page.getByRole("combobox", { name: picker, exact: true }).selectOption({ label });
}

export function imageId(uri: string): string {
  return Buffer.from(uri).toString("base64url");
}

/** Nothing sticks out at the side. */
export async function fits(page: Page): Promise<void> {
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  expect(overflow).toBeLessThanOrEqual(0);
}
