//! The page's frame: header, the view that is open, messages, and what a screen reader hears.

import { lazyView } from "./parts/lazy";
import { contactLink } from "./words";
import { Actions, ConvertSection } from "./panel/convert";
import { ChainSection } from "./panel/chain";
import { SourceSection } from "./panel/source";
import { IconButton } from "./parts/button";
import { Icon } from "./parts/icons";
import { live, running } from "./state/jobs";
import { go, route, type ViewName } from "./state/route";
import { config, dismiss, spoken, toasts, trouble } from "./state/session";
import { Stage } from "./viewer/stage";
import { BucketDialog } from "./views/bucket";

const Jobs = lazyView(() => import("./views/jobs").then((module) => module.JobsView));
const System = lazyView(() => import("./views/system").then((module) => module.SystemView));

export function App() {
  if (!config.value) return <Starting />;
  return (
    <>
      <a class="skip" href="#main" onClick={(event) => { event.preventDefault(); document.getElementById("main")?.focus(); }}>Skip to the content</a>
      <Header />
      {config.value.mode === "demo" && <aside class="banner demo" aria-label="Demonstration">This is a demonstration: everybody here is the same user, and sees the same images and jobs.</aside>}
      {live.value === "lost" && <p class="banner warn" role="status">The connection to the server was lost. Connecting again…</p>}
      <main id="main" tabIndex={-1} class={`main ${route.value.view}`}>
        {route.value.view === "jobs" ? <Jobs /> : route.value.view === "system" ? <System /> : <Workbench />}
      </main>
      <BucketDialog />
      <Toasts />
      <div class="visually-hidden" role="status" aria-live="polite">{spoken.value}</div>
    </>
  );
}

function Workbench() {
  return (
    <>
      <h1 class="visually-hidden">Convert an image</h1>
      <div class="panel">
        <div class="panel-scroll">
          <SourceSection />
          <ChainSection />
          <ConvertSection />
        </div>
        <Actions />
      </div>
      <Stage />
    </>
  );
}

const TABS: Array<{ view: ViewName; label: string }> = [{ view: "image", label: "Image" }, { view: "jobs", label: "Jobs" }, { view: "system", label: "System" }];

function Header() {
  const settings = config.value;
  const count = running.value;
  return (
    <header class="header">
      <span class="brand"><img src="/icon.svg" alt="Tessera" width="24" height="24" /><span aria-hidden="true">Tessera</span></span>
      <nav class="nav" aria-label="Views">
        {TABS.map(({ view, label }) => (
          <a key={view} href={view === "image" ? "#" : `#view=${view}`} aria-current={route.value.view === view ? "page" : undefined} onClick={(event) => { event.preventDefault(); go({ view }); }}>
            {label}
            {view === "jobs" && count > 0 && <span class="count" aria-label={`${count} not finished`}>{count}</span>}
          </a>
        ))}
      </nav>
      <span class="spacer" />
      {settings?.help && <a class="header-link" href={settings.help} target="_blank" rel="noreferrer">Help</a>}
      {settings?.contact && <a class="header-link" href={contactLink(settings.contact)}>Contact</a>}
      <span class="user" title={settings?.mode === "demo" ? "Demonstration: no sign-in" : "Signed in"}><span class="visually-hidden">Signed in as </span>{settings?.user.name}</span>
    </header>
  );
}

function Starting() {
  return (
    <main class="starting">
      <h1 class="brand large"><img src="/icon.svg" alt="" width="40" height="40" />Tessera</h1>
      {trouble.value ? <p class="problem" role="alert">{trouble.value}</p> : <p class="quiet" role="status"><span class="spinner" /> Loading…</p>}
    </main>
  );
}

function Toasts() {
  return (
    <div class="toasts" role="region" aria-label="Messages">
      {toasts.value.map((toast) => (
        <div key={toast.id} class={`toast ${toast.kind}`} role={toast.kind === "problem" ? "alert" : "status"}>
          <Icon name={toast.kind === "problem" ? "alert" : "check"} size={18} />
          <span>{toast.text}</span>
          <IconButton icon="close" label="Dismiss" onClick={() => dismiss(toast.id)} />
        </div>
      ))}
    </div>
  );
}
