//! The guide with the keyboard alone.

import { drawn, expect, test } from "./support";
import type { Page } from "@playwright/test";

/** Presses Tab until the element with the role and name has the focus. */
async function tabTo(page: Page, name: RegExp, limit = 60): Promise<void> {
  for (let presses = 0; presses < limit; presses += 1) {
    await page.keyboard.press("Tab");
    const label = await page.evaluate(() => {
      const element = document.activeElement as HTMLElement | null;
      const labelled = element?.id ? document.querySelector(`label[for="${CSS.escape(element.id)}"]`)?.textContent : null;
      return element?.getAttribute("aria-label") ?? labelled ?? element?.textContent ?? "";
    });
    if (name.test(label)) return;
  }
  throw new Error(`Tab never came to ${name}`);
}

test("an image is opened, changed, compared and converted by keys alone", async ({ page }) => {
  await page.goto("/");
  await tabTo(page, /^From the bucket/);
  await page.keyboard.press("Enter");
  await expect(page.getByRole("dialog")).toBeVisible();
  await tabTo(page, /lake\.jpg/);
  await page.keyboard.press("Enter");
  await drawn(page);
  await tabTo(page, /^Operation$/);
  await page.keyboard.type("Sepia");
  await expect(page.getByRole("slider", { name: "Amount" })).toBeVisible();
  await tabTo(page, /^Amount$/);
  await page.keyboard.press("ArrowLeft");
  await expect(page.getByRole("spinbutton", { name: "Amount" })).toHaveValue("0.99");
  await expect(page.getByRole("slider", { name: /Compare/ })).toBeVisible();
  await tabTo(page, /^Compare/);
  await page.keyboard.press("Home");
  await expect(page.getByRole("slider", { name: /Compare/ })).toHaveAttribute("aria-valuenow", "0");
  await page.keyboard.press("Shift+Tab");
  await page.getByRole("button", { name: "Convert" }).focus();
  await page.keyboard.press("Enter");
  await expect(page.locator(".chip.complete")).toBeVisible({ timeout: 30_000 });
});

test("a dialog keeps the focus, closes by Escape, and gives the focus back", async ({ page }) => {
  await page.goto("/");
  await page.getByRole("button", { name: "From the bucket" }).focus();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("dialog")).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog")).toHaveCount(0);
  await expect(page.getByRole("button", { name: "From the bucket" })).toBeFocused();
});

test("the first Tab offers to skip to the content", async ({ page }) => {
  await page.goto("/");
  await page.getByRole("navigation", { name: "Views" }).waitFor();
  await page.keyboard.press("Tab");
  await expect(page.getByRole("link", { name: "Skip to the content" })).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(page.locator("main")).toBeFocused();
});
