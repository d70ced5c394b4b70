import { bindDims } from "./sizes.js";
import type { Dims, ModuleSpec, Size, TensorType, LeafSpec } from "./types.js";

/**
 * What a module says of itself: names, shapes, types, docs. Plain JSON. A size is a number where the dims' defaults
 * give it one, else its text.
 */
export interface Meta {
  readonly version: string;
  /** The default or what follows from others' defaults, or null. */
  readonly dims: Readonly<Record<string, number | null>>;
  readonly inputs: Readonly<Record<string, TensorMeta>>;
  readonly params: Readonly<Record<string, TensorMeta>>;
  readonly states: Readonly<Record<string, TensorMeta>>;
  /** Without the losses. */
  readonly outputs: Readonly<Record<string, TensorMeta>>;
  readonly losses: readonly string[];
  readonly trains: readonly {
    readonly of: string;
    readonly optimizer: string;
    readonly args: Readonly<Record<string, number>>;
  }[];
}
export interface TensorMeta extends TensorType {
  readonly range?: readonly [Size, Size];
  readonly default?: number;
  readonly doc?: string;
}

export function metaOf({ version, dims, sizes, tensors, results, losses, trains }: ModuleSpec): Meta {
  let known: Dims = {};
  try {
    known = bindDims(dims, sizes, {}, []);
  } catch {
    // Defaults that contradict each other say nothing until dims are given.
  }
  const shown = (size: Size): Size => known[size] ?? size;
  const listed = (
    all: readonly (TensorType & Partial<LeafSpec> & { readonly name: string })[],
  ): Record<string, TensorMeta> =>
    Object.fromEntries(
      all.map(({ name, role, init, of, shape, range, ...rest }) => [
        name,
        { ...rest, shape: shape.map(shown), ...(range && { range: [shown(range[0]), shown(range[1])] }) },
      ]),
    );
  const ofRole = (role: string): Record<string, TensorMeta> =>
    listed(tensors.filter((leaf) => leaf.role === role));
  return {
    version,
    dims: Object.fromEntries(Object.keys(dims).map((name) => [name, known[name] ?? null])),
    inputs: ofRole("input"),
    params: ofRole("param"),
    states: ofRole("state"),
    outputs: listed(
      Object.entries(results).flatMap(([name, type]) => (losses.includes(name) ? [] : { ...type, name })),
    ),
    losses,
    trains: trains.map((train) => ({
      ...train,
      args: Object.fromEntries(
        tensors.flatMap(({ of, name, default: value = 0 }) => (of === train.of ? [[name, value]] : [])),
      ),
    })),
  };
}
