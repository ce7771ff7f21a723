//! The viewer itself: OpenSeadragon with the original and what lies over it, cut at the divider. Loaded when first needed.

import OpenSeadragon from "openseadragon";
import type { Layer } from "../state/preview";
import type { Quality } from "../types";
import type { Box } from "./placement";
import { tileWork, type TileProblem, type TileWork } from "./tiles";

/** Where the original's pixels are on the stage: `px = x + pixel * scale`. */
export interface Frame { x: number; y: number; scale: number; width: number; height: number }

export interface Events {
  frame: (frame: Frame) => void;
  quality: (quality: Quality | null) => void;
  busy: (busy: boolean) => void;
  failed: (problem: TileProblem) => void;
}

interface Shown { item: OpenSeadragon.TiledImage; work: TileWork; layer: Layer; box: Box; complete: boolean }

const SWAP = 4000;

export class Scene {
  private readonly viewer: OpenSeadragon.Viewer;
  private original: Shown | null = null;
  private over: Shown | null = null;
  private past: Shown | null = null;
  private divider: number | null = 0.5;
  private turn = 0;
  private last: Frame | null = null;
  private wanted: { layer: Layer; box: Box } | null = null;
  private working = { original: 0, over: 0 };

  constructor(private readonly element: HTMLElement, private readonly events: Events) {
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.viewer = OpenSeadragon({
      element,
      drawer: "canvas",
      showNavigationControl: false,
      animationTime: calm ? 0 : 0.35,
      springStiffness: 8,
      blendTime: 0,
      visibilityRatio: 0.4,
      minZoomImageRatio: 0.7,
      maxZoomPixelRatio: 10,
      imageLoaderLimit: 4,
      timeout: 180_000,
      maxImageCacheCount: matchMedia("(max-width: 800px)").matches ? 60 : 160,
      gestureSettingsMouse: { clickToZoom: false, dblClickToZoom: true },
      gestureSettingsTouch: { clickToZoom: false, dblClickToZoom: true },
    } as OpenSeadragon.Options);
    this.viewer.canvas.setAttribute("role", "application");
    this.viewer.canvas.setAttribute("aria-label", "Image. Arrow keys move, plus and minus zoom, 0 shows all.");
    for (const name of ["update-viewport", "resize", "animation", "open"] as const) this.viewer.addHandler(name, () => this.update());
  }

  showOriginal(layer: Layer): void {
    if (this.original?.layer.image === layer.image && this.original.layer.view.etag === layer.view.etag) return;
    this.clear();
    const { width, height } = layer.view;
    const box = { x: 0, y: 0, width, height };
    this.put(layer, box, "original", (shown) => {
      this.original = shown;
      this.home(true);
      if (this.wanted) this.showOver(this.wanted.layer, this.wanted.box);
    });
  }

  /** Lays a layer over the original; what lay there stays below until the new one is drawn. */
  showOver(layer: Layer | null, box: Box | null): void {
    const turn = ++this.turn;
    this.wanted = layer && box ? { layer, box } : null;
    this.over?.work.cancel();
    this.drop(this.past);
    this.past = this.over;
    this.over = null;
    if (!layer || !box || !this.original) {
      this.drop(this.past);
      this.past = null;
      this.events.quality(null);
      this.update();
      return;
    }
    if (this.past && JSON.stringify(this.past.box) !== JSON.stringify(box)) {
      this.drop(this.past);
      this.past = null;
    }
    this.put(layer, box, "over", (shown) => {
      if (turn !== this.turn) return this.drop(shown);
      this.over = shown;
      const settle = (complete: boolean) => {
        if (this.over !== shown) return;
        shown.complete ||= complete;
        this.drop(this.past);
        this.past = null;
        this.update();
      };
      shown.item.addHandler("fully-loaded-change", (event) => event.fullyLoaded && settle(true));
      setTimeout(() => settle(false), SWAP);
      this.update();
    });
  }

  /** The divider as a fraction of the stage's width; null shows what lies over all of the original. */
  cut(divider: number | null): void {
    this.divider = divider;
    this.update();
  }

  private put(layer: Layer, box: Box, role: "original" | "over", done: (shown: Shown) => void): void {
    const base = this.original?.layer.view.width ?? layer.view.width;
    const work = tileWork(layer, {
      failed: (problem) => this.events.failed(problem),
      working: (count) => {
        this.working[role] = count;
        this.events.busy(this.working.original + this.working.over > 0);
      },
    });
    this.viewer.addTiledImage({
      tileSource: work.source,
      x: box.x / base,
      y: box.y / base,
      width: box.width / base,
      success: (event: unknown) => done({ item: (event as { item: OpenSeadragon.TiledImage }).item, work, layer, box, complete: false }),
    } as never);
  }

