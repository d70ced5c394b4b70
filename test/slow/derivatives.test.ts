import { describe, expect, test } from "vitest";
import type { DataTensor } from "../../src/cli/data.js";
import { directionFrom, remainderOf, STEPS } from "../../src/cli/taylor.js";
import { STD_SOURCES } from "../../src/std/sources.js";
import { ENGINES, prepare, type Prepared, type Subject, type Values } from "../derivatives/engines.js";
import { LIBRARY_SUBJECTS, programsOf, SCALAR_SUBJECTS } from "../derivatives/subjects.js";

const SUBJECTS: readonly Subject[] = [
  ...SCALAR_SUBJECTS,
  ...LIBRARY_SUBJECTS,
  ...(["models", "programs"] as const).flatMap(programsOf),
];
/** Programs whose derivative is not the limit of difference quotients at their data, and why. */
const EXCEPTIONS: Readonly<Record<string, string>> = {
  adjoint_in_adjoint: "a written adjoint that triples",
  adjoint_with_gather: "a written adjoint that doubles",
  custom_rec: "a written adjoint that clips",
  custom_vec: "a written adjoint that triples",
  kinks: "points on kinks",
  pool: "ties of a maximum",
  ste: "stop passes a rounding over",
  vq: "stop passes a choice over",
  zero_cotangents: "an input stands where its logarithm begins",
};

