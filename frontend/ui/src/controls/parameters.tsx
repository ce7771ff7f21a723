//! A step's parameters as controls, by what the operation declares of each. A new operation needs nothing here.

import { Button } from "../parts/button";
import { drawing, set, type Step } from "../state/recipe";
import type { Operation, Parameter } from "../types";
import { Choice, Colour, Switch } from "./choice";
import { Kernel } from "./kernel";
import { NumberField, Range } from "./range";

const WIDEST_RANGE = 100_000;

export function Parameters({ step, operation }: { step: Step; operation: Operation }) {
  const bySize = operation.parameters.some((parameter) => parameter.name === "scale" && !parameter.required) && operation.parameters.some((parameter) => parameter.control === "size");
  const visible = operation.parameters.filter((parameter) => !bySize || showsSize(step, parameter));
  return (
    <div class="parameters">
      {operation.drawn === "rectangle" && <Draw step={step} />}
      {bySize && <SizeOrScale step={step} />}
      <div class={operation.drawn ? "pairs" : "parameters"}>
        {visible.map((parameter) => (
          <Control key={parameter.name} parameter={parameter} value={step.values[parameter.name]} onChange={(value) => set(step.key, { [parameter.name]: value })} />
        ))}
      </div>
    </div>
  );
}

/** Where a size can be given in pixels or as a factor, only one of the two is shown and sent. */
function showsSize(step: Step, parameter: Parameter): boolean {
  const scale = step.values["scale"] !== undefined;
  if (parameter.name === "scale") return scale;
  return parameter.control !== "size" || !scale;
}

function SizeOrScale({ step }: { step: Step }) {
  const scale = step.values["scale"] !== undefined;
  const choose = (next: string | number) =>
    next === "Factor" ? set(step.key, { scale: 0.5, width: undefined, height: undefined }) : set(step.key, { scale: undefined, width: 1024, height: undefined });
  return <Choice label="New size" value={scale ? "Factor" : "Pixels"} choices={["Factor", "Pixels"]} onChange={choose} />;
}

function Draw({ step }: { step: Step }) {
  const active = drawing.value === step.key;
  return (
    <Button kind={active ? "primary" : "plain"} icon={active ? "check" : "fit"} onClick={() => (drawing.value = active ? null : step.key)}>
      {active ? "Done drawing" : "Draw on the image"}
    </Button>
  );
}

interface ControlProps { parameter: Parameter; value: unknown; onChange: (value: unknown) => void }

export function Control({ parameter, value, onChange }: ControlProps) {
  const { label, help, unit, minimum, maximum, step, logarithmic } = parameter;
  const shown = value ?? parameter.default;
  const number = typeof shown === "number" ? shown : undefined;
  switch (parameter.control) {
    case "choice":
      return <Choice label={label} help={help} unit={unit} value={shown as string | number} choices={parameter.choices ?? []} onChange={onChange} />;
    case "switch":
      return <Switch label={label} help={help} value={Boolean(shown)} onChange={onChange} />;
    case "kernel":
      return <Kernel label={label} help={help} value={shown as number[][]} onChange={onChange} />;
    case "color":
      return <Colour label={label} help={help} value={shown as number[]} onChange={onChange} />;
    case "range":
    case "number":
    case "integer":
    case "size":
    case "rectangle": {
      const whole = parameter.control === "integer" || parameter.control === "size" || step === 1;
      const bounded = minimum !== undefined && maximum !== undefined && maximum - minimum <= WIDEST_RANGE;
      if (bounded && parameter.control !== "size") {
        return <Range label={label} help={help} unit={unit} value={number} minimum={minimum} maximum={maximum} step={step} logarithmic={logarithmic} integer={whole} onChange={onChange} />;
      }
      return (
        <NumberField label={label} help={help} unit={unit} value={number} minimum={minimum} maximum={maximum} step={whole ? 1 : "any"} placeholder={parameter.required ? "" : "in proportion"} onChange={onChange} onEmpty={() => parameter.required || onChange(undefined)} />
      );
    }
  }
}
