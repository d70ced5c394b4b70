import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Subject } from "./engines.js";

const { NaN: nan, POSITIVE_INFINITY: inf } = Number;

/** Arguments, the value there, and the partials; numbers that JSON lacks are their names. */
type Row = readonly [readonly (number | string)[], number | string, readonly (number | string)[]];
interface Point {
  readonly args: readonly number[];
  readonly value: number;
  readonly partials: readonly number[];
}
const TABLE = JSON.parse(
  readFileSync(fileURLToPath(new URL("special.json", import.meta.url)), "utf8"),
) as Record<string, readonly Row[]>;

/** What the language says where PyTorch has it otherwise: the value and the partials, null where they are PyTorch's. */
const OTHERWISE: Readonly<Record<string, readonly [number | null, ...(number | null)[]]>> = {
  // As NumPy's, where PyTorch has 0.
  "sign(NaN)": [nan, 0],
  // The limit, where PyTorch multiplies 0 by infinity.
  "gelu(-Infinity)": [0, nan],
  "silu(-Infinity)": [0, 0],
  "mish(-Infinity)": [0, nan],
  // C's pow.
  "x^0.5(-Infinity)": [inf, 0],
  "x^1.5(-Infinity)": [inf, inf],
  "x^-0.5(-Infinity)": [0, null],
};
/** The same for functions of two arguments, by a rule. */
function ruled(name: string, [x = 0, y = 0]: readonly number[], value: number): readonly (number | null)[] {
  // -floor(x / y), also where that is infinite or the quotient is -0.
  if (name === "x%y") return [1, -Math.floor(x / y)];
  // The limit of x^y log x, where PyTorch multiplies 0 by infinity or NaN.
  if (name === "x^y" && value === 0) return [null, 0];
  return [];
}

/** A function at special points: its text over `x[n]` and `y[n]`, and PyTorch's values and partials. */
export interface Special {
  readonly name: string;
  readonly text: string;
  readonly points: readonly Point[];
}
export const SPECIALS: readonly Special[] = Object.entries(TABLE).map(([name, rows]) => {
  const [, callee = name, parameters] = /^(\w+)\((.*)\)$/.exec(name) ?? [];
  const spelled =
    parameters === undefined ? [] : callee === "step" ? [parameters, "x"] : ["x", ...parameters.split(",")];
  const binary = rows[0]?.[0].length === 2;
  return {
    name,
    text: /^\w+$/.test(callee)
      ? `${callee}(${(spelled.length ? spelled : binary ? ["x", "y"] : ["x"]).join(", ")})`
      : name,
    points: rows.map((row) => {
      const args = row[0].map(Number);
      const [own = null, ...partials] = OTHERWISE[`${name}(${args.join(", ")})`] ?? [];
      const value = own ?? Number(row[1]);
      const rule = ruled(name, args, value);
      return { args, value, partials: row[2].map((p, k) => partials[k] ?? rule[k] ?? Number(p)) };
    }),
  };
});

/** The function at its points, with the gradient of a sum that `w` weighs, forward mode along `w`, and second order. */
export function subjectOf({ name, text, points }: Special, weight: number): Subject {
  const names = points[0]?.args.length === 2 ? ["x", "y"] : ["x"];
  const shape = [points.length];
  const column = (k: number) => ({ shape, data: points.map((p) => p.args[k] ?? 0) });
  const body = text.replace(/\b[xy]\b/g, "$&[n]");
  return {
    name,
    source: `dim N
input ${[...names, "w"].map((n) => `${n}: f32[N]`).join(", ")}
output value[n in 0..N] = ${body}
${names.map((n) => `output t${n} = jvp(value, ${n}, w)\noutput h${n} = hvp(l, ${n}, w)`).join("\n")}
loss l = sum[n] w[n] * value[n]`,
    inputs: {
      ...Object.fromEntries(names.map((n, k) => [n, column(k)])),
      w: { shape, data: points.map(() => weight) },
    },
    params: {},
    loss: "l",
    wrt: names,
  };
}

/** Functions whose partials are infinite somewhere, and pass 0 on there from a cotangent that is exactly 0. */
export const GUARDED = new Set(
  (
    "sqrt rsqrt log log2 log10 log1p asin acos acosh atanh atan2 hypot " +
    "x/y x^y 0^x x^-1 x^-2 x^0.5 x^1.5 x^-0.5"
  ).split(" "),
);
/** Partials made of the result, as y (1 - y) is: in its tails they have the accuracy of numbers about 1. */
export const OF_RESULT = new Set(["expm1", "sigmoid", "tanh", "elu", "selu", "silu", "mish"]);
/** PyTorch's own error in float64, where it is large. */
export const LOOSE: Readonly<Record<string, number>> = { digamma: 1e-6 };
