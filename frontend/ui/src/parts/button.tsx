//! Buttons: a word with an icon, or an icon with a name that is read out.

import type { ComponentChildren } from "preact";
import { Icon, type IconName } from "./icons";

interface Props {
  icon?: IconName;
  kind?: "primary" | "plain" | "quiet" | "danger";
  disabled?: boolean;
  onClick?: (event: MouseEvent) => void;
  children?: ComponentChildren;
  describedBy?: string | undefined;
  small?: boolean;
}

export function Button({ icon, kind = "plain", disabled, onClick, children, describedBy, small }: Props) {
  return (
    <button type="button" class={`button ${kind}${small ? " small" : ""}`} disabled={disabled ?? false} onClick={onClick} aria-describedby={describedBy}>
      {icon && <Icon name={icon} size={small ? 16 : 18} />}
      <span>{children}</span>
    </button>
  );
}

interface IconProps { icon: IconName; label: string; onClick?: (event: MouseEvent) => void; disabled?: boolean; pressed?: boolean; tone?: "danger" }

export function IconButton({ icon, label, onClick, disabled, pressed, tone }: IconProps) {
  return (
    <button type="button" class={`icon-button ${tone ?? ""}`} aria-label={label} title={label} disabled={disabled ?? false} aria-pressed={pressed} onClick={onClick}>
      <Icon name={icon} size={18} />
    </button>
  );
}

export function Meter({ value, label }: { value: number; label: string }) {
  return <progress class="meter" max={100} value={Math.max(0, Math.min(100, value))} aria-label={label} />;
}

/** A picture of a page's emptiness or trouble: what it is, and what to do. */
export function Notice({ icon, title, children, tone }: { icon: IconName; title: string; children?: ComponentChildren; tone?: "problem" }) {
  return (
    <div class={`notice ${tone ?? ""}`} role={tone === "problem" ? "alert" : undefined}>
      <Icon name={icon} size={28} />
      <h2>{title}</h2>
      {children && <div class="notice-text">{children}</div>}
    </div>
  );
}
