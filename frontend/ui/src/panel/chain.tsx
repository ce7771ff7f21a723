//! The second part of the panel: the operations, one after the other, reordered by drag or by keyboard.

import { useEffect, useRef, useState } from "preact/hooks";
import { Parameters } from "../controls/parameters";
import { Button, IconButton } from "../parts/button";
import { Icon } from "../parts/icons";
import { Prose } from "../parts/prose";
import { add, chosen, move, nextKey, remove, replace, steps, type Step } from "../state/recipe";
import { byName, config, copy, operations, spoken } from "../state/session";
import type { Operation } from "../types";
import { words } from "../words";

export function ChainSection() {
  const several = steps.value.length > 1;
  const [adding, setAdding] = useState(false);
  const limit = config.value?.limits.operations ?? 64;
  const empty = steps.value.length === 0;
  return (
    <section class="section" aria-labelledby="chain-title">
      <div class="section-head">
        <h2 id="chain-title" class="section-title">{several ? "Operations" : "Operation"}</h2>
        {!empty && <IconButton icon="link" label="Copy a link to these operations" onClick={() => void copy(location.href, "link")} />}
      </div>
      <StepList several={several} />
      {!empty && (adding ? (
        <div class="row">
          <Picker label="Another operation" value="" focus onPick={(name) => { add(name); setAdding(false); }} />
          <IconButton icon="close" label="Don't add" onClick={() => setAdding(false)} />
        </div>
      ) : (
        <Button kind="quiet" icon="plus" disabled={steps.value.length >= limit} onClick={() => setAdding(true)}>Add another operation</Button>
      ))}
    </section>
  );
}

interface PickerProps { label: string; value: string; onPick: (name: string) => void; onNone?: () => void; focus?: boolean }

/** One dropdown of all operations: Basic, then Advanced, each by its categories' order. */
export function Picker({ label, value, onPick, onNone, focus }: PickerProps) {
  const groups = ["Basic", "Advanced"] as const;
  const known = !value || byName.value.has(value);
  const list = useRef<HTMLSelectElement>(null);
  useEffect(() => {
    if (focus) list.current?.focus();
  }, []);
  return (
    <select
      class="select picker"
      aria-label={label}
      value={value}
      ref={list}
      onChange={(event) => (event.currentTarget.value ? onPick(event.currentTarget.value) : onNone?.())}
    >
      <option value="">{value ? "None (only convert the format)" : "Choose an operation…"}</option>
      {!known && <option value={value}>{words(value)}</option>}
      {groups.map((group) => (
        <optgroup key={group} label={group}>
          {operations.value.filter((operation) => operation.group === group).map((operation) => (
            <option key={operation.name} value={operation.name}>{operation.label}</option>
          ))}
        </optgroup>
      ))}
    </select>
  );
}

function StepList({ several }: { several: boolean }) {
  const list = useRef<HTMLOListElement>(null);
  const [dragged, setDragged] = useState<number | null>(null);
  const drag = (event: PointerEvent, key: number) => {
    event.preventDefault();
    (event.currentTarget as HTMLElement).focus();
    setDragged(key);
  };
  const dragTo = (event: PointerEvent) => {
    if (dragged === null) return;
    const cards = [...(list.current?.children ?? [])] as HTMLElement[];
    const over = cards.findIndex((card) => event.clientY < card.getBoundingClientRect().bottom);
    const from = steps.value.findIndex((step) => step.key === dragged);
    const to = over < 0 ? cards.length - 1 : over;
    const target = cards[to]?.getBoundingClientRect();
    if (to === from || !target) return;
    const past = to > from ? event.clientY > target.top + target.height / 2 : event.clientY < target.top + target.height / 2;
    if (past) move(dragged, to);
  };
  useEffect(() => {
    if (dragged === null) return;
    const end = () => setDragged(null);
    window.addEventListener("pointermove", dragTo);
    window.addEventListener("pointerup", end);
    window.addEventListener("pointercancel", end);
    return () => {
      window.removeEventListener("pointermove", dragTo);
      window.removeEventListener("pointerup", end);
      window.removeEventListener("pointercancel", end);
    };
  }, [dragged]);
  const cards: Array<Step | null> = steps.value.length ? steps.value : [null];
  return (
    <ol ref={list} class={several ? "steps several" : "steps"}>
      {cards.map((step, index) => (
        <li key={step?.key ?? nextKey()} class={step !== null && step.key === dragged ? "step dragged" : "step"}>
          <StepCard step={step} index={index} several={several} onDrag={drag} />
        </li>
      ))}
    </ol>
  );
}

interface CardProps { step: Step | null; index: number; several: boolean; onDrag: (event: PointerEvent, key: number) => void }

function StepCard({ step, index, several, onDrag }: CardProps) {
  const operation = byName.value.get(step?.name ?? "");
  const open = !several || chosen.value === step?.key;
  return (
    <>
      {several && step && <StepHead step={step} index={index} operation={operation} open={open} onDrag={onDrag} />}
      {open && (
        <div class="step-body">
          <Picker label={several ? `Operation ${index + 1}` : "Operation"} value={step?.name ?? ""} onPick={(name) => (step ? replace(step.key, name) : add(name))} onNone={() => step && remove(step.key)} />
          {step && (operation ? (
            <>
              <p class="help"><Prose text={operation.help} /></p>
              <Parameters step={step} operation={operation} />
            </>
          ) : <p class="problem">This server does not know “{step.name}”. Choose another operation.</p>)}
        </div>
      )}
    </>
  );
}

function StepHead({ step, index, operation, open, onDrag }: { step: Step; index: number; operation: Operation | undefined; open: boolean; onDrag: CardProps["onDrag"] }) {
  const count = steps.value.length;
  const label = operation?.label ?? step.name;
  const shift = (by: number) => {
    move(step.key, index + by);
    const now = steps.value.findIndex((other) => other.key === step.key);
    spoken.value = `${label} is now step ${now + 1} of ${count}.`;
  };
  const keys = (event: KeyboardEvent) => {
    const by = event.key === "ArrowUp" ? -1 : event.key === "ArrowDown" ? 1 : 0;
    if (!by) return;
    event.preventDefault();
    const handle = event.currentTarget as HTMLElement;
    shift(by);
    requestAnimationFrame(() => handle.focus());
  };
  return (
    <div class="step-head">
      <button type="button" class="grip" aria-label={`Move ${label}, step ${index + 1} of ${count}. Drag, or use the arrow keys.`} onPointerDown={(event) => onDrag(event, step.key)} onKeyDown={keys}>
        <Icon name="grip" size={18} />
      </button>
      <button type="button" class="step-name" aria-expanded={open} onClick={() => (chosen.value = open ? null : step.key)}>
        <span class="step-number">{index + 1}</span>{label}
      </button>
      <IconButton icon="up" label={`Move ${label} up`} disabled={index === 0} onClick={() => shift(-1)} />
      <IconButton icon="down" label={`Move ${label} down`} disabled={index === count - 1} onClick={() => shift(1)} />
      <IconButton icon="close" label={`Remove ${label}`} onClick={() => remove(step.key)} />
    </div>
  );
}
