//! A choice among words (a list, or buttons where they are few), a switch, and a colour.

import { useId } from "preact/hooks";
import { words } from "../words";
import { Field, type Described } from "./field";

interface ChoiceProps extends Described {
  value: string | number | undefined;
  choices: Array<string | number>;
  onChange: (value: string | number) => void;
}

const FEW = 24;

export function Choice({ label, help, value, choices, onChange, unit }: ChoiceProps) {
  const name = useId();
  const few = choices.length <= 4 && choices.map(String).join("").length <= FEW;
  if (!few) {
    return (
      <Field label={label} help={help ?? ""} unit={unit}>
        {(ids) => (
          <select id={ids.id} class="select" aria-describedby={ids.help} value={String(value)} onChange={(event) => onChange(choices[event.currentTarget.selectedIndex] ?? "")}>
            {choices.map((choice) => <option value={String(choice)}>{show(choice)}</option>)}
          </select>
        )}
      </Field>
    );
  }
  return (
    <Field label={label} help={help ?? ""} unit={unit} group>
      {() => (
        <div class="segments">
          {choices.map((choice) => (
            <label class="segment">
              <input type="radio" name={name} checked={choice === value} onChange={() => onChange(choice)} />
              <span>{show(choice)}</span>
            </label>
          ))}
        </div>
      )}
    </Field>
  );
}

function show(choice: string | number): string {
  return typeof choice === "number" ? String(choice) : /^[a-z]{1,2}\d+$/.test(choice) ? choice.toUpperCase() : words(choice);
}

export function Switch({ label, help, value, onChange }: Described & { value: boolean; onChange: (value: boolean) => void }) {
  return (
    <div class="switch-field">
      <Field label={label} help={help ?? ""}>
        {(ids) => <input id={ids.id} class="switch" type="checkbox" role="switch" aria-describedby={ids.help} checked={value} onChange={(event) => onChange(event.currentTarget.checked)} />}
      </Field>
    </div>
  );
}

/** Fractions of the full range, one or three, as the browser's colour picker has them. */
export function toHex(fractions: number[]): string {
  const [red = 1, green = red, blue = red] = fractions;
  return `#${[red, green, blue].map((part) => Math.round(part * 255).toString(16).padStart(2, "0")).join("")}`;
}

export function fromHex(hex: string): number[] {
  const parts = [1, 3, 5].map((at) => Number((parseInt(hex.slice(at, at + 2), 16) / 255).toFixed(6)));
  return parts.every((part) => part === parts[0]) ? parts.slice(0, 1) : parts;
}

export function Colour({ label, help, value, onChange }: Described & { value: number[] | undefined; onChange: (value: number[]) => void }) {
  const hex = toHex(value ?? [1]);
  return (
    <Field label={label} help={help ?? ""}>
      {(ids) => (
        <div class="colour">
          <input id={ids.id} type="color" aria-describedby={ids.help} value={hex} onInput={(event) => onChange(fromHex(event.currentTarget.value))} />
          <code>{hex}</code>
        </div>
      )}
    </Field>
  );
}
