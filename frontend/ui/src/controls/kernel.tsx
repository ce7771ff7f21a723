//! The weights of a convolution as a grid of numbers, with its size and some well-known kernels to begin with.

import { Field, type Described } from "./field";
import { NumberBox } from "./range";

const PRESETS: Record<string, number[][]> = {
  Sharpen: [[0, -1, 0], [-1, 5, -1], [0, -1, 0]],
  Emboss: [[-2, -1, 0], [-1, 1, 1], [0, 1, 2]],
  Outline: [[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]],
  "Left edges": [[1, 0, -1], [2, 0, -2], [1, 0, -1]],
};
const SIZES = [1, 3, 5, 7, 9, 11];

/** The kernel in another size, its middle kept. */
export function resized(kernel: number[][], rows: number, columns: number): number[][] {
  const down = (rows - kernel.length) / 2;
  const right = (columns - (kernel[0]?.length ?? 1)) / 2;
  return Array.from({ length: rows }, (_, row) => Array.from({ length: columns }, (_, column) => kernel[row - down]?.[column - right] ?? 0));
}

function sizes(now: number): number[] {
  return SIZES.includes(now) ? SIZES : [...SIZES, now].sort((a, b) => a - b);
}

export function Kernel({ label, help, value, onChange }: Described & { value: number[][] | undefined; onChange: (value: number[][]) => void }) {
  const kernel = value?.length ? value : PRESETS["Sharpen"] ?? [[1]];
  const rows = kernel.length;
  const columns = kernel[0]?.length ?? 1;
  const setCell = (row: number, column: number, weight: number) =>
    onChange(kernel.map((line, y) => (y === row ? line.map((old, x) => (x === column ? weight : old)) : line)));
  const size = (name: string, now: number, change: (next: number) => void) => (
    <select class="select compact" aria-label={name} value={String(now)} onChange={(event) => change(Number(event.currentTarget.value))}>
      {sizes(now).map((option) => <option value={String(option)}>{option}</option>)}
    </select>
  );
  return (
    <Field label={label} help={help ?? ""} group>
      {() => (
        <>
          <div class="kernel-tools">
            {size("Rows", rows, (next) => onChange(resized(kernel, next, columns)))}
            <span aria-hidden="true">×</span>
            {size("Columns", columns, (next) => onChange(resized(kernel, rows, next)))}
            <select class="select compact grow" aria-label="Begin with" value="" onChange={(event) => PRESETS[event.currentTarget.value] && onChange(PRESETS[event.currentTarget.value]!)}>
              <option value="">Begin with…</option>
              {Object.keys(PRESETS).map((name) => <option value={name}>{name}</option>)}
            </select>
          </div>
          <div class="kernel" ref={(element) => element?.style.setProperty("--columns", String(columns))}>
            {kernel.map((line, row) => line.map((weight, column) => (
              <NumberBox key={`${row}-${column}`} label={`Row ${row + 1}, column ${column + 1}`} value={weight} minimum={-1000} maximum={1000} onChange={(next) => setCell(row, column, next)} onEmpty={() => setCell(row, column, 0)} />
            )))}
          </div>
        </>
      )}
    </Field>
  );
}
