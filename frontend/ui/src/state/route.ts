//! The page's address: which view, image, chain, format and job. The whole state that a link or a reload keeps.

import { signal } from "@preact/signals";

export type ViewName = "image" | "jobs" | "system";

export interface Route {
  view: ViewName;
  image: string | null;
  chain: string | null;
  format: string | null;
  options: string | null;
  job: string | null;
}

const KEYS = ["image", "chain", "format", "options", "job"] as const;

export function parse(hash: string): Route {
  const search = new URLSearchParams(hash.replace(/^#/, ""));
  const view = search.get("view");
  return {
    view: view === "jobs" || view === "system" ? view : "image",
    image: search.get("image"),
    chain: search.get("chain"),
    format: search.get("format"),
    options: search.get("options"),
    job: search.get("job"),
  };
}

export function format(route: Route): string {
  const search = new URLSearchParams();
  if (route.view !== "image") search.set("view", route.view);
  for (const key of KEYS) if (route[key]) search.set(key, route[key]);
  const text = search.toString();
  return text ? `#${text}` : "#";
}

export const route = signal<Route>(parse(location.hash));

/** Notes the state in the address without a step in the history. */
export function note(change: Partial<Route>): void {
  const next = { ...route.peek(), ...change };
  const hash = format(next);
  if (hash === format(route.peek())) return;
  history.replaceState(null, "", hash);
  route.value = next;
}

/** Goes somewhere: a step that the browser's Back undoes. */
export function go(change: Partial<Route>): void {
  const next = { ...route.peek(), ...change };
  const hash = format(next);
  if (hash === format(route.peek())) return;
  history.pushState(null, "", hash);
  route.value = next;
}

export function listen(changed: () => void): void {
  window.addEventListener("popstate", () => {
    route.value = parse(location.hash);
    changed();
  });
}
