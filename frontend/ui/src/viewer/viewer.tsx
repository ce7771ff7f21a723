//! The viewer's frame: its tools, the divider between before and after, badges, and what lies over the picture.

import { computed, signal } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import { sentence } from "../api";
import { Button, IconButton, Meter } from "../parts/button";
import { currentJob, ended } from "../state/jobs";
import { after, again, allow, before, type Layer } from "../state/preview";
import { chosen, drawing, remove, steps } from "../state/recipe";
import { byName, say } from "../state/session";
import { matches } from "../state/workbench";
import type { Quality } from "../types";
import { QUALITY_WORDS, seconds } from "../words";
import { CropBox } from "./crop";
import { Divider } from "./divider";
import { Loupe } from "./loupe";
import { place, type Box } from "./placement";
import type { Frame, Scene } from "./scene";
import type { TileProblem } from "./tiles";
import { Veil } from "./veil";

export const frame = signal<Frame | null>(null);
const quality = signal<Quality | null>(null);
const busy = signal(false);
const divider = signal(0.5);
const loupe = signal(false);

export const overLayer = computed<Layer | null>(() => (after.value.state === "ready" ? after.value.layer : null));
export const overBox = computed<Box | null>(() => {
  const layer = overLayer.value;
  const base = before.value?.view;
  if (!layer || !base) return null;
  const chain = layer.kind === "result" ? currentJob.value?.operations ?? [] : layer.chain;
  return place(chain, base, layer.view);
});

/** Why a part of the picture cannot be decoded, which no further try changes. */
const damage = signal<string | null>(null);

function failed({ status, code, said }: TileProblem): void {
  if (status === 412) return again();
  if (code === "DamagedImage") damage.value = sentence(said);
  else say("A part of the picture could not be made. Zoom or move to try again.", "problem");
}

function useScene(stage: { current: HTMLDivElement | null }) {
  const [scene, setScene] = useState<Scene | null>(null);
  useEffect(() => {
    let gone = false;
    let made: Scene | null = null;
    void import("./scene").then(({ Scene: Made }) => {
      if (gone || !stage.current) return;
      made = new Made(stage.current, {
        frame: (next) => (frame.value = next),
        quality: (next) => (quality.value = next),
        busy: (next) => (busy.value = next),
        failed,
      });
      setScene(made);
    }, () => say("The viewer could not be loaded. Check your connection and load the page again.", "problem"));
    return () => {
      gone = true;
      made?.destroy();
      frame.value = null;
      damage.value = null;
    };
  }, []);
  return scene;
}

export function Viewer() {
  const stage = useRef<HTMLDivElement>(null);
  const scene = useScene(stage);
  const original = before.value;
  const over = overLayer.value;
  const box = overBox.value;
  const cropping = drawing.value !== null;
  const comparing = over !== null && !cropping && damage.value === null;
  useEffect(() => {
    if (scene && original) scene.showOriginal(original);
  }, [scene, original]);
  useEffect(() => {
    if (scene && original) scene.showOver(over, box);
  }, [scene, original, over, JSON.stringify(box)]);
  useEffect(() => scene?.cut(comparing ? divider.value : null), [scene, comparing, divider.value]);
  return (
    <div class="viewer">
      <div ref={stage} class="canvas" />
      {frame.value && <RunningVeil />}
      {comparing && frame.value && <Divider position={divider.value} right={over.kind === "result" ? "Result" : quality.value === null ? "Making the preview…" : "After"} onMove={(next) => (divider.value = next)} />}
      {cropping && frame.value && <Crop />}
      {loupe.value && frame.value && <Loupe layer={over ?? original} box={box} onClose={() => (loupe.value = false)} />}
      <Badges />
      <AfterNotice />
      {scene && original && <Tools scene={scene} />}
    </div>
  );
}

function RunningVeil() {
  const job = currentJob.value;
  if (!job || ended(job.state) || !matches(job)) return null;
  return <Veil job={job} />;
}

function Crop() {
  const step = steps.value.find((one) => one.key === drawing.value);
  const original = before.value;
  const base = overLayer.value?.view ?? original?.view;
  if (!step || !base || !original || !frame.value) return null;
  if (after.value.state === "loading") return null;
  const box = overBox.value ?? { x: 0, y: 0, width: original.view.width, height: original.view.height };
  return <CropBox step={step} frame={frame.value} box={box} size={base} />;
}

/** Says which operation would not show what it does at this size. */
function hidden(): string {
  const known = overLayer.value?.chain.map((item) => byName.value.get(Object.keys(item)[0] ?? ""));
  const name = known?.find((operation) => operation?.reduced === "never")?.label;
  return name ? `${QUALITY_WORDS.original.label}: ${name}` : QUALITY_WORDS.original.label;
}

function Badges() {
  const shown = quality.value && quality.value !== "exact" ? quality.value : null;
  const percent = frame.value ? frame.value.scale * (window.devicePixelRatio || 1) * 100 : null;
  return (
    <div class="badges">
      {overLayer.value?.kind === "preview" && quality.value === "exact" && <span class="badge exact" title={QUALITY_WORDS.exact.help}>Exact preview</span>}
      {shown && <span class={`badge ${shown}`} title={QUALITY_WORDS[shown].help}>{shown === "original" ? hidden() : QUALITY_WORDS[shown].label}</span>}
      {percent !== null && <span class="badge zoom">{percent >= 10 ? Math.round(percent) : percent.toPrecision(2)} %</span>}
      {busy.value && <span class="badge working" role="status">Loading…</span>}
    </div>
  );
}

function AfterNotice() {
  const state = after.value;
  if (damage.value) return <div class="float problem" role="alert"><p><strong>The image is damaged.</strong> {damage.value}</p></div>;
  if (state.state === "ask") {
    return (
      <div class="float">
        <p>This preview takes a while: about {seconds(state.milliseconds / 1000)} for each part.</p>
        <Button kind="primary" small icon="play" onClick={allow}>Show preview</Button>
      </div>
    );
  }
  if (state.state === "preparing") return <div class="float"><p>Preparing the result's view: {Math.round(state.progress)} %</p><Meter value={state.progress} label="Preparing the result's view" /></div>;
  if (state.state === "loading") return <div class="float slim" role="status"><p>Making the preview…</p></div>;
  if (state.state !== "error") return null;
  const last = steps.value.at(-1);
  return (
    <div class="float problem" role="alert">
      <p><strong>No preview.</strong> {state.message}</p>
      <div class="row">
        <Button small icon="retry" onClick={again}>Try again</Button>
        {last && <Button small kind="quiet" onClick={() => { remove(last.key); chosen.value = steps.value.at(-1)?.key ?? null; }}>Remove the last operation</Button>}
      </div>
    </div>
  );
}

function Tools({ scene }: { scene: Scene }) {
  return (
    <div class="tools" role="toolbar" aria-label="Viewer">
      <IconButton icon="plus" label="Zoom in" onClick={() => scene.zoomBy(1.6)} />
      <IconButton icon="minus" label="Zoom out" onClick={() => scene.zoomBy(1 / 1.6)} />
      <IconButton icon="fit" label="Show all of the image" onClick={() => scene.home()} />
      <button type="button" class="icon-button ratio" aria-label="1:1, actual size" title="Actual size, one to one" onClick={() => scene.actualSize()}>1:1</button>
      <IconButton icon="loupe" label="Exact loupe, one to one" pressed={loupe.value} onClick={() => (loupe.value = !loupe.value)} />
    </div>
  );
}
