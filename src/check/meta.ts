import type { DType } from "../ir/expr.js";
import type { Poly } from "../ir/poly.js";
import type { Leaf, Program, Value } from "../ir/program.js";
import { showSize } from "./term.js";

/** What callers of a compiled model may know of it: names, types, shapes. Sizes are numbers where dims have values. */
export interface Meta {
  readonly version: 1;
  readonly dims: Readonly<Record<string, number | null>>;
  readonly inputs: Readonly<Record<string, TensorMeta>>;
  readonly params: Readonly<Record<string, TensorMeta>>;
  readonly states: Readonly<Record<string, TensorMeta>>;
  readonly outputs: Readonly<Record<string, TensorMeta>>;
  readonly losses: readonly string[];
  readonly trains: readonly {
    readonly of: string;
    readonly optimizer: string;
    readonly args: Readonly<Record<string, number>>;
  }[];
}
export interface TensorMeta {
  readonly shape: readonly (number | string)[];
  readonly dtype: DType;
  readonly range?: readonly [number | string, number | string];
  readonly default?: number;
  readonly doc?: string;
}

export function metaOf(program: Pick<Program, "dims" | "values" | "outputs" | "losses" | "trains">): Meta {
  const known = new Map<string, number>();
  for (const dim of program.dims) if (dim.default !== undefined) known.set(dim.name, dim.default);
  const size = (p: Poly): number | string => {
    const open = p.hasOpaque || p.indices.size > 0 || [...p.dims].some((name) => !known.has(name));
    return open ? showSize(p) : p.evaluate((a) => (a.kind === "dim" ? (known.get(a.name) ?? 0) : 0));
  };
  const tensor = (value: Value): TensorMeta => {
    const leaf = value.definition.kind === "leaf" ? value.definition : undefined;
    const { range, init } = leaf ?? {};
    return {
      shape: value.shape.map(size),
      dtype: value.dtype,
      ...(range ? { range: [size(range.lo), size(range.hi)] as const } : {}),
      ...(leaf?.role === "input" && init?.kind === "fill" ? { default: init.value } : {}),
      ...(value.doc ? { doc: value.doc } : {}),
    };
  };
  const all = [...program.values.values()];
  const withRole = (role: Leaf["role"]): Record<string, TensorMeta> =>
    Object.fromEntries(
      all
        .filter(
          (v) => v.definition.kind === "leaf" && v.definition.role === role && !v.name.startsWith("train/"),
        )
        .map((v) => [v.name, tensor(v)]),
    );
  const outputs = program.outputs.flatMap(({ name, value }) => {
    const found = program.values.get(value);
    return found ? [[name, tensor(found)] as const] : [];
  });
  return {
    version: 1,
    dims: Object.fromEntries(program.dims.map((d) => [d.name, d.default ?? null])),
    inputs: withRole("input"),
    params: withRole("param"),
    states: withRole("state"),
    outputs: Object.fromEntries(outputs),
    losses: program.losses,
    trains: program.trains.map((t) => ({
      of: t.loss,
      optimizer: t.optimizer,
      args: Object.fromEntries(t.args.map((a) => [a.name, a.value])),
    })),
  };
}
