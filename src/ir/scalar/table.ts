import { ARITHMETIC } from "./arithmetic.js";
import type { ScalarFunction } from "./types.js";

/** Every scalar function by name. Without a prototype, so `SCALARS["constructor"]` is undefined. */
export const SCALARS: Readonly<Record<string, ScalarFunction>> = Object.freeze(
  Object.assign(Object.create(null) as Record<string, ScalarFunction>, Object.fromEntries([...ARITHMETIC].map((f) => [f.name, f]))),
);
