// Well-typed programs from lists of numbers. Every recipe gives a program that compiles.
import fc from "fast-check";
import { Choices } from "./choices.mjs";
import { scalar, statement } from "./statements.mjs";

export const recipes = fc.record({
  dims: fc.record({
    A: fc.constantFrom(2, 1, 3, 5, 2, 4, 0),
    B: fc.constantFrom(3, 1, 2, 4, 9, 17, 3, 33),
  }),
  equations: fc.array(fc.array(fc.nat({ max: 999 }), { maxLength: 30, size: "max" }), {
    minLength: 1,
    maxLength: 7,
  }),
  seed: fc.nat({ max: 1000 }),
});

/** Params; then what is given and kept beside them. */
const PARAMS = [
  { name: "p", axes: ["A", "B"] },
  { name: "q", axes: ["B"] },
  { name: "r", axes: ["A", "3"] },
  { name: "s", axes: ["2", "A"] },
  { name: "u", axes: [] },
  { name: "v", axes: ["B", "B"] },
  { name: "w", axes: ["B + 2"] },
  { name: "o", axes: ["2 * B + 1", "2"] },
];
const OTHERS = [
  { name: "x", axes: ["B", "3"] },
  { name: "kept", axes: ["3"] },
  { name: "fixed", axes: ["2"] },
];
const FUNCTIONS = [
  { name: "bump", text: "fn bump(x: f32) -> y: f32 { y = x * exp(-x^2) }" },
  {
    name: "steps",
    text: "fn steps(x: f32) -> y: f32 {\n  rec n in 0..3 {\n    h[0] = x\n    h[n + 1] = sin(h[n]) + 0.2 * x\n  }\n  y = h[3]\n}",
  },
  { name: "slope", text: "fn slope(x: f32) -> y: f32 {\n  e = x * sin(x)\n  y = grad(e, x)\n}" },
  {
    name: "moments",
    text: "fn moments<N>(x: f32[N]) -> (m: f32, s: f32) {\n  m = sum[i] x[i] / 4\n  s = sqrt(0.1 + sum[i] (x[i] - m)^2)\n}",
  },
  {
    name: "dense",
    text: "layer dense<M, N, O>(x: f32[M, N]) -> y: f32[M, O] {\n  param W: f32[N, O]\n  param b: f32[O]\n  y[m, o] = tanh(sum[n] x[m, n] * W[n, o] + b[o])\n}",
  },
  { name: "twist", text: "fn twist(x: f32, a: f32 = 0.7) = sin(a * x) + x" },
  {
    name: "own",
    text: "fn own(x: f32) -> y: f32 { y = tanh(x) } adjoint(dy) -> (dx) { dx = dy * (1 - tanh(x)^2) }",
  },
  {
    name: "scaled",
    text: "fn scaled<N>(x: f32[N]) -> y: f32[N] {\n  total = sum[i] x[i]^2\n  y[i] = x[i] / sqrt(1 + total)\n}",
  },
];

/** Iterations of one statement. */
const MOST_WORK = 5e4;

/** A program in the making. */
class Program {
  params = [...PARAMS];
  leaves = [...PARAMS, ...OTHERS];
  tensors = [...this.leaves];
  /** Names that something reads, and those that the statement being made does. */
  read = new Set();
  now = new Set();
  functions = new Set();
  /** Iterations that the statement being made takes for each of its entries. */
  work = 1;
  #indices = 0;
  #dims;
  constructor(dims) {
    this.#dims = dims;
  }
  /** A name that no other index has; t and z stand for a recurrence's step and a position. */
  index() {
    return `i${this.#indices++}`;
  }
  note(name) {
    this.read.add(name);
    this.now.add(name);
  }
  floats() {
    return this.tensors.filter((t) => !t.dtype);
  }
  function(name) {
    this.functions.add(name);
    return name;
  }
  get isCustom() {
    return this.functions.has("own");
  }
  size(text) {
    const { A, B } = this.#dims;
    return new Function("A", "B", "C", `return ${text}`)(A, B, A + B);
  }
  count(axes) {
    return axes.reduce((n, size) => n * this.size(size), 1);
  }
}

/** A program with its data: `{ source, dims, inputs, params }`. */
export function program({ dims, equations, seed }) {
  let state = seed + 1;
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  };
  const made = new Program(dims);
  const lines = [];
  equations.forEach((list, n) => {
    const before = { read: new Set(made.read), params: [...made.params] };
    made.now = new Set();
    made.work = 1;
    const found = statement(made, new Choices(list), `y${n}`);
    if (!found || made.work * made.count(found.axes) > MOST_WORK) {
      Object.assign(made, before);
      return;
    }
    lines.push(found.text);
    const from = [...made.now].flatMap((name) => [
      name,
      ...(made.tensors.find((t) => t.name === name)?.from ?? []),
    ]);
    for (const tensor of [found, ...(found.more ?? [])])
      made.tensors.push({ order: found.text.includes("slope("), ...tensor, from: new Set(from) });
  });
  const ends = made.tensors.filter((t) => !made.leaves.includes(t) && !made.read.has(t.name));
  const filled = (axes) => {
    const shape = axes.map((size) => made.size(size));
    const size = shape.reduce((a, b) => a * b, 1);
    return { shape, data: Array.from({ length: size }, () => Math.fround(1.5 * random())) };
  };
  const params = Object.fromEntries(made.params.map(({ name, axes }) => [name, filled(axes)]));
  const integers = (n, f) => ({ shape: [n], dtype: "i32", data: Array.from({ length: n }, (_, i) => f(i)) });
  const inputs = {
    k: integers(dims.A, (i) => (i * 7 + seed) % dims.B),
    m: integers(dims.B, (i) => ((i * 5 + seed) % 7) - 2),
    c: {
      shape: [dims.B],
      dtype: "bool",
      data: Array.from({ length: dims.B }, (_, i) => (i + seed) % 3 === 0),
    },
    x: filled(OTHERS[0].axes),
  };
  const typed = ({ name, axes }) => `${name}: f32${axes.length ? `[${axes.join(", ")}]` : ""}`;
  const source = [
    "dim A, B, C = A + B",
    "input k: i32[A] in 0..B",
    "input m: i32[B] in -2..5, c: bool[B], x: f32[B, 3]",
    `param ${PARAMS.map(typed).join(", ")}`,
    "state kept: f32[3] = [0.3, -0.4, 0.9]",
    "const fixed: f32[2] = [0.6, -0.2]",
    ...FUNCTIONS.filter((f) => made.functions.has(f.name)).map((f) => f.text),
    ...lines,
    ...ends.map(({ name }) => `output ${name}`),
    `loss l = ${[...ends.map((t) => scalar(made, t)), "0.1 * u"].join(" + ")}`,
  ].join("\n");
  return { source: `${source}\n`, dims, inputs, params, wrt: made.params.map((t) => t.name) };
}
