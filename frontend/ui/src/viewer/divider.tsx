//! The slider between before and after: dragged, or moved by the arrow keys.

interface Props { position: number; right: string; onMove: (position: number) => void }

const STEP = 0.02;

export function Divider({ position, right, onMove }: Props) {
  const clamp = (next: number) => onMove(Math.max(0, Math.min(1, next)));
  const drag = (event: PointerEvent) => {
    const handle = event.currentTarget as HTMLElement;
    if (!handle.hasPointerCapture(event.pointerId)) return;
    const stage = handle.parentElement?.getBoundingClientRect();
    if (stage) clamp((event.clientX - stage.left) / stage.width);
  };
  const keys = (event: KeyboardEvent) => {
    const moves: Record<string, number> = { ArrowLeft: position - STEP, ArrowDown: position - STEP, ArrowRight: position + STEP, ArrowUp: position + STEP, PageDown: position - 0.1, PageUp: position + 0.1, Home: 0, End: 1 };
    const next = moves[event.key];
    if (next === undefined) return;
    event.preventDefault();
    clamp(next);
  };
  return (
    <>
      <span class="side left" aria-hidden="true" hidden={position < 0.08}>Before</span>
      <span class="side right" aria-hidden="true" hidden={position > 0.92}>{right}</span>
      <div
        class="divider"
        role="slider"
        tabIndex={0}
        aria-label={`Compare: before on the left, ${right === "Result" ? "result" : "after"} on the right`}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={Math.round(position * 100)}
        aria-valuetext={`${Math.round(position * 100)} % before`}
        style={{ left: `${position * 100}%` }}
        onPointerDown={(event) => { event.preventDefault(); event.currentTarget.setPointerCapture(event.pointerId); event.currentTarget.focus(); }}
        onPointerMove={drag}
        onKeyDown={keys}
      >
        <span class="knob" aria-hidden="true"><svg viewBox="0 0 24 24" width="24" height="24"><path d="m9 7-5 5 5 5M15 7l5 5-5 5" /></svg></span>
      </div>
    </>
  );
}
