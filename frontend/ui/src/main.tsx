//! Starts the page: configuration first, then what the address says, then the live events.

import { effect } from "@preact/signals";
import { render } from "preact";
import { App } from "./app";
import { listen as listenToJobs } from "./state/jobs";
import { open } from "./state/image";
import { listen as listenToAddress, route } from "./state/route";
import { load } from "./state/session";
import { keepAddress, restore } from "./state/workbench";
import "./state/plan";
import "./state/preview";

const root = document.getElementById("app");
if (root) render(<App />, root);

void load().then(() => {
  restore();
  keepAddress();
  listenToAddress(restore);
  listenToJobs();
});

effect(() => {
  const name = route.value.view === "jobs" ? "Jobs" : route.value.view === "system" ? "System" : open.value.state === "ready" ? open.value.image.name : "";
  document.title = name ? `${name} – Tessera` : "Tessera";
});
