//! A rectangle drawn on the image: moved and sized by its handles, by pointer or by the arrow keys.

import { useEffect } from "preact/hooks";
import { set, type Step } from "../state/recipe";
import { byName } from "../state/session";
import type { Box } from "./placement";
import type { Frame } from "./scene";

interface Props { step: Step; frame: Frame; box: Box; size: { width: number; height: number } }

type Edge = "n" | "s" | "e" | "w";
const HANDLES = ["nw", "n", "ne", "e", "se", "s", "sw", "w"] as const;
const NAMES: Record<(typeof HANDLES)[number], string> = { nw: "Top left corner", n: "Top edge", ne: "Top right corner", e: "Right edge", se: "Bottom right corner", s: "Bottom edge", sw: "Bottom left corner", w: "Left edge" };

function current(step: Step): Box {
  const value = (name: string) => Number(step.values[name] ?? 0);
  return { x: value("x"), y: value("y"), width: value("width"), height: value("height") };
}

/** Four fifths of the image, where the values do not fit it or nobody has set them. */
export function fitting(now: Box, suggested: Box, size: { width: number; height: number }): Box | null {
  const inside = now.width >= 1 && now.height >= 1 && now.x >= 0 && now.y >= 0 && now.x + now.width <= size.width && now.y + now.height <= size.height;
  const untouched = JSON.stringify(now) === JSON.stringify(suggested);
  if (inside && !untouched) return null;
  const width = Math.max(1, Math.round(size.width * 0.8));
  const height = Math.max(1, Math.round(size.height * 0.8));
  return { x: Math.floor((size.width - width) / 2), y: Math.floor((size.height - height) / 2), width, height };
}

/** The rectangle after its edges (none: all of it) were pulled by a distance in the image's pixels. */
export function pulled(from: Box, edges: string, dx: number, dy: number, size: { width: number; height: number }): Box {
  const clamp = (value: number, low: number, high: number) => Math.max(low, Math.min(high, Math.round(value)));
  if (!edges) return { ...from, x: clamp(from.x + dx, 0, size.width - from.width), y: clamp(from.y + dy, 0, size.height - from.height) };
  const has = (edge: Edge) => edges.includes(edge);
  const left = has("w") ? clamp(from.x + dx, 0, from.x + from.width - 1) : from.x;
  const top = has("n") ? clamp(from.y + dy, 0, from.y + from.height - 1) : from.y;
  const right = has("e") ? clamp(from.x + from.width + dx, left + 1, size.width) : from.x + from.width;
  const bottom = has("s") ? clamp(from.y + from.height + dy, top + 1, size.height) : from.y + from.height;
  return { x: left, y: top, width: right - left, height: bottom - top };
}

export function CropBox({ step, frame, box, size }: Props) {
  const scale = (frame.scale * box.width) / size.width;
  const rectangle = current(step);
  useEffect(() => {
    const declared = byName.peek().get(step.name)?.parameters ?? [];
    const suggested = (name: string) => Number(declared.find((parameter) => parameter.name === name)?.suggested ?? 0);
    const better = fitting(current(step), { x: suggested("x"), y: suggested("y"), width: suggested("width"), height: suggested("height") }, size);
    if (better) set(step.key, { ...better });
  }, [step.key, size.width, size.height]);
  const change = (next: Box) => set(step.key, { ...next });
  const grab = (edges: string) => (event: PointerEvent) => {
    event.preventDefault();
    event.stopPropagation();
    const handle = event.currentTarget as HTMLElement;
    handle.setPointerCapture(event.pointerId);
    handle.focus();
    const [startX, startY, from] = [event.clientX, event.clientY, current(step)];
    handle.onpointermove = (move) => change(pulled(from, edges, (move.clientX - startX) / scale, (move.clientY - startY) / scale, size));
    handle.onpointerup = handle.onpointercancel = () => (handle.onpointermove = null);
  };
  const keys = (edges: string) => (event: KeyboardEvent) => {
    const by = (event.shiftKey ? 10 : 1) * Math.max(1, Math.round(1 / scale));
    const delta: Record<string, [number, number]> = { ArrowLeft: [-by, 0], ArrowRight: [by, 0], ArrowUp: [0, -by], ArrowDown: [0, by] };
    const move = delta[event.key];
    if (!move) return;
    event.preventDefault();
    change(pulled(current(step), edges, move[0], move[1], size));
  };
  const style = {
    left: `${frame.x + box.x * frame.scale + rectangle.x * scale}px`,
    top: `${frame.y + box.y * frame.scale + rectangle.y * scale}px`,
    width: `${Math.max(2, rectangle.width * scale)}px`,
    height: `${Math.max(2, rectangle.height * scale)}px`,
  };
  return (
    <div class="crop" role="group" aria-label="Area to keep" style={style}>
      <button type="button" class="crop-area" aria-label={`Area to keep: ${rectangle.width} by ${rectangle.height} at ${rectangle.x}, ${rectangle.y}. Arrow keys move it.`} onPointerDown={grab("")} onKeyDown={keys("")} />
      {HANDLES.map((edges) => <button key={edges} type="button" class={`crop-handle ${edges}`} aria-label={NAMES[edges]} onPointerDown={grab(edges)} onKeyDown={keys(edges)} />)}
      <span class="crop-size" aria-hidden="true">{rectangle.width} × {rectangle.height}</span>
    </div>
  );
}
