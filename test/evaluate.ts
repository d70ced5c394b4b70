import { readFileSync } from "node:fs";
import { withDefinitions } from "../src/ir/dims.js";
import type { ValueId } from "../src/ir/expr.js";
import { interpret } from "../src/ir/interpret.js";
import { Poly } from "../src/ir/poly.js";
import type { Program } from "../src/ir/program.js";

interface Tensor {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}
/** What `NAME.data.json` of a test program holds. */
export interface Data {
  readonly dims?: Readonly<Record<string, number>>;
  readonly inputs?: Readonly<Record<string, unknown>>;
  readonly params?: Readonly<Record<string, unknown>>;
}
export const readData = (file: string): Data => JSON.parse(readFileSync(file, "utf8")) as Data;

function tensorOf(value: unknown): Tensor {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    const { shape, data } = value as Tensor;
    return { shape, data: data.map(Number) };
  }
  const shape: number[] = [];
  for (let level = value; Array.isArray(level); level = level[0] as unknown) shape.push(level.length);
  const flat = (v: unknown): number[] => (Array.isArray(v) ? v.flatMap(flat) : [Number(v)]);
  return { shape, data: flat(value) };
}

/** The dims as data and defaults bind them; enough for axes that are a dim and a number. */
export function boundDims(program: Program, data: Data): Record<string, number> {
  const dims: Record<string, number> = {};
  for (const dim of program.dims) if (dim.default !== undefined) dims[dim.name] = dim.default;
  Object.assign(dims, data.dims);
  const given = new Map(Object.entries({ ...data.inputs, ...data.params }));
  for (const value of program.values.values()) {
    const tensor = given.has(value.name) ? tensorOf(given.get(value.name)) : undefined;
    value.shape.forEach((size, k) => {
      const [name] = [...size.dims];
      const rest = name === undefined ? undefined : size.sub(Poly.dim(name)).constant;
      if (tensor && name !== undefined && rest !== undefined) dims[name] ??= (tensor.shape[k] ?? 0) - rest;
    });
  }
  return withDefinitions(program.dims, dims);
}

/** Outputs by name and gradients as `LOSS/NAME`, in float64 from the interpreter. Leaves without data are their fill, or 0. */
export function evaluated(program: Program, data: Data): Record<string, readonly number[]> {
  const dims = boundDims(program, data);
  const given = new Map(Object.entries({ ...data.inputs, ...data.params }));
  const leaves = new Map<string, ArrayLike<number>>();
  const args = new Map(program.trains.flatMap((t) => t.args).map((a) => [a.leaf, a.value]));
  for (const value of program.values.values()) {
    if (value.definition.kind !== "leaf") continue;
    const { init } = value.definition;
    const size = value.shape.reduce(
      (n, s) => n * s.evaluate((a) => (a.kind === "dim" ? (dims[a.name] ?? NaN) : NaN)),
      1,
    );
    const fill = args.get(value.id) ?? (init?.kind === "fill" ? init.value : 0);
    leaves.set(
      value.name,
      given.has(value.name)
        ? tensorOf(given.get(value.name)).data
        : init?.kind === "values"
          ? init.data
          : new Float64Array(size).fill(fill),
    );
  }
  const values = interpret(program, dims, leaves);
  const at = (id: ValueId): readonly number[] => Array.from(values.get(id)?.data ?? []);
  return Object.fromEntries([
    ...program.outputs.map((o) => [o.name, at(o.value)] as const),
    ...program.gradients.map((g) => [`${g.loss}/${g.wrt}`, at(g.value)] as const),
  ]);
}
