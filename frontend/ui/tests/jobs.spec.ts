//! Jobs that fail, are cancelled, come back after a reload, and the history.

import { drawn, expect, imageId, test } from "./support";

const LAKE = imageId("s3://images/lake.jpg");
const sepia = encodeURIComponent('[{"sepia":{}}]');

test.afterEach(async ({ request }) => {
  await request.post("/mock/behave", { data: { failAll: false, jobTicks: 34 } });
});

test("a job that fails says why and what to do, and can be tried again", async ({ page, request }) => {
  await request.post("/mock/behave", { data: { failAll: true, jobTicks: 10 } });
  await page.goto(`/#image=${LAKE}&chain=${sepia}`);
  await drawn(page);
  await page.getByRole("button", { name: "Convert" }).click();
  await expect(page.locator(".job-message")).toContainText("upload it again");
  await page.getByRole("button", { name: "Retry" }).click();
  await expect(page.locator(".chip.complete")).toBeVisible({ timeout: 30_000 });
});

test("a job goes on over a reload, and can be cancelled", async ({ page, request }) => {
  await request.post("/mock/behave", { data: { jobTicks: 400 } });
  await page.goto(`/#image=${LAKE}&chain=${sepia}`);
  await drawn(page);
  await page.getByRole("button", { name: "Convert" }).click();
  await expect(page.locator(".chip.running")).toBeVisible();
  await page.reload();
  await expect(page.locator(".chip.running")).toBeVisible();
  await expect(page.locator(".veil")).toBeVisible();
  await page.getByRole("button", { name: "Cancel" }).click();
  await expect(page.getByText("The job is cancelled.")).toBeVisible();
  await expect(page.locator(".job-card")).toHaveCount(0);
});

test("the history is filtered by state and by words, and opens a job beside its image", async ({ page }) => {
  await page.goto("/#view=jobs");
  await expect(page.getByRole("button", { name: "panorama.png", exact: true })).toBeVisible();
  await page.getByRole("radio", { name: "Done" }).check();
  await expect(page.getByRole("button", { name: "panorama.png", exact: true })).toHaveCount(0);
  await page.getByRole("radio", { name: "All" }).check();
  await page.getByRole("searchbox", { name: "Search jobs" }).fill("nothing like it");
  await expect(page.getByText("No job fits")).toBeVisible();
  await page.getByRole("searchbox", { name: "Search jobs" }).fill("slide");
  await page.getByRole("button", { name: "slide-0001.tif" }).first().click();
  await drawn(page);
  await expect(page.locator(".step-name")).toHaveCount(3);
  await expect(page.locator(".side.right")).toHaveText("Result");
});

test("what the plan refuses is said before Convert", async ({ page }) => {
  const slide = imageId("s3://images/slides/slide-0001.tif");
  await page.goto(`/#image=${slide}&format=jpeg`);
  await expect(page.getByText(/65,535 pixels/)).toBeVisible();
  await expect(page.getByRole("button", { name: "Convert" })).toBeDisabled();
});

test("a link to a job shows nothing else before, and the first view where the job is gone", async ({ page }) => {
  await page.route("**/api/v1/jobs/*", async (route) => {
    await new Promise((resume) => setTimeout(resume, 1000));
    await route.continue();
  });
  await page.goto("/#job=lake-gray");
  await expect(page.getByText("Opening the image…")).toBeVisible();
  await drawn(page);
  await page.goto("about:blank");
  await page.goto("/#job=gone");
  await expect(page.getByText(/this job is gone/i)).toBeVisible();
  await expect(page.getByRole("heading", { name: "Drop an image here" })).toBeVisible();
});
