import { describe, expect, it } from "vitest";
import type { DType } from "../../src/ir/expr.js";
import { castValue, castWgsl } from "../../src/ir/scalar/cast.js";
import { wgslHelpers } from "../../src/ir/scalar/helpers-wgsl.js";
import { evaluateScalar } from "../../src/ir/scalar/table.js";
import type { ErrorBound, ScalarFunction } from "../../src/ir/scalar/types.js";
import { domainPoints, ENTRIES, operandType } from "../ir/scalar-helpers.js";
import { runOnAll } from "./child.js";

/** One shader: `expression` over a0, a1, … for each of `points`, and what should come out. */
interface Case {
  readonly test: string;
  readonly expression: string;
  readonly types: readonly DType[];
  readonly result: DType;
  readonly points: readonly (readonly number[])[];
  readonly expected: (point: readonly number[]) => number;
  readonly bound: ErrorBound;
}
const EXACT: ErrorBound = { relative: 0, absolute: 0 };
const resultType = (f: ScalarFunction, dtype: DType): DType =>
  f.type === "random" ? "f32" : ["equality", "comparison", "logic"].includes(f.type) ? "bool" : dtype;
const names = (width: number): string[] => Array.from({ length: width }, (_, k) => `a${k}`);

function* functionCases(f: ScalarFunction): Generator<Case> {
  const dtype = operandType(f);
  const points = domainPoints(f, 200).map((p) => p.map((x) => (dtype === "f32" ? Math.fround(x) : x)));
  // A literal exponent is part of the text, so each makes a shader of its own.
  const variant = (p: readonly number[]): string =>
    f.name === "powi" ? `a0 ${(p[1] ?? 0).toFixed(1)}f` : names(p.length).join(" ");
  for (const texts of new Set(points.map(variant)))
    yield {
      test: f.name,
      expression: f.wgsl.expression(texts.split(" "), dtype),
      types: texts.split(" ").map((_, k) => (f.type === "select" && k === 0 ? "bool" : dtype)),
      result: resultType(f, dtype),
      points: points.filter((p) => variant(p) === texts),
      expected: (p) => evaluateScalar(f.name, p, dtype),
      bound: f.wgsl.bound,
    };
}
function* integerCases(f: ScalarFunction): Generator<Case> {
  const edges = {
    i32: [-2147483648, -7, -1, 0, 1, 3, 2147483647],
    u32: [0, 1, 3, 7, 2147483648, 4294967295],
  };
  const texts = names(f.domain.intervals.length);
  for (const dtype of ["i32", "u32"] as const)
    yield {
      test: `${f.name} of ${dtype}`,
      expression: f.wgsl.expression(texts, dtype),
      types: texts.map(() => dtype),
      result: resultType(f, dtype),
      points: edges[dtype].flatMap((a) => edges[dtype].map((b) => [a, b, 3].slice(0, texts.length))),
      expected: (p) => evaluateScalar(f.name, p, dtype),
      bound: EXACT,
    };
}
function* castCases(): Generator<Case> {
  const values = {
    f32: [0, -0.5, 1.75, -2.75, 3e9, -3e9, 5e9, 2147483520],
    i32: [0, 1, 7, 2147483647, -1, -2147483648],
    u32: [0, 1, 7, 2147483647, 4294967295],
    bool: [0, 1],
  };
  const types = ["f32", "i32", "u32", "bool"] as const;
  for (const from of types)
    for (const to of types)
      if (from !== to)
        yield {
          test: `${from} to ${to}`,
          expression: castWgsl(from, to, "a0"),
          types: [from],
          result: to,
          points: values[from].map((x) => [from === "f32" ? Math.fround(x) : x]),
          expected: ([x = 0]) => castValue(from, to, x),
          bound: EXACT,
        };
}
const CASES: readonly Case[] = [
  ...ENTRIES.flatMap((f) => [...functionCases(f)]),
  ...ENTRIES.filter((f) => ["arithmetic", "integer", "comparison", "equality"].includes(f.type)).flatMap(
    (f) => [...integerCases(f)],
  ),
  ...castCases(),
  {
    test: "NaN and infinity made from bits",
    expression: "(gradc_is_nan(gradc_nan()) && !gradc_is_nan(gradc_inf()) && !gradc_is_nan(a0))",
    types: ["f32"],
    result: "bool",
    points: [[0]],
    expected: () => 1,
    bound: EXACT,
  },
];

function shader({ expression, types, result, points }: Case): string {
  const operand = (k: number, dtype: DType): string => {
    const word = `tuples[i * ${points[0]?.length ?? 1}u + ${k}u]`;
    return dtype === "bool" ? `(${word} != 0u)` : dtype === "u32" ? word : `bitcast<${dtype}>(${word})`;
  };
  return `${wgslHelpers(expression)}
@group(0) @binding(0) var<storage, read> tuples: array<u32>;
@group(0) @binding(1) var<storage, read_write> results: array<u32>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
  let i = id.x;
  if (i >= ${points.length}u) { return; }
${types.map((t, k) => `  let a${k} = ${operand(k, t)};`).join("\n")}
  results[i] = ${result === "bool" ? `select(0u, 1u, ${expression})` : `bitcast<u32>(${expression})`};
}`;
}
const toBits = (x: number, dtype: DType): number =>
  dtype === "f32" ? (new Uint32Array(Float32Array.of(x).buffer)[0] ?? 0) : x >>> 0;
const fromBits = (word: number, dtype: DType): number =>
  dtype === "f32"
    ? (new Float32Array(Uint32Array.of(word).buffer)[0] ?? 0)
    : dtype === "i32"
      ? word | 0
      : word;

type Answer = { readonly buffers: readonly (readonly number[])[] } | { readonly error: string };
const jobs = CASES.map((c) => ({
  code: shader(c),
  buffers: [
    c.points.flatMap((p) => p.map((x, k) => toBits(x, c.types[k] ?? c.types[0] ?? "f32"))),
    c.points.map(() => 0),
  ],
  sizes: [],
  workgroups: [Math.ceil(c.points.length / 64), 1],
}));
const runs = await runOnAll<Answer[]>("run-kernels.mjs", jobs);
const NAME = "WGSL code is within its bound of the reference with $compiler";
describe.each(runs)(NAME, ({ answer: answers }) => {
  it("on an adapter (npm test sets up a software one)", () => expect(answers).not.toBeNull());
  it.skipIf(!answers).each(CASES.map((c, k) => [`${c.test}: ${c.expression}`, c, k] as const))(
    "%s",
    (_, c, k) => {
      const answer = answers?.[k];
      if (!answer || "error" in answer) throw new Error(`${answer?.error ?? "no answer"}\n${shader(c)}`);
      c.points.forEach((point, i) => {
        const value = fromBits(answer.buffers[1]?.[i] ?? 0, c.result);
        const expected = c.expected(point);
        const nearest = c.result === "f32" ? Math.fround(expected) : expected;
        const allowed = c.bound.absolute + c.bound.relative * Math.abs(expected);
        const same =
          value === nearest ||
          Math.abs(value - expected) <= allowed ||
          (Number.isNaN(value) && Number.isNaN(expected));
        expect(same, `(${point}) = ${value}, not ${expected}`).toBe(true);
      });
    },
  );
});
