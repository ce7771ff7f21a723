//! The first part of the panel: Upload, images in the bucket, uploads under way, and the open image's facts.

import { signal } from "@preact/signals";
import { useId } from "preact/hooks";
import { Button, IconButton, Meter } from "../parts/button";
import { Icon } from "../parts/icons";
import { open } from "../state/image";
import { abandon, again, cancel, pause, unfinished, upload, uploads, type Unfinished, type Upload } from "../state/uploads";
import { bytes, describe, dimensions, megapixels, seconds } from "../words";

export const browsing = signal(false);

/** The browser's own file chooser behind a button of ours. */
export function UploadButton({ kind = "primary", label = "Upload" }: { kind?: "primary" | "plain"; label?: string }) {
  const id = useId();
  const choose = (event: Event) => {
    const input = event.currentTarget as HTMLInputElement;
    const files = [...(input.files ?? [])];
    input.value = "";
    void upload(files);
  };
  return (
    <>
      <input id={id} class="file-input" type="file" multiple accept="image/*,.tif,.tiff,.svs" aria-label="Choose image files" tabIndex={-1} onChange={choose} />
      <Button kind={kind} icon="upload" onClick={() => document.getElementById(id)?.click()}>{label}</Button>
    </>
  );
}

export function SourceSection() {
  const state = open.value;
  const image = state.state === "ready" ? state.image : null;
  return (
    <section class="section" aria-labelledby="source-title">
      <h2 id="source-title" class="section-title">Image</h2>
      {image ? (
        <div class="source">
          <strong class="source-name" title={image.uri}>{image.name}</strong>
          <span class="quiet">{dimensions(image.width, image.height)} · {megapixels(image.width, image.height)}</span>
          <span class="quiet">{describe(image)} · {bytes(image.size)}</span>
        </div>
      ) : (
        state.state === "none" && <p class="quiet">TIFF, PNG, JPEG or WebP, of any size.</p>
      )}
      <div class="row">
        <UploadButton kind={image ? "plain" : "primary"} />
        <Button kind="quiet" icon="bucket" onClick={() => (browsing.value = true)}>From the bucket</Button>
      </div>
      <UploadList />
    </section>
  );
}

function UploadList() {
  const waiting = unfinished.value.filter((entry) => !uploads.value.some((upload) => upload.name === entry.name && upload.size === entry.size));
  if (!uploads.value.length && !waiting.length) return null;
  return (
    <ul class="uploads" aria-label="Uploads">
      {uploads.value.map((upload) => <UploadItem key={upload.id} upload={upload} />)}
      {waiting.map((entry) => <UnfinishedItem key={entry.uploadId} entry={entry} />)}
    </ul>
  );
}

function progressText(upload: Upload): string {
  const share = `${bytes(upload.sent)} of ${bytes(upload.size)}`;
  switch (upload.state) {
    case "starting": return "Starting…";
    case "paused": return `Paused at ${share}`;
    case "finishing": return "Finishing…";
    case "failed": return upload.message ?? "Failed";
    case "sending": return upload.speed > 0 ? `${share}, ${bytes(upload.speed)}/s, ${seconds((upload.size - upload.sent) / upload.speed)} left` : share;
  }
}

function UploadItem({ upload }: { upload: Upload }) {
  const percent = (100 * upload.sent) / Math.max(1, upload.size);
  const failed = upload.state === "failed";
  return (
    <li class={failed ? "upload failed" : "upload"}>
      <div class="upload-head">
        <span class="upload-name">{upload.name}</span>
        {failed ? !upload.refused && <IconButton icon="retry" label={`Retry the upload of ${upload.name}`} onClick={() => void again(upload.id)} /> : (
          <IconButton icon={upload.state === "paused" ? "play" : "pause"} label={`${upload.state === "paused" ? "Resume" : "Pause"} the upload of ${upload.name}`} disabled={upload.state === "finishing" || upload.state === "starting"} onClick={() => void pause(upload.id)} />
        )}
        <IconButton icon="close" label={failed ? `Dismiss ${upload.name}` : `Cancel the upload of ${upload.name}`} onClick={() => void cancel(upload.id)} />
      </div>
      {!failed && <Meter value={percent} label={`Upload of ${upload.name}`} />}
      <span class={failed ? "upload-text problem" : "upload-text"} role={failed ? "alert" : undefined}>{progressText(upload)}</span>
      {upload.resumed && !failed && <span class="upload-text">Going on from where it stopped.</span>}
    </li>
  );
}

function UnfinishedItem({ entry }: { entry: Unfinished }) {
  return (
    <li class="upload">
      <div class="upload-head">
        <Icon name="clock" size={16} />
        <span class="upload-name">{entry.name}</span>
        <IconButton icon="close" label={`Give up the upload of ${entry.name}`} onClick={() => void abandon(entry)} />
      </div>
      <span class="upload-text">This upload was interrupted after {bytes(entry.sent)} of {bytes(entry.size)}. Choose the same file again, and only what is missing is sent.</span>
    </li>
  );
}
