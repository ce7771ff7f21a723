//! The exact loupe: a round glass that shows pixels one to one, computed exactly whatever it costs. Dragged, or moved by the arrow keys.

import { useEffect, useRef, useState } from "preact/hooks";
import { tileUrl } from "../api";
import { IconButton } from "../parts/button";
import type { Layer } from "../state/preview";
import type { Box } from "./placement";
import { frame } from "./viewer";

const SIZES = { desk: 240, phone: 180 };
const PAUSE = 160;
const KEEP = 24;
const cache = new Map<string, ImageBitmap>();

async function exact(url: string, signal: AbortSignal): Promise<ImageBitmap> {
  const known = cache.get(url);
  if (known) return known;
  const { load } = await import("./tiles");
  const { bitmap } = await load(url, signal);
  cache.set(url, bitmap);
  const oldest = cache.keys().next().value;
  if (cache.size > KEEP && oldest) cache.delete(oldest);
  return bitmap;
}

function diameter(): number {
  return matchMedia("(max-width: 800px)").matches ? SIZES.phone : SIZES.desk;
}

interface Place { layer: Layer; x: number; y: number }

/** Draws the pixels around a place of the layer, one to one, from as many tiles as they lie in. */
async function paint(canvas: HTMLCanvasElement, { layer, x, y }: Place, signal: AbortSignal): Promise<void> {
  const { view, chain, image } = layer;
  const ratio = window.devicePixelRatio || 1;
  const size = Math.round(diameter() * ratio);
  const [left, top] = [Math.round(x - size / 2), Math.round(y - size / 2)];
  const columns = [Math.max(0, Math.floor(left / view.tileSize)), Math.min(Math.ceil(view.width / view.tileSize) - 1, Math.floor((left + size - 1) / view.tileSize))] as const;
  const rows = [Math.max(0, Math.floor(top / view.tileSize)), Math.min(Math.ceil(view.height / view.tileSize) - 1, Math.floor((top + size - 1) / view.tileSize))] as const;
  const wanted: Array<{ column: number; row: number }> = [];
  for (let row = rows[0]; row <= rows[1]; row += 1) for (let column = columns[0]; column <= columns[1]; column += 1) wanted.push({ column, row });
  const tiles = await Promise.all(wanted.map(async (tile) => ({ ...tile, bitmap: await exact(`${tileUrl(image, view, chain, 0, tile.column, tile.row)}&exact=1`, signal) })));
  signal.throwIfAborted();
  canvas.width = canvas.height = size;
  const context = canvas.getContext("2d");
  for (const { column, row, bitmap } of tiles) context?.drawImage(bitmap, column * view.tileSize - left, row * view.tileSize - top);
}

export function Loupe({ layer, box, onClose }: { layer: Layer | null; box: Box | null; onClose: () => void }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const glass = useRef<HTMLDivElement>(null);
  const [at, setAt] = useState<{ x: number; y: number } | null>(null);
  const [state, setState] = useState<"working" | "ready" | "failed">("working");
  const now = frame.value;
  useEffect(() => {
    const stage = glass.current?.parentElement;
    if (stage && !at) setAt({ x: stage.clientWidth * 0.7, y: stage.clientHeight / 2 });
  }, []);
  // Until it has a place it is hidden, and what is hidden takes no focus.
  useEffect(() => {
    if (at) glass.current?.focus();
  }, [at !== null]);
  const target = now && layer && at ? {
    x: (((at.x - now.x) / now.scale - (box?.x ?? 0)) * layer.view.width) / (box?.width ?? layer.view.width),
    y: (((at.y - now.y) / now.scale - (box?.y ?? 0)) * layer.view.height) / (box?.height ?? layer.view.height),
  } : null;
  useEffect(() => {
    if (!target || !layer) return;
    const mine = new AbortController();
    setState("working");
    const timer = setTimeout(() => {
      if (canvas.current) paint(canvas.current, { layer, ...target }, mine.signal).then(() => setState("ready"), () => mine.signal.aborted || setState("failed"));
    }, PAUSE);
    return () => {
      clearTimeout(timer);
      mine.abort();
    };
  }, [layer, target && Math.round(target.x), target && Math.round(target.y)]);
  const shift = (x: number, y: number) => {
    const stage = glass.current?.parentElement;
    if (at && stage) setAt({ x: Math.max(0, Math.min(stage.clientWidth, at.x + x)), y: Math.max(0, Math.min(stage.clientHeight, at.y + y)) });
  };
  const keys = (event: KeyboardEvent) => {
    const by = event.shiftKey ? 40 : 8;
    const moves: Record<string, [number, number]> = { ArrowLeft: [-by, 0], ArrowRight: [by, 0], ArrowUp: [0, -by], ArrowDown: [0, by] };
    if (event.key === "Escape") return onClose();
    const move = moves[event.key];
    if (!move) return;
    event.preventDefault();
    shift(...move);
  };
  const style = at ? { left: `${at.x - diameter() / 2}px`, top: `${at.y - diameter() / 2}px` } : { visibility: "hidden" };
  return (
    <div ref={glass} class={`loupe ${state}`} style={style} role="group" aria-label="Exact loupe, one to one. Arrow keys move it, Escape closes it." tabIndex={0} onKeyDown={keys}
      onPointerDown={(event) => (event.target as HTMLElement).closest("button") || event.currentTarget.setPointerCapture(event.pointerId)}
      onPointerMove={(event) => event.currentTarget.hasPointerCapture(event.pointerId) && shift(event.movementX, event.movementY)}>
      <canvas ref={canvas} class="loupe-glass" aria-hidden="true" />
      <span class="loupe-label" role="status">{state === "failed" ? "Could not be computed" : state === "working" ? "Computing…" : "Exact, 1:1"}</span>
      <IconButton icon="close" label="Close the loupe" onClick={onClose} />
    </div>
  );
}
