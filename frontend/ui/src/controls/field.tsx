//! The frame of every control: its label, its value, its unit, and help that opens beside it.

import type { ComponentChildren } from "preact";
import { useId, useState } from "preact/hooks";
import { Icon } from "../parts/icons";
import { Prose } from "../parts/prose";

export interface Described { label: string; help?: string; unit?: string | undefined }

interface Props extends Described {
  /** The control; it takes the ids of its label and help. */
  children: (ids: { id: string; help: string | undefined }) => ComponentChildren;
  group?: boolean;
}

export function Field({ label, help, unit, children, group }: Props) {
  const id = useId();
  const [open, setOpen] = useState(false);
  const helpId = help ? `${id}-help` : undefined;
  const text = unit ? `${label} (${unit})` : label;
  return (
    <div class="field" role={group ? "group" : undefined} aria-labelledby={group ? `${id}-label` : undefined}>
      <div class="field-head">
        {group ? <span class="label" id={`${id}-label`}>{text}</span> : <label class="label" for={id}>{text}</label>}
        {help && (
          <button type="button" class="help-button" aria-expanded={open} aria-controls={helpId} aria-label={`Help: ${label}`} onClick={() => setOpen(!open)}>
            <Icon name="help" size={16} />
          </button>
        )}
      </div>
      {children({ id, help: helpId })}
      {help && <p class="help" id={helpId} hidden={!open}><Prose text={help} /></p>}
    </div>
  );
}
