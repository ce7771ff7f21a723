//! The third part of the panel: the result's format, what it will cost, Convert and Download.

import { useState } from "preact/hooks";
import { Options } from "../controls/options";
import { Button } from "../parts/button";
import { Dialog } from "../parts/dialog";
import { Prose } from "../parts/prose";
import { open } from "../state/image";
import { current, currentJob, ended, start } from "../state/jobs";
import { planned, request } from "../state/plan";
import { chooseFormat, drawing, format, options, outputKind } from "../state/recipe";
import { config, copy } from "../state/session";
import { matches } from "../state/workbench";
import { resultUrl } from "../api";
import type { Plan } from "../types";
import { bytes, dimensions, seconds } from "../words";
import { JobCard } from "./job";

export function ConvertSection() {
  const outputs = config.value?.outputs ?? [];
  const kind = outputKind.value;
  return (
    <section class="section" aria-labelledby="convert-title">
      <h2 id="convert-title" class="section-title">Result</h2>
      <div class="field">
        <label class="label" for="format">Format</label>
        <select id="format" class="select" aria-describedby="format-help" value={format.value} onChange={(event) => chooseFormat(event.currentTarget.value)}>
          {outputs.map((output) => <option key={output.name} value={output.name}>{output.label}</option>)}
        </select>
        {kind?.help && <p class="help" id="format-help"><Prose text={kind.help} /></p>}
      </div>
      {kind && <Options kind={kind} values={options.value} onChange={(name, value) => (options.value = { ...options.value, [name]: value })} />}
    </section>
  );
}

/** Stays in sight at the panel's foot. */
export function Actions() {
  const [yaml, setYaml] = useState(false);
  const state = planned.value;
  const plan = state.state === "ready" ? state.plan : state.state === "asking" ? state.last : null;
  const job = currentJob.value;
  const busy = job !== null && matches(job) && !ended(job.state);
  const done = job !== null && job.state === "Complete" && job.output.image !== null;
  const finished = done && matches(job);
  const convert = async () => {
    drawing.value = null;
    if (request.value) await start(request.value);
  };
  return (
    <div class="actions">
      {current.value && job && <JobCard job={job} />}
      {busy || finished ? <p id="expected" class="visually-hidden">{busy ? "The job is at work." : "The result is ready."}</p> : <Expected />}
      <div class="action-row">
        <Button kind={finished ? "plain" : "primary"} disabled={!request.value || state.state === "refused" || busy} describedBy="expected" onClick={() => void convert()}>Convert</Button>
        {done ? (
          <a class={`button ${finished ? "primary" : "plain"}`} href={resultUrl(job.name)} download={job.output.name}><span>Download</span></a>
        ) : (
          <Button disabled describedBy="expected">Download</Button>
        )}
        <Button kind="quiet" icon="code" disabled={!plan} onClick={() => setYaml(true)}>YAML</Button>
      </div>
      {yaml && plan && <YamlDialog plan={plan} onClose={() => setYaml(false)} />}
    </div>
  );
}

function Expected() {
  const state = planned.value;
  const plan = state.state === "ready" ? state.plan : state.state === "asking" ? state.last : null;
  if (state.state === "refused") return <p id="expected" class="expected problem" role="alert">{state.message}</p>;
  const image = open.value;
  if (image.state !== "ready") return <p id="expected" class="expected">Convert and Download wait for an image.</p>;
  if (!plan) return <p id="expected" class="expected">Working out size and time…</p>;
  const resized = plan.width !== image.image.width || plan.height !== image.image.height;
  return (
    <p id="expected" class={state.state === "asking" ? "expected stale" : "expected"}>
      About <strong>{bytes(plan.bytes)}</strong> in <strong>{seconds(plan.seconds)}</strong> by {plan.workers} {plan.workers === 1 ? "worker" : "workers"}{resized && `, ${dimensions(plan.width, plan.height)}`}
    </p>
  );
}

function YamlDialog({ plan, onClose }: { plan: Plan; onClose: () => void }) {
  return (
    <Dialog title="The same by kubectl" wide onClose={onClose}>
      <p class="help">Convert makes this ImageJob. Anybody with access to the cluster can apply it by hand.</p>
      <CopyBlock text={plan.yaml} what="YAML" />
      <CopyBlock text={plan.kubectl} what="kubectl line" />
    </Dialog>
  );
}

export function CopyBlock({ text, what }: { text: string; what: string }) {
  return (
    <div class="code-block">
      <pre tabIndex={0} role="group" aria-label={what}><code>{text}</code></pre>
      <Button small icon="copy" onClick={() => void copy(text, what)}>Copy</Button>
    </div>
  );
}