  private drop(shown: Shown | null): void {
    if (!shown) return;
    shown.work.cancel();
    if (this.viewer.world.getIndexOfItem(shown.item) >= 0) this.viewer.world.removeItem(shown.item);
  }

  private clear(): void {
    for (const shown of [this.original, this.over, this.past]) this.drop(shown);
    this.original = this.over = this.past = null;
    this.turn += 1;
  }

  frame(): Frame | null {
    if (!this.original) return null;
    const viewport = this.viewer.viewport;
    const zero = viewport.pixelFromPoint(new OpenSeadragon.Point(0, 0), true);
    const one = viewport.pixelFromPoint(new OpenSeadragon.Point(1, 0), true);
    const { width, height } = this.original.layer.view;
    return { x: zero.x, y: zero.y, scale: (one.x - zero.x) / width, width, height };
  }

  private update(): void {
    const frame = this.frame();
    if (!frame || !this.original) return;
    const cutting = this.over !== null && this.divider !== null;
    const edge = cutting ? ((this.divider ?? 0) * this.element.clientWidth - frame.x) / frame.scale : null;
    // Until what lies over it is drawn, the original stays in sight below.
    this.trim(this.original, this.over?.complete ? edge : null, "left");
    for (const shown of [this.past, this.over]) if (shown) this.trim(shown, edge, "right");
    if (this.over?.complete && this.divider === null) this.trim(this.original, -1, "left");
    this.smooth(frame.scale);
    if (JSON.stringify(frame) !== JSON.stringify(this.last)) this.events.frame(frame);
    this.last = frame;
    this.tellQuality();
  }

  /** Cuts a layer at an edge given in the original's pixels. */
  private trim(shown: Shown, edge: number | null, keep: "left" | "right"): void {
    const { width, height } = shown.layer.view;
    if (edge === null) return this.clip(shown, null, 1);
    const inner = Math.max(0, Math.min(width, ((edge - shown.box.x) * width) / shown.box.width));
    const [from, length] = keep === "left" ? [0, inner] : [inner, width - inner];
    if (length <= 0) return this.clip(shown, null, 0);
    this.clip(shown, length >= width ? null : new OpenSeadragon.Rect(from, 0, length, height), 1);
  }

  private clip(shown: Shown, rectangle: OpenSeadragon.Rect | null, opacity: number): void {
    if (shown.item.getOpacity() !== opacity) shown.item.setOpacity(opacity);
    const now = shown.item.getClip();
    if (rectangle ? now?.equals(rectangle) : !now) return;
    shown.item.setClip(rectangle);
  }

  private crisp = false;
  /** Pixels are shown as squares where one is larger than two of the screen's. */
  private smooth(scale: number): void {
    const crisp = scale * (window.devicePixelRatio || 1) >= 3;
    if (crisp === this.crisp) return;
    this.crisp = crisp;
    this.viewer.drawer.setImageSmoothingEnabled(!crisp);
  }

  private tellQuality(): void {
    const order: Quality[] = ["original", "approximate", "estimated", "exact"];
    if (!this.over || this.over.layer.kind === "result") return this.events.quality(null);
    const drawn = (this.over.item as unknown as { getTilesToDraw: () => Array<{ tile: { level: number } }> }).getTilesToDraw();
    if (!drawn.length) return;
    const finest = Math.max(...drawn.map(({ tile }) => tile.level));
    const seen = drawn.filter(({ tile }) => tile.level === finest).map(({ tile }) => this.over!.work.quality(tile.level));
    this.events.quality(order.find((quality) => seen.includes(quality)) ?? null);
  }

  home(immediately = false): void {
    this.viewer.viewport.goHome(immediately);
  }

  zoomBy(factor: number): void {
    this.viewer.viewport.zoomBy(factor);
    this.viewer.viewport.applyConstraints();
  }

  /** One pixel of the original on one of the screen. */
  actualSize(): void {
    const shown = this.original;
    if (shown) this.viewer.viewport.zoomTo(shown.item.imageToViewportZoom(1 / (window.devicePixelRatio || 1)));
  }

  focus(): void {
    this.viewer.canvas.focus();
  }

  destroy(): void {
    this.clear();
    this.viewer.destroy();
  }
}
