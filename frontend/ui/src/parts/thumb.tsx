//! A small picture of an image: its smallest tile, asked for only when it comes into sight, and few at a time.

import { useEffect, useRef, useState } from "preact/hooks";
import { api, tileUrl } from "../api";
import { Icon } from "./icons";

const AT_ONCE = 2;
const known = new Map<string, string | null>();
const queue: Array<() => Promise<void>> = [];
let busy = 0;

function next(): void {
  while (busy < AT_ONCE) {
    const work = queue.shift();
    if (!work) return;
    busy += 1;
    void work().finally(() => {
      busy -= 1;
      next();
    });
  }
}

async function find(image: string): Promise<string | null> {
  try {
    const view = await api.view(image, []);
    const smallest = view.levels.reduce((small, level) => (level.level > small.level ? level : small));
    return smallest.width <= view.tileSize && smallest.height <= view.tileSize ? tileUrl(image, view, [], smallest.level, 0, 0) : null;
  } catch {
    return null;
  }
}

export function Thumb({ image }: { image: string | null }) {
  const box = useRef<HTMLSpanElement>(null);
  const [url, setUrl] = useState<string | null>(image ? known.get(image) ?? null : null);
  useEffect(() => {
    if (!image || known.has(image) || !box.current) return;
    const watcher = new IntersectionObserver((entries) => {
      if (!entries.some((entry) => entry.isIntersecting)) return;
      watcher.disconnect();
      queue.push(async () => {
        const found = await find(image);
        known.set(image, found);
        setUrl(found);
      });
      next();
    });
    watcher.observe(box.current);
    return () => watcher.disconnect();
  }, [image]);
  return <span ref={box} class="thumb">{url ? <img src={url} alt="" loading="lazy" decoding="async" /> : <Icon name="image" size={20} />}</span>;
}
