//! The recipe: the chain of operations with their parameters, and the output's format. Knows the declarations, not the server.

import { computed, signal } from "@preact/signals";
import type { Chain, Operation, OutputKind, Parameter, Parameters } from "../types";
import { byName, config } from "./session";

export interface Step { key: number; name: string; values: Parameters }

export const steps = signal<Step[]>([]);
/** The step whose parameters are open. */
export const chosen = signal<number | null>(null);
/** The step whose rectangle is being drawn on the image. */
export const drawing = signal<number | null>(null);
export const format = signal("png");
export const options = signal<Parameters>({});

let lastKey = 0;

export function initial(parameter: Parameter): unknown {
  if (parameter.suggested !== undefined && parameter.suggested !== null) return parameter.suggested;
  if (parameter.default !== undefined && parameter.default !== null) return parameter.default;
  if (!parameter.required) return undefined;
  return parameter.control === "choice" ? parameter.choices?.[0] : parameter.minimum ?? 0;
}

function initialValues(operation: Operation): Parameters {
  const values: Parameters = {};
  for (const parameter of operation.parameters) {
    const value = initial(parameter);
    if (value !== undefined) values[parameter.name] = value;
  }
  return values;
}

/** The key that the next step gets: a card that waits for its operation has it already, and so keeps its place and focus. */
export function nextKey(): number {
  return lastKey + 1;
}

function makeStep(name: string, values?: Parameters, key = ++lastKey): Step {
  const operation = byName.peek().get(name);
  return { key, name, values: { ...(operation && !values ? initialValues(operation) : {}), ...values } };
}

function same(left: unknown, right: unknown): boolean {
  return JSON.stringify(left) === JSON.stringify(right);
}

/** Parameters as an ImageJob has them: what equals its default is left out, so that links and YAML stay short. */
export function sent(step: Step): Parameters {
  const operation = byName.value.get(step.name);
  const result: Parameters = {};
  for (const [name, value] of Object.entries(step.values)) {
    const parameter = operation?.parameters.find((candidate) => candidate.name === name);
    if (value === undefined || value === null || value === "") continue;
    if (parameter && !parameter.required && same(parameter.default, value)) continue;
    result[name] = value;
  }
  return result;
}

export const chain = computed<Chain>(() => steps.value.map((step) => ({ [step.name]: sent(step) })));
/** What the viewer shows: while a rectangle is drawn, the chain up to it. */
export const shown = computed<Chain>(() => {
  const index = steps.value.findIndex((step) => step.key === drawing.value);
  return index < 0 ? chain.value : chain.value.slice(0, index);
});

export function add(name: string): void {
  const step = makeStep(name);
  steps.value = [...steps.value, step];
  open(step);
}

export function replace(key: number, name: string): void {
  const step = makeStep(name, undefined, key);
  steps.value = steps.value.map((old) => (old.key === key ? step : old));
  open(step);
}

function open(step: Step): void {
  chosen.value = step.key;
  drawing.value = byName.peek().get(step.name)?.drawn === "rectangle" ? step.key : null;
}

export function remove(key: number): void {
  const rest = steps.value.filter((step) => step.key !== key);
  if (!rest.length) lastKey = key - 1;
  steps.value = rest;
  if (drawing.value === key) drawing.value = null;
  if (chosen.value === key) chosen.value = steps.value.at(-1)?.key ?? null;
}

export function move(key: number, to: number): void {
  const from = steps.value.findIndex((step) => step.key === key);
  const target = Math.max(0, Math.min(steps.value.length - 1, to));
  if (from < 0 || from === target) return;
  const next = [...steps.value];
  const [step] = next.splice(from, 1);
  if (step) next.splice(target, 0, step);
  steps.value = next;
}

export function set(key: number, values: Parameters): void {
  steps.value = steps.value.map((step) => (step.key === key ? { ...step, values: { ...step.values, ...values } } : step));
}

/** Takes a chain from a link or a job. What this server does not know is kept; the server will say so. */
export function take(next: Chain): void {
  if (same(next, chain.peek())) return;
  steps.value = next.flatMap((item) => Object.entries(item).slice(0, 1).map(([name, values]) => makeStep(name, values ?? {})));
  chosen.value = steps.value.at(-1)?.key ?? null;
  drawing.value = null;
}

export function readChain(text: string | null): Chain | null {
  if (!text) return null;
  try {
    const value: unknown = JSON.parse(text);
    if (!Array.isArray(value)) return null;
    return value.every((item) => item && typeof item === "object" && Object.keys(item).length === 1) ? (value as Chain) : null;
  } catch {
    return null;
  }
}

export const outputKind = computed<OutputKind | undefined>(() => config.value?.outputs.find((kind) => kind.name === format.value));
/** Options without those that equal their defaults. */
export const outputOptions = computed<Parameters>(() => {
  const properties = outputKind.value?.schema.properties ?? {};
  return Object.fromEntries(Object.entries(options.value).filter(([name, value]) => name in properties && value !== undefined && !same(properties[name]?.default, value)));
});

export function chooseFormat(name: string): void {
  format.value = name;
  options.value = {};
}
