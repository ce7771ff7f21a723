//! Where the result of a chain lies on the original, so that before and after are the same place. Pure.

import type { Chain } from "../types";

export interface Box { x: number; y: number; width: number; height: number }

const number = (value: unknown): number => (typeof value === "number" ? value : 0);

/** The part of the original, in its pixels, that the chain's output covers. `size` is the output's. */
export function place(chain: Chain, source: { width: number; height: number }, size: { width: number; height: number }): Box {
  const box: Box = { x: 0, y: 0, width: source.width, height: source.height };
  // The current picture's size in its own pixels, and how it was turned and mirrored on the way.
  let { width, height } = source;
  let upright = true;
  for (const item of chain) {
    const [name, values] = Object.entries(item)[0] ?? ["", {}];
    if (name === "crop" && upright) {
      const across = box.width / width;
      const down = box.height / height;
      box.x += number(values["x"]) * across;
      box.y += number(values["y"]) * down;
      box.width = number(values["width"]) * across;
      box.height = number(values["height"]) * down;
      width = number(values["width"]);
      height = number(values["height"]);
    } else if (name === "resize") {
      [width, height] = resized(values, width, height);
    } else if (name === "flip" || name === "rotate") {
      upright = false;
    }
  }
  return centred(box, size);
}

function resized(values: Record<string, unknown>, width: number, height: number): [number, number] {
  const scale = number(values["scale"]);
  if (scale) return [width * scale, height * scale];
  const across = number(values["width"]);
  const down = number(values["height"]);
  return [across || (down * width) / height || width, down || (across * height) / width || height];
}

/** A turned picture keeps its own proportions, about the same centre. */
function centred(box: Box, size: { width: number; height: number }): Box {
  const proportion = size.width / size.height;
  if (Math.abs(Math.log(proportion / (box.width / box.height))) < 0.02) return box;
  const scale = Math.min(box.width / size.width, box.height / size.height);
  const width = size.width * scale;
  const height = size.height * scale;
  return { x: box.x + (box.width - width) / 2, y: box.y + (box.height - height) / 2, width, height };
}
