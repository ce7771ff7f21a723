//! What a running job has not finished yet lies under a veil; the finished parts are clear.

import { useEffect, useRef } from "preact/hooks";
import type { Job } from "../types";
import { before } from "../state/preview";
import { place } from "./placement";
import { frame } from "./viewer";

export function Veil({ job }: { job: Job }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const at = frame.value;
  useEffect(() => {
    const element = canvas.current;
    const base = before.value?.view;
    if (!element || !at || !base) return;
    const ratio = window.devicePixelRatio || 1;
    element.width = Math.round(element.clientWidth * ratio);
    element.height = Math.round(element.clientHeight * ratio);
    const paint = element.getContext("2d");
    if (!paint) return;
    const size = { width: job.output.width ?? base.width, height: job.output.height ?? base.height };
    const box = place(job.operations, base, size);
    const scale = (at.scale * box.width) / size.width;
    const [left, top] = [at.x + box.x * at.scale, at.y + box.y * at.scale];
    const colours = getComputedStyle(element);
    paint.scale(ratio, ratio);
    paint.fillStyle = colours.getPropertyValue("--veil");
    paint.fillRect(left, top, size.width * scale, size.height * scale);
    for (const [x = 0, y = 0, width = 0, height = 0] of job.ready) paint.clearRect(left + x * scale, top + y * scale, width * scale, height * scale);
    paint.strokeStyle = colours.getPropertyValue("--accent-line");
    paint.lineWidth = 1;
    for (const [x = 0, y = 0, width = 0, height = 0] of job.ready) paint.strokeRect(left + x * scale + 0.5, top + y * scale + 0.5, width * scale - 1, height * scale - 1);
  }, [job.ready, at]);
  return <canvas ref={canvas} class="veil" aria-hidden="true" />;
}
