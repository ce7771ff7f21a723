//! The page's arithmetic, without a browser: where a result lies on its original, and how numbers read.

import { expect, test } from "@playwright/test";
import { place } from "../src/viewer/placement";
import type { Job } from "../src/types";
import { bytes, megapixels, seconds, told, words } from "../src/words";

const SOURCE = { width: 1000, height: 500 };

test("a filter's result lies on all of the original", () => {
  expect(place([{ invert: {} }], SOURCE, SOURCE)).toEqual({ x: 0, y: 0, width: 1000, height: 500 });
});

test("a crop lies where it was cut, also after the image was made smaller", () => {
  expect(place([{ crop: { x: 100, y: 50, width: 400, height: 200 } }], SOURCE, { width: 400, height: 200 })).toEqual({ x: 100, y: 50, width: 400, height: 200 });
  expect(place([{ resize: { scale: 0.5 } }, { crop: { x: 100, y: 50, width: 200, height: 100 } }], SOURCE, { width: 200, height: 100 })).toEqual({ x: 200, y: 100, width: 400, height: 200 });
});

test("a smaller copy covers the original", () => {
  expect(place([{ resize: { width: 250 } }], SOURCE, { width: 250, height: 125 })).toEqual({ x: 0, y: 0, width: 1000, height: 500 });
});

test("a turned image keeps its proportions about the same centre", () => {
  expect(place([{ rotate: { degrees: 90 } }], SOURCE, { width: 500, height: 1000 })).toEqual({ x: 375, y: 0, width: 250, height: 500 });
});

test("numbers read as people say them", () => {
  expect([bytes(0), bytes(999), bytes(1000), bytes(12_345_678), bytes(4.2e9)]).toEqual(["0 bytes", "999 bytes", "1.0 kB", "12.3 MB", "4.2 GB"]);
  expect([seconds(0.2), seconds(8), seconds(120), seconds(9000)]).toEqual(["under a second", "8 s", "2 min", "2.5 h"]);
  expect([megapixels(1000, 1000), megapixels(60_000, 40_000)]).toEqual(["1.0 megapixels", "2.4 gigapixels"]);
  expect(words("gaussianBlur")).toBe("Gaussian blur");
});

test("what a job says names files, and no pod", () => {
  const job = { message: "the source s3://images/uploads/9/6b can't be decoded (shard 0, pod invert-1-whole-0-x)", source: { uri: "s3://images/uploads/9/6b", name: "photo.png" }, output: { uri: "s3://results/1.png", name: "photo-invert.png" } };
  expect(told(job as Job)).toBe("The source photo.png can't be decoded");
});
