//! What the server says once: its configuration and the operations. Also short messages to the person.

import { computed, signal } from "@preact/signals";
import { api, messageOf } from "../api";
import type { Config, Operation } from "../types";

export const config = signal<Config | null>(null);
export const operations = signal<Operation[]>([]);
export const trouble = signal<string | null>(null);

export const byName = computed(() => new Map(operations.value.map((operation) => [operation.name, operation])));

/** Loads both; on failure the page says so, and tries again by itself. */
export async function load(): Promise<void> {
  try {
    const [settings, catalog] = await Promise.all([api.config(), api.operations()]);
    operations.value = catalog.operations;
    config.value = settings;
    trouble.value = null;
  } catch (problem) {
    trouble.value = messageOf(problem);
    await new Promise((resume) => setTimeout(resume, 4000));
    return load();
  }
}

export interface Toast { id: number; text: string; kind: "note" | "problem" }
export const toasts = signal<Toast[]>([]);
let lastToast = 0;

export function say(text: string, kind: Toast["kind"] = "note"): void {
  const id = ++lastToast;
  toasts.value = [...toasts.value.filter((toast) => toast.text !== text), { id, text, kind }].slice(-3);
  if (kind === "note") setTimeout(() => dismiss(id), 5000);
}

export function dismiss(id: number): void {
  toasts.value = toasts.value.filter((toast) => toast.id !== id);
}

/** Runs an action; what goes wrong is said. */
export async function attempt(action: () => Promise<unknown>): Promise<boolean> {
  try {
    await action();
    return true;
  } catch (problem) {
    say(messageOf(problem), "problem");
    return false;
  }
}

/** One live region for what a screen reader should hear. */
export const spoken = signal("");

export async function copy(text: string, what: string): Promise<void> {
  await attempt(async () => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      throw new Error(`The browser does not let the page copy. Select the ${what} and copy it by hand.`);
    }
    say(`Copied the ${what}.`);
  });
}
