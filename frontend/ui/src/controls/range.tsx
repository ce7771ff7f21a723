//! A range with a number beside it; both set the same value. Logarithmic where the declaration says so.

import { useEffect, useState } from "preact/hooks";
import { Field, type Described } from "./field";

interface Props extends Described {
  value: number | undefined;
  minimum: number;
  maximum: number;
  step?: number | undefined;
  logarithmic?: boolean | undefined;
  integer?: boolean;
  onChange: (value: number) => void;
}

const STEPS = 1000;

export function toPosition(value: number, minimum: number, maximum: number): number {
  return Math.round((STEPS * Math.log(value / minimum)) / Math.log(maximum / minimum));
}

export function fromPosition(position: number, minimum: number, maximum: number): number {
  const value = minimum * Math.pow(maximum / minimum, position / STEPS);
  const digits = Math.max(0, 2 - Math.floor(Math.log10(value)));
  return Number(value.toFixed(Math.min(3, digits)));
}

function stepOf({ step, integer, minimum, maximum }: Props): number {
  if (step) return step;
  if (integer) return 1;
  return maximum - minimum <= 2 ? 0.01 : 0.1;
}

export function Range(props: Props) {
  const { label, help, unit, value, minimum, maximum, logarithmic, integer, onChange } = props;
  const step = stepOf(props);
  const log = Boolean(logarithmic) && minimum > 0;
  const shown = value ?? minimum;
  const slide = (event: Event) => {
    const raw = Number((event.currentTarget as HTMLInputElement).value);
    const next = log ? fromPosition(raw, minimum, maximum) : raw;
    onChange(integer ? Math.round(next) : next);
  };
  return (
    <Field label={label} help={help ?? ""} unit={unit}>
      {(ids) => (
        <div class="range">
          <input
            type="range"
            aria-label={label}
            aria-valuetext={unit ? `${shown} ${unit}` : String(shown)}
            min={log ? 0 : minimum}
            max={log ? STEPS : maximum}
            step={log ? 1 : step}
            value={log ? toPosition(shown, minimum, maximum) : shown}
            onInput={slide}
          />
          <NumberBox id={ids.id} help={ids.help} value={value} minimum={minimum} maximum={maximum} step={step} onChange={onChange} />
        </div>
      )}
    </Field>
  );
}

interface BoxProps {
  id?: string;
  label?: string;
  help?: string | undefined;
  value: number | undefined;
  minimum?: number | undefined;
  maximum?: number | undefined;
  step?: number | "any";
  placeholder?: string;
  onChange: (value: number) => void;
  onEmpty?: () => void;
}

/** A number that may be half typed: it counts when it is one, within its bounds. */
export function NumberBox({ id, label, help, value, minimum, maximum, step, placeholder, onChange, onEmpty }: BoxProps) {
  const [text, setText] = useState(value === undefined ? "" : String(value));
  useEffect(() => {
    setText((old) => (old !== "" && Number(old) === value ? old : value === undefined ? "" : String(value)));
  }, [value]);
  const number = Number(text);
  const outside = text !== "" && (Number.isNaN(number) || (minimum !== undefined && number < minimum) || (maximum !== undefined && number > maximum));
  const type = (event: Event) => {
    const next = (event.currentTarget as HTMLInputElement).value;
    setText(next);
    if (next === "") return onEmpty?.();
    const parsed = Number(next);
    if (Number.isFinite(parsed) && (minimum === undefined || parsed >= minimum) && (maximum === undefined || parsed <= maximum)) onChange(parsed);
  };
  const settle = () => {
    if (!outside) return setText(value === undefined ? "" : String(value));
    const nearest = Math.min(maximum ?? Infinity, Math.max(minimum ?? -Infinity, Number.isFinite(number) ? number : value ?? 0));
    setText(String(nearest));
    onChange(nearest);
  };
  return (
    <input id={id} class="number" type="number" inputMode="decimal" aria-label={label} aria-describedby={help} aria-invalid={outside} min={minimum} max={maximum} step={step ?? "any"} placeholder={placeholder} value={text} onInput={type} onBlur={settle} />
  );
}

export function NumberField({ label, help, unit, ...box }: Described & Omit<BoxProps, "id" | "help" | "label">) {
  return (
    <Field label={label} help={help ?? ""} unit={unit}>
      {(ids) => <NumberBox {...box} id={ids.id} help={ids.help} />}
    </Field>
  );
}
