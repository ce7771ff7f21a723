//! Starts the page: configuration first, then what the address says, then the live events.

import { render } from "preact";
import { App } from "./app";
import { listen as listenToJobs } from "./state/jobs";
import { listen as listenToAddress } from "./state/route";
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
