//! "Use an image that is already in the bucket": own uploads, folders, or an address typed by hand.

import { useEffect, useState } from "preact/hooks";
import { api, messageOf } from "../api";
import { browsing } from "../panel/source";
import { Button, IconButton } from "../parts/button";
import { Dialog } from "../parts/dialog";
import { Icon } from "../parts/icons";
import { Thumb } from "../parts/thumb";
import { show } from "../state/image";
import { current } from "../state/jobs";
import { go } from "../state/route";
import { attempt } from "../state/session";
import type { Bucket, ImageSummary } from "../types";
import { ago, bytes } from "../words";

function pick(id: string): void {
  browsing.value = false;
  current.value = null;
  go({ view: "image", image: id, job: null });
  void show(id);
}

export function BucketDialog() {
  const [tab, setTab] = useState<"mine" | "bucket">("bucket");
  if (!browsing.value) return null;
  return (
    <Dialog title="Choose an image" wide onClose={() => (browsing.value = false)}>
      <div class="tabs" role="tablist" aria-label="Where from">
        <Tab id="bucket" now={tab} onPick={setTab}>In the bucket</Tab>
        <Tab id="mine" now={tab} onPick={setTab}>My uploads</Tab>
      </div>
      <div role="tabpanel" id="tab-panel" aria-labelledby={`tab-${tab}`} class="tab-panel">
        {tab === "mine" ? <Mine /> : <Folders />}
      </div>
      <AddressForm />
    </Dialog>
  );
}

function Tab({ id, now, onPick, children }: { id: "mine" | "bucket"; now: string; onPick: (id: "mine" | "bucket") => void; children: string }) {
  const other = id === "mine" ? "bucket" : "mine";
  const keys = (event: KeyboardEvent) => {
    if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
    onPick(other);
    document.getElementById(`tab-${other}`)?.focus();
  };
  return <button type="button" role="tab" id={`tab-${id}`} class="tab" aria-selected={now === id} aria-controls="tab-panel" tabIndex={now === id ? 0 : -1} onClick={() => onPick(id)} onKeyDown={keys}>{children}</button>;
}

function Mine() {
  const [images, setImages] = useState<ImageSummary[] | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  useEffect(() => {
    api.images().then((answer) => setImages(answer.images), (error: unknown) => setProblem(messageOf(error)));
  }, []);
  const remove = (image: ImageSummary) => attempt(async () => {
    await api.removeImage(image.id);
    setImages((old) => old?.filter((other) => other.id !== image.id) ?? null);
  });
  if (problem) return <p class="problem" role="alert">{problem}</p>;
  if (!images) return <Skeleton />;
  if (!images.length) return <p class="quiet centre-text">You have not uploaded anything yet.</p>;
  return <ul class="files">{images.map((image) => <FileRow key={image.id} image={image} onRemove={() => void remove(image)} />)}</ul>;
}

function Skeleton() {
  return <div class="skeletons" role="status" aria-label="Loading">{[1, 2, 3].map((row) => <div key={row} class="skeleton" />)}</div>;
}

function Folders() {
  const [prefix, setPrefix] = useState("");
  const [page, setPage] = useState<Bucket | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  useEffect(() => {
    let gone = false;
    setPage(null);
    setProblem(null);
    api.bucket(prefix, null).then((answer) => gone || setPage(answer), (error: unknown) => gone || setProblem(messageOf(error)));
    return () => { gone = true; };
  }, [prefix]);
  const more = () => attempt(async () => {
    if (!page?.continue) return;
    const next = await api.bucket(prefix, page.continue);
    setPage({ ...next, prefixes: [...page.prefixes, ...next.prefixes], images: [...page.images, ...next.images] });
  });
  const up = parent(prefix);
  return (
    <>
      {prefix && <div class="crumbs"><IconButton icon="left" label="Up one folder" onClick={() => setPrefix(up)} /><code>{prefix}</code></div>}
      {problem && <p class="problem" role="alert">{problem}</p>}
      {!page && !problem && <Skeleton />}
      {page && !page.prefixes.length && !page.images.length && <p class="quiet centre-text">No images here. Upload one, or type the address of one below.</p>}
      {page && (
        <ul class="files">
          {page.prefixes.map((folder) => (
            <li key={folder}><button type="button" class="file" onClick={() => setPrefix(folder)}><Icon name="folder" size={22} /><span class="file-name">{leaf(folder)}</span></button></li>
          ))}
          {page.images.map((image) => <FileRow key={image.id} image={image} />)}
        </ul>
      )}
      {page?.continue && <Button kind="quiet" onClick={() => void more()}>Show more</Button>}
    </>
  );
}

export function parent(prefix: string): string {
  const [scheme, rest = ""] = prefix.includes("://") ? prefix.split("://") : ["", prefix];
  const parts = rest.replace(/\/$/, "").split("/").slice(0, -1);
  return parts.length ? `${scheme ? `${scheme}://` : ""}${parts.join("/")}/` : "";
}

function leaf(folder: string): string {
  const parts = folder.replace(/\/$/, "").split("/");
  return parts.at(-1) || folder;
}

function FileRow({ image, onRemove }: { image: ImageSummary; onRemove?: () => void }) {
  const [asking, setAsking] = useState(false);
  return (
    <li class="file-row">
      <button type="button" class="file" onClick={() => pick(image.id)}>
        <Thumb image={image.id} />
        <span class="file-name">{image.name}</span>
        <span class="quiet small">{bytes(image.size)} · {ago(image.modified, Date.now())}</span>
      </button>
      {onRemove && (asking ? <Button small kind="danger" onClick={onRemove}>Delete</Button> : <IconButton icon="bin" label={`Delete ${image.name}…`} onClick={() => setAsking(true)} />)}
    </li>
  );
}

function AddressForm() {
  const [uri, setUri] = useState("");
  const [problem, setProblem] = useState<string | null>(null);
  const submit = async (event: Event) => {
    event.preventDefault();
    setProblem(null);
    try {
      pick((await api.openUri(uri.trim())).id);
    } catch (error) {
      setProblem(messageOf(error));
    }
  };
  return (
    <form class="address" onSubmit={(event) => void submit(event)}>
      <label class="label" for="address">Or its address</label>
      <div class="row">
        <input id="address" class="text" type="text" placeholder="s3://images/slide.tif" spellcheck={false} autocomplete="off" aria-invalid={problem !== null} aria-describedby={problem ? "address-problem" : undefined} value={uri} onInput={(event) => setUri(event.currentTarget.value)} />
        <button type="submit" class="button plain" disabled={!uri.trim()}><span>Open</span></button>
      </div>
      {problem && <p id="address-problem" class="problem" role="alert">{problem}</p>}
    </form>
  );
}
