//! The cluster at a glance: slots, queue, speed, nodes, and what the workers use.

import { useEffect } from "preact/hooks";
import { sentence } from "../api";
import { Icon } from "../parts/icons";
import { live, system } from "../state/jobs";
import { attempt, config } from "../state/session";
import { bytes, contactLink } from "../words";

export function SystemView() {
  useEffect(() => {
    if (!system.peek()) void attempt(async () => (system.value = (await (await fetch("/api/v1/system")).json()) ?? null));
  }, []);
  const now = system.value;
  return (
    <div class="page">
      <header class="page-head"><h1>System</h1><span class={`live ${live.value}`} role="status">{live.value === "live" ? "Live" : live.value === "lost" ? "Connecting again…" : "Connecting…"}</span></header>
      {now && (now.message || !now.ready) && <p class="banner warn" role="status"><Icon name="alert" size={18} />{now.message ? sentence(now.message) : "The pool of workers is not ready."}</p>}
      {now ? <Facts now={now} /> : <div class="skeletons" role="status" aria-label="Loading"><div class="skeleton tall" /><div class="skeleton tall" /></div>}
      <About />
    </div>
  );
}

function Facts({ now }: { now: NonNullable<typeof system.value> }) {
  return (
    <dl class="facts">
      <div class="fact wide">
        <dt>Slots <span class="quiet">(workers at once)</span></dt>
        <dd>{now.used} <span class="quiet">of {now.slots} used</span></dd>
        <dd class="slots" aria-hidden="true">{Array.from({ length: Math.min(64, now.slots) }, (_, index) => <i key={index} class={index < now.used ? "used" : ""} />)}</dd>
      </div>
      <Fact name="Speed" value={now.throughput >= 10 || now.throughput === 0 ? String(Math.round(now.throughput)) : now.throughput.toFixed(1)} unit="megapixels a second" />
      <Fact name="Waiting jobs" value={String(now.waiting)} unit={`${now.queueDepth} ${now.queueDepth === 1 ? "shard" : "shards"} in the queue`} />
      <Fact name="Workers" value={String(now.workers)} unit={now.workers === 0 ? "none at work" : now.nodes === null ? "" : `on ${now.nodes} ${now.nodes === 1 ? "node" : "nodes"}`} />
      <Fact name="Processor" value={now.cpu === null ? "–" : now.cpu.toFixed(1)} unit={now.cpu === null ? "not measured here" : "cores used by workers"} />
      <Fact name="Memory" value={now.memory === null ? "–" : bytes(now.memory)} unit={now.memory === null ? "not measured here" : "used by workers"} />
    </dl>
  );
}

function Fact({ name, value, unit }: { name: string; value: string; unit: string }) {
  return <div class="fact"><dt>{name}</dt><dd>{value}</dd><dd class="unit">{unit}</dd></div>;
}

function About() {
  const settings = config.value;
  if (!settings) return null;
  return (
    <section class="about" aria-labelledby="about-title">
      <h2 id="about-title" class="section-title">About</h2>
      <p class="quiet">Tessera {settings.version}, pool “{settings.pool}” in namespace “{settings.namespace}”. All this page does can be done without it: see <a class="link" href="/api/v1/openapi.json">the API's description</a>.</p>
      <p class="row">
        {settings.help && <a class="link" href={settings.help} target="_blank" rel="noreferrer">Help</a>}
        {settings.contact && <a class="link" href={contactLink(settings.contact)}>Contact</a>}
      </p>
    </section>
  );
}
