import type { DimDeclaration, DimDefinition } from "./program.js";

type Dims = Readonly<Record<string, number>>;

/** The dims and all that is defined by them, what the compiler adds among it: `D / H` is no dim that anyone gives. */
export function withDefinitions(declared: readonly DimDeclaration[], dims: Dims): Record<string, number> {
  const all: Record<string, number> = { ...dims };
  for (let grown = true; grown;) {
    grown = false;
    for (const { name, definition } of declared) {
      if (!definition || name in all) continue;
      const size = sizeOf(definition, all);
      if (Number.isNaN(size)) continue;
      all[name] = size;
      grown = true;
    }
  }
  return all;
}

/** NaN where a dim is open. */
function sizeOf({ numerator, divisor, floor, root, least = -Infinity }: DimDefinition, dims: Dims): number {
  const exact = numerator.at(dims) / divisor.at(dims);
  const size = floor ? Math.floor(exact) : root ? Math.ceil(Math.sqrt(exact)) : exact;
  return Math.max(least, size);
}
