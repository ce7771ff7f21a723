//! The large part of the page: a place to drop files, then the image; and what stands there while it is not ready.

import { useEffect, useRef, useState } from "preact/hooks";
import { Button, Meter, Notice } from "../parts/button";
import { Icon } from "../parts/icons";
import { browsing, UploadButton } from "../panel/source";
import { close, idOf, open, show } from "../state/image";
import { note } from "../state/route";
import { again, before, beforeProblem } from "../state/preview";
import { jobs } from "../state/jobs";
import { openJob } from "../state/workbench";
import { config } from "../state/session";
import { upload, uploads } from "../state/uploads";
import { bytes } from "../words";
import { StateChip } from "../panel/job";
import { Viewer } from "./viewer";

/** Files can be dropped anywhere on the page. */
export function useDrop(): boolean {
  const [over, setOver] = useState(false);
  useEffect(() => {
    let depth = 0;
    const carries = (event: DragEvent) => [...(event.dataTransfer?.types ?? [])].includes("Files");
    const listeners: Record<string, (event: DragEvent) => void> = {
      dragenter: (event) => { if (carries(event)) { depth += 1; setOver(true); } },
      dragleave: (event) => { if (carries(event) && --depth <= 0) { depth = 0; setOver(false); } },
      dragover: (event) => carries(event) && event.preventDefault(),
      drop: (event) => {
        if (!carries(event)) return;
        event.preventDefault();
        depth = 0;
        setOver(false);
        void upload(event.dataTransfer?.files ?? []);
      },
    };
    for (const [name, listener] of Object.entries(listeners)) window.addEventListener(name, listener as EventListener);
    return () => {
      for (const [name, listener] of Object.entries(listeners)) window.removeEventListener(name, listener as EventListener);
    };
  }, []);
  return over;
}

export function Stage() {
  const over = useDrop();
  return (
    <div class={over ? "stage over" : "stage"}>
      <StageContent />
      {over && <div class="drop-veil" aria-hidden="true"><Icon name="upload" size={40} /><span>Drop to upload</span></div>}
    </div>
  );
}

function StageContent() {
  const state = open.value;
  switch (state.state) {
    case "none": return uploads.value.length ? <Arriving /> : <Welcome />;
    case "loading": return <div class="loading" role="status"><span class="spinner" />Opening the image…</div>;
    case "error": return (
      <Notice icon="alert" title="This image cannot be opened" tone="problem">
        <p>{state.message}</p>
        <div class="row centre">
          <Button icon="retry" onClick={() => void show(state.id)}>Try again</Button>
          <Button kind="quiet" onClick={() => { close(); note({ image: null }); }}>Choose another</Button>
        </div>
      </Notice>
    );
    case "ready": return <Opened />;
  }
}

function Opened() {
  const state = open.value;
  if (state.state !== "ready") return null;
  const { view, name } = state.image;
  if (view.state === "preparing") {
    return (
      <Notice icon="image" title={`Preparing view ${Math.round(view.progress)} %`}>
        <Meter value={view.progress} label="Preparing the view" />
        <p>{name} has no smaller copies of itself, so one is made for looking at it. You can choose operations and press Convert meanwhile.</p>
      </Notice>
    );
  }
  if (view.state === "failed") {
    return (
      <Notice icon="alert" title="No view of this image" tone="problem">
        <p>{view.message}</p>
        <div class="row centre"><Button icon="retry" onClick={() => { const id = idOf(open.value); close(); if (id) void show(id); }}>Try again</Button></div>
      </Notice>
    );
  }
  if (beforeProblem.value && !before.value) {
    return (
      <Notice icon="alert" title="The viewer does not answer" tone="problem">
        <p>{beforeProblem.value}</p>
        <div class="row centre"><Button icon="retry" onClick={again}>Try again</Button></div>
      </Notice>
    );
  }
  return <Viewer key={state.image.id} />;
}

function Arriving() {
  const first = uploads.value[0];
  if (!first) return null;
  const percent = (100 * first.sent) / Math.max(1, first.size);
  if (first.state === "failed") return (
    <Notice icon="alert" title={`${first.name} was not uploaded`}><p>{first.message}</p><div class="row centre"><UploadButton label="Upload another file" /></div></Notice>
  );
  return (
    <div class="arriving">
      {first.picture && <Glance picture={first.picture} />}
      <Notice icon={first.state === "paused" ? "pause" : "upload"} title={`${first.state === "paused" ? "Paused: " : "Uploading "}${first.name}`}>
        <Meter value={percent} label="Upload" />
        <p>{bytes(first.sent)} of {bytes(first.size)}. Meanwhile you can choose what is to be done.</p>
      </Notice>
    </div>
  );
}

function Glance({ picture }: { picture: ImageBitmap }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    if (!canvas.current) return;
    canvas.current.width = picture.width;
    canvas.current.height = picture.height;
    canvas.current.getContext("2d")?.drawImage(picture, 0, 0);
  }, [picture]);
  return <canvas ref={canvas} class="glance" role="img" aria-label="The image that is being uploaded" />;
}

function Welcome() {
  const recent = [...jobs.value.values()].sort((a, b) => (a.created < b.created ? 1 : -1)).slice(0, 3);
  return (
    <div class="welcome">
      <div class="drop">
        <div class="mosaic" aria-hidden="true">{Array.from({ length: 12 }, (_, index) => <i key={index} />)}</div>
        <h1>Drop an image here</h1>
        <p>Of any size: a photograph, a slide, a satellite picture. See every operation on it before you convert it.</p>
        <div class="row centre">
          <UploadButton label="Upload" />
          <Button kind="plain" icon="bucket" onClick={() => (browsing.value = true)}>Use an image that is already in the bucket</Button>
        </div>
        {config.value && <p class="quiet small">TIFF, PNG, JPEG, WebP; uploads up to {bytes(config.value.limits.uploadBytes)}.</p>}
      </div>
      {recent.length > 0 && (
        <section class="recent" aria-labelledby="recent-title">
          <h2 id="recent-title" class="section-title">Recent jobs</h2>
          <ul>
            {recent.map((job) => (
              <li key={job.name}><button type="button" class="recent-job" onClick={() => void openJob(job.name)}><span>{job.title}</span><StateChip job={job} /></button></li>
            ))}
          </ul>
        </section>
      )}
    </div>
  );
}
