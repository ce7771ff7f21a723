//! The chain and its controls: added, reordered, shared as a link, drawn on the image.

import { drawn, expect, imageId, pick, test } from "./support";

const LAKE = imageId("s3://images/lake.jpg");

test("a second operation reveals the chain, which is reordered by keyboard and by drag", async ({ page }) => {
  await page.goto(`/#image=${LAKE}`);
  await drawn(page);
  await pick(page, "Grayscale");
  await page.getByRole("button", { name: "Add another operation" }).click();
  await pick(page, "Invert", "Another operation");
  await page.getByRole("button", { name: "Add another operation" }).click();
  await pick(page, "Sepia", "Another operation");
  const names = () => page.locator(".step-name").allInnerTexts().then((all) => all.map((text) => text.replace(/^\d+\s*/, "")));
  expect(await names()).toEqual(["Grayscale", "Invert", "Sepia"]);
  await page.getByRole("button", { name: /^Move Sepia, step 3/ }).focus();
  await page.keyboard.press("ArrowUp");
  await expect.poll(names).toEqual(["Grayscale", "Sepia", "Invert"]);
  await expect(page.getByRole("button", { name: /^Move Sepia, step 2/ })).toBeFocused();
  const grip = await page.getByRole("button", { name: /^Move Grayscale, step/ }).boundingBox();
  const last = await page.getByRole("button", { name: /^Move Invert, step/ }).boundingBox();
  await page.mouse.move(grip!.x + 10, grip!.y + 10);
  await page.mouse.down();
  await page.mouse.move(last!.x + 10, last!.y + last!.height + 8, { steps: 12 });
  await page.mouse.up();
  await expect.poll(async () => (await names()).at(-1)).toBe("Grayscale");
});

test("the chain stands in the address: a reload and another person see the same", async ({ page, context }) => {
  await page.goto(`/#image=${LAKE}`);
  await drawn(page);
  await pick(page, "Brightness and contrast");
  await page.getByRole("spinbutton", { name: "Contrast" }).fill("2.5");
  await expect.poll(() => decodeURIComponent(page.url())).toContain('"contrast":2.5');
  const other = await context.newPage();
  await other.goto(page.url());
  await expect(other.getByRole("spinbutton", { name: "Contrast" })).toHaveValue("2.5");
  await expect(other.locator(".badge").first()).toBeVisible();
});

test("a crop is drawn on the image, by pointer and by keyboard", async ({ page }) => {
  await page.goto(`/#image=${LAKE}`);
  await drawn(page);
  await pick(page, "Crop");
  const width = page.getByRole("spinbutton", { name: "Width" });
  await expect(width).toHaveValue("4800");
  const corner = await page.getByRole("button", { name: "Bottom right corner" }).boundingBox();
  await page.mouse.move(corner!.x + 14, corner!.y + 14);
  await page.mouse.down();
  await page.mouse.move(corner!.x - 100, corner!.y - 60, { steps: 6 });
  await page.mouse.up();
  await expect.poll(async () => Number(await width.inputValue())).toBeLessThan(4500);
  const left = page.getByRole("spinbutton", { name: "Left" });
  const before = Number(await left.inputValue());
  await page.getByRole("button", { name: /^Area to keep/ }).focus();
  await page.keyboard.press("ArrowRight");
  await expect.poll(async () => Number(await left.inputValue())).toBeGreaterThan(before);
  await page.getByRole("button", { name: "Done drawing" }).click();
  await expect(page.getByText("Exact preview")).toBeVisible();
});

test("a kernel is a grid of numbers", async ({ page }) => {
  await page.goto(`/#image=${LAKE}`);
  await drawn(page);
  await pick(page, "Convolve");
  await page.getByRole("combobox", { name: "Rows" }).selectOption("5");
  await expect(page.getByRole("spinbutton", { name: /^Row/ })).toHaveCount(15);
  await page.getByRole("spinbutton", { name: "Row 1, column 1" }).fill("2");
  await expect.poll(() => decodeURIComponent(page.url())).toContain('"kernel":[[2,0,0]');
});

test("what takes long asks first; edges say to zoom in; the loupe is exact", async ({ page }) => {
  await page.goto(`/#image=${LAKE}`);
  await drawn(page);
  await pick(page, "Median");
  await page.getByRole("button", { name: "Show preview" }).click();
  await expect(page.getByText("Exact preview")).toBeVisible();
  await page.goto("about:blank");
  const slide = imageId("s3://images/slides/slide-0001.tif");
  await page.goto(`/#image=${slide}&chain=${encodeURIComponent('[{"sobel":{}}]')}`);
  await drawn(page);
  await expect(page.getByText("Zoom in to preview: Sobel edges")).toBeVisible();
  await page.getByRole("button", { name: /Exact loupe/ }).click();
  await expect(page.getByText("Exact, 1:1")).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(page.locator(".loupe")).toHaveCount(0);
});

test("a chain that cannot be is refused in the server's words", async ({ page }) => {
  await page.goto(`/#image=${LAKE}&chain=${encodeURIComponent('[{"crop":{"x":0,"y":0,"width":99999,"height":10}}]')}`);
  await expect(page.getByText(/reaches beyond the image/).first()).toBeVisible();
});

test("an image in the bucket is found through its folder, or by its address", async ({ page }) => {
  await page.goto("/");
  await page.getByRole("button", { name: "Use an image that is already in the bucket" }).click();
  await page.getByRole("button", { name: "slides" }).click();
  await page.getByRole("button", { name: /slide-0002/ }).click();
  await drawn(page);
  await page.getByRole("button", { name: "From the bucket" }).click();
  await page.getByRole("textbox", { name: "Or its address" }).fill("s3://images/none.tif");
  await page.getByRole("button", { name: "Open", exact: true }).click();
  await expect(page.getByText(/There is no object at/)).toBeVisible();
});
