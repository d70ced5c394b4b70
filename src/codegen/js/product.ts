import { Lines } from "../text.js";

/** The name of the routine for tiles of so many rows and columns. */
export const productRoutine = (rows: number, columns: number): string => `gradc_product_${rows}x${columns}`;

/** The product routines that the code calls: sums of a tile in variables, operands from packed panels. */
export function productRoutines(code: string): string {
  const sizes = new Set([...code.matchAll(/\bgradc_product_(\d+x\d+)\(/g)].map((m) => m[1] ?? ""));
  return [...sizes]
    .map((size) => {
      const [rows = 0, columns = 0] = size.split("x").map(Number);
      return routine(rows, columns);
    })
    .join("\n");
}

function routine(rows: number, columns: number): string {
  const out = new Lines();
  const upTo = (n: number): number[] => Array.from({ length: n }, (_, k) => k);
  const cells = upTo(rows).flatMap((i) => upTo(columns).map((j) => ({ i, j, sum: `s${i}${j}` })));
  out.add("// into[i, j] = the sum over k of left[k, i] * right[k, j]");
  const head = `function ${productRoutine(rows, columns)}(left, l, right, r, count, into, t) {`;
  out.block(head, () => {
    out.add(`let ${cells.map(({ sum }) => `${sum} = 0`).join(", ")};`);
    out.block(`for (const end = l + ${rows} * count; l < end; l += ${rows}, r += ${columns}) {`, () => {
      for (const j of upTo(columns)) out.add(`const b${j} = right[r${j ? ` + ${j}` : ""}];`);
      for (const i of upTo(rows)) {
        out.add(`const a${i} = left[l${i ? ` + ${i}` : ""}];`);
        for (const { sum, j } of cells.filter((c) => c.i === i)) out.add(`${sum} += a${i} * b${j};`);
      }
    });
    for (const [k, { sum }] of cells.entries()) out.add(`into[t${k ? ` + ${k}` : ""}] = ${sum};`);
  });
  return out.toString();
}
