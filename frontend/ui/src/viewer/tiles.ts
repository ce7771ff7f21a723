//! A layer as OpenSeadragon's source of tiles: fetched so that they can be cancelled, with the quality that each says it has.

import OpenSeadragon from "openseadragon";
import { tileUrl } from "../api";
import type { Layer } from "../state/preview";
import type { Quality } from "../types";

export interface TileWork {
  source: OpenSeadragon.TileSource;
  /** The quality of a level of OpenSeadragon's counting (0 is the smallest). */
  quality: (level: number) => Quality;
  cancel: () => void;
}

export interface Listener { failed: (problem: TileProblem) => void; working: (count: number) => void }

interface Request { src: string; userData: { abort?: AbortController }; finish: (data: unknown, request: null, type: string) => void; fail: (message: string, request: null) => void }

const BUSY_TRIES = 4;

export function tileWork(layer: Layer, listener: Listener): TileWork {
  const { view } = layer;
  const levels = [...view.levels].sort((a, b) => a.level - b.level);
  const deepest = levels.length - 1;
  const at = (level: number) => levels[deepest - level];
  const told = new Map<number, Quality>();
  const under = new Set<AbortController>();
  const source = new OpenSeadragon.TileSource({ width: view.width, height: view.height, tileSize: view.tileSize, tileOverlap: 0, minLevel: 0, maxLevel: deepest });
  let replaced = false;
  const start = (request: Request) => {
    // Requests that waited in OpenSeadragon's queue for a layer that is gone.
    if (replaced) return queueMicrotask(() => request.fail("replaced", null));
    const abort = (request.userData.abort = new AbortController());
    under.add(abort);
    listener.working(under.size);
    const level = Number(/\/(\d+)\/\d+_\d+\?/.exec(request.src)?.[1] ?? 0);
    load(request.src, abort.signal).then(
      ({ bitmap, quality }) => {
        if (quality) told.set(deepest - level, quality);
        request.finish(bitmap, null, "imageBitmap");
      },
      (problem: unknown) => {
        // OpenSeadragon's own abort frees its place in the queue; ours, of a layer that was replaced, must do so here.
        if (abort.signal.aborted) return replaced ? request.fail("replaced", null) : undefined;
        request.fail(String(problem), null);
        listener.failed(problem instanceof TileProblem ? problem : new TileProblem(0));
      },
    ).finally(() => {
      under.delete(abort);
      listener.working(under.size);
    });
  };
  Object.assign(source, {
    getTileUrl: (level: number, x: number, y: number) => tileUrl(layer.image, view, layer.chain, at(level)?.level ?? 0, x, y),
    getNumTiles: (level: number) => new OpenSeadragon.Point(Math.ceil((at(level)?.width ?? 1) / view.tileSize), Math.ceil((at(level)?.height ?? 1) / view.tileSize)),
    hasTransparency: () => true,
    downloadTileStart: start,
    downloadTileAbort: (request: Request) => request.userData.abort?.abort(),
  });
  const cancel = () => {
    replaced = true;
    under.forEach((abort) => abort.abort());
  };
  return { source, quality: (level) => told.get(level) ?? at(level)?.quality ?? "exact", cancel };
}

/** A tile that did not come, with the server's code and reason, where it gave them. */
export class TileProblem extends Error {
  constructor(readonly status: number, readonly code = "", readonly said = "") {
    super(`tile answered ${status}`);
  }
}

async function problemOf(response: Response): Promise<TileProblem> {
  const body = (await response.json().catch(() => null)) as { error?: { code?: string; message?: string } } | null;
  return new TileProblem(response.status, body?.error?.code, body?.error?.message);
}

/** One tile; a busy server is asked again, later each time. */
export async function load(url: string, signal: AbortSignal): Promise<{ bitmap: ImageBitmap; quality: Quality | null }> {
  for (let tries = 1; ; tries += 1) {
    const response = await fetch(url, { signal, credentials: "same-origin" });
    if (response.ok) {
      const quality = response.headers.get("Tessera-Quality") as Quality | null;
      return { bitmap: await createImageBitmap(await response.blob()), quality };
    }
    if (![429, 502, 503, 504].includes(response.status) || tries >= BUSY_TRIES) throw await problemOf(response);
    await new Promise((resume) => setTimeout(resume, 400 * 2 ** tries * (0.75 + Math.random() / 2)));
    signal.throwIfAborted();
  }
}
