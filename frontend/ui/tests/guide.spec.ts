//! The user's guide, sentence by sentence, with a photograph.

import { drawn, expect, photograph, pick, choose, test } from "./support";

test("a photograph is uploaded, seen, changed, converted, watched and downloaded", async ({ page }, info) => {
  await page.goto("/");
  await expect(page.getByRole("button", { name: "Upload" }).first()).toBeVisible();
  await expect(page.getByRole("combobox", { name: "Operation" })).toBeVisible();
  await expect(page.getByRole("button", { name: "Convert" })).toBeDisabled();
  await expect(page.getByRole("button", { name: "Download" })).toBeDisabled();
  await choose(page, photograph(info.outputDir));
  await drawn(page);
  await expect(page.locator(".source-name")).toHaveText("holiday.png");
  await pick(page, "Gaussian blur");
  await page.getByRole("slider", { name: "Sigma" }).fill("700");
  await expect(page.getByText(/Exact preview|Approximate/)).toBeVisible();
  await expect(page.getByRole("slider", { name: /Compare/ })).toBeVisible();
  await expect(page.getByText(/About .* in .* by \d+ worker/)).toBeVisible();
  await page.getByRole("combobox", { name: "Format" }).selectOption({ label: "PNG" });
  await page.getByRole("button", { name: "Convert" }).click();
  await expect(page.getByRole("progressbar", { name: "Progress of the job" })).toBeVisible();
  await expect(page.getByText(/4 workers/)).toBeVisible();
  await expect(page.locator(".chip.complete")).toBeVisible({ timeout: 30_000 });
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: "Download" }).click()]);
  expect(download.suggestedFilename()).toBe("holiday-result.png");
  await expect(page.locator(".side.right")).toHaveText("Result");
  await page.reload();
  await expect(page.locator(".chip.complete")).toBeVisible();
  await drawn(page);
});

test("first view: the groups of the one dropdown are Basic and Advanced", async ({ page }) => {
  await page.goto("/");
  const groups = await page.getByRole("combobox", { name: "Operation" }).locator("optgroup").evaluateAll((all) => all.map((one) => (one as HTMLOptGroupElement).label));
  expect(groups).toEqual(["Basic", "Advanced"]);
});

test("the YAML and the kubectl line can be copied", async ({ page, context, baseURL }) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin: baseURL! });
  await page.goto("/#image=" + Buffer.from("s3://images/lake.jpg").toString("base64url") + "&chain=" + encodeURIComponent('[{"invert":{}}]'));
  await page.getByRole("button", { name: "YAML" }).click();
  await expect(page.getByLabel("YAML", { exact: true })).toContainText("kind: ImageJob");
  await page.getByRole("button", { name: "Copy", exact: true }).first().click();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toContain("invert");
  await expect(page.getByLabel("kubectl line")).toContainText("kubectl");
});