test("every function and layer of the library is among the subjects", () => {
  const sources = SUBJECTS.map((s) => s.source).join("\n");
  const imports = [...sources.matchAll(/import \{([^}]*)\} from "std/g)].map(([, names = ""]) => names);
  const taken = new Set(imports.join(",").match(/\w+/g));
  const declared = Object.values(STD_SOURCES).flatMap((text) =>
    [...text.matchAll(/^(?:fn|layer) (\w+)/gm)].map(([, name = ""]) => name),
  );
  expect(declared.length).toBeGreaterThan(40);
  expect(declared.filter((name) => !taken.has(name))).toEqual([]);
});

const dot = (a: readonly number[] = [], b: readonly number[] = []): number =>
  a.reduce((s, x, k) => s + x * (b[k] ?? NaN), 0);
const length = (a: readonly number[] = []): number => Math.hypot(...a);
/** Directions for each leaf, as large as its entries. */
const directions = (start: Values, seed: number): Values =>
  Object.fromEntries(Object.entries(start).map(([name, x], k) => [name, directionFrom(x, seed + k)]));
const moved = (start: Values, along: Values, h: number): Values =>
  Object.fromEntries(
    Object.entries(along).map(([name, v]) => [name, (start[name] ?? []).map((x, i) => x + h * (v[i] ?? 0))]),
  );

describe("what is left after the first-order term falls as the square of the step", () => {
  async function faults(subject: Subject): Promise<string[]> {
    const program = await prepare(subject);
    const start = await program.start();
    const gradients: [string, Values][] = [];
    for (const engine of ENGINES) gradients.push([engine, await program.run(engine, start)]);
    const base = gradients[0]?.[1][subject.loss]?.[0] ?? NaN;
    const all = directions(start, 1);
    const found: string[] = [];
    for (const along of [all, ...Object.entries(all).map(([name, v]) => ({ [name]: v }))]) {
      const values: number[] = [];
      for (const h of STEPS)
        values.push((await program.values(moved(start, along, h), {}))[subject.loss]?.[0] ?? NaN);
      await program.values(start, {});
      for (const [engine, g] of gradients) {
        const slope = Object.entries(along).reduce((s, [name, v]) => s + dot(g[`d ${name}`], v), 0);
        const { ok, order } = remainderOf(base, values, slope);
        if (!ok) found.push(`${Object.keys(along).join(", ")} on ${engine}: order ${order.toFixed(2)}`);
      }
    }
    program.model.dispose();
    return found;
  }
  test.each(SUBJECTS.map((s) => [s.name, s] as const))("%s", async (name, subject) => {
    const found = await faults(subject);
    if (EXCEPTIONS[name]) expect(found.length, "is an exception no more").toBeGreaterThan(0);
    else expect(found.join("\n")).toBe("");
  });
});

/** Jacobian and Hessian products of a loss, of one of its outputs, and of two of its leaves, as outputs. */
function products(program: Prepared, output: string | null): { text: string; a: string; b: string } {
  const { loss, wrt } = program.subject;
  const [a = "", b = a] = [wrt[0], wrt.at(-1)];
  const lines = [
    `input net_v: f32${program.axes(a)}, net_u: f32${program.axes(a)}, net_w: f32${program.axes(b)}`,
    `output net_slope = jvp(${loss}, ${a}, net_v)`,
    `output net_back = vjp(${loss}, ${a}, 1)`,
    `output net_hv = hvp(${loss}, ${a}, net_v)`,
    `output net_hu = hvp(${loss}, ${a}, net_u)`,
    `output net_ab = grad(jvp(${loss}, ${a}, net_v), ${b})`,
    `output net_ba = grad(jvp(${loss}, ${b}, net_w), ${a})`,
    ...(output === null
      ? []
      : [`output net_jv = jvp(${output}, ${a}, net_v)`, `output net_jw = vjp(${output}, ${a}, net_jv)`]),
  ];
  return { text: lines.join("\n"), a, b };
}

describe("forward, reverse and second order agree", () => {
  async function faults(subject: Subject): Promise<string[]> {
    const plain = await prepare(subject);
    const { outputs } = plain.model.meta;
    const output = Object.entries(outputs).find(([, o]) => o.dtype === "f64" && o.shape.length > 0);
    const { text, a, b } = products(plain, output?.[0] ?? null);
    const start = await plain.start();
    plain.model.dispose();
    const program = await prepare(subject, text);
    await program.start();
    const [v = [], u = [], w = []] = [
      directions(start, 2)[a],
      directions(start, 3)[a],
      directions(start, 4)[b],
    ];
    const shapeOf = (name: string): readonly number[] =>
      subject.inputs[name]?.shape ?? program.model.store.get(name).shape;
    const extra: Record<string, DataTensor> = {
      net_v: { shape: shapeOf(a), data: v },
      net_u: { shape: shapeOf(a), data: u },
      net_w: { shape: shapeOf(b), data: w },
    };
    const found: string[] = [];
    let hv: readonly number[] = [];
    let gradient: readonly number[] = [];
    for (const engine of ENGINES) {
      const got = await program.run(engine, start, extra);
      const same = (what: string, x: number, y: number, scale: number): void => {
        if (!(Math.abs(x - y) <= 1e-9 * Math.max(Math.abs(x), Math.abs(y), scale)))
          found.push(`${what} on ${engine}: ${x} and ${y}`);
      };
      const slope = got["net_slope"]?.[0] ?? NaN;
      same("forward and reverse", slope, dot(got[`d ${a}`], v), length(got[`d ${a}`]) * length(v));
      same("vjp and reverse", dot(got["net_back"], v), slope, length(got["net_back"]) * length(v));
      if (output) {
        const squares = dot(got["net_jv"], got["net_jv"]);
        same("J v and J^T w", squares, dot(got["net_jw"], v), squares);
      }
      if (!EXCEPTIONS[subject.name]) {
        const size = length(got["net_hv"]) * length(u);
        same("u H v and v H u", dot(got["net_hv"], u), dot(got["net_hu"], v), size);
        same("both orders", dot(got["net_ab"], w), dot(got["net_ba"], v), length(got["net_ab"]) * length(w));
      }
      if (engine === "js:f64") [hv, gradient] = [got["net_hv"] ?? [], got[`d ${a}`] ?? []];
    }
    if (!EXCEPTIONS[subject.name]) {
      const slopes: number[] = [];
      for (const h of STEPS)
        slopes.push(dot((await program.values(moved(start, { [a]: v }, h), extra, true))[`d ${a}`], u));
      const { ok, order } = remainderOf(dot(gradient, u), slopes, dot(hv, u), length(gradient) * length(u));
      if (!ok) found.push(`Hessian product beside differences of gradients: order ${order.toFixed(2)}`);
    }
    program.model.dispose();
    return found;
  }
  // Forward mode has no way through a written adjoint, and where a function begins there are no directions.
  const subjects = SUBJECTS.filter((s) => !s.source.includes("adjoint(") && s.name !== "zero_cotangents");
  test.each(subjects.map((s) => [s.name, s] as const))("%s", async (_, subject) => {
    expect((await faults(subject)).join("\n")).toBe("");
  });
});
