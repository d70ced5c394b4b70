import { bindDims, isDeclared } from "./sizes.js";
import type { Dims, LeafSpec, ModuleSpec, Size, TensorType } from "./types.js";

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

export function metaOf(spec: ModuleSpec): Meta {
  let known: Dims = {};
  try {
    known = bindDims(spec, {}, []);
  } catch {
    // Defaults that contradict each other say nothing until dims are given.
  }
  const shown = (size: Size): Size => known[size] ?? size;
  const listed = (all: Readonly<Record<string, LeafSpec>>): Record<string, TensorMeta> =>
    Object.fromEntries(
      Object.entries(all).map(([name, { init, check, shape, range, ...rest }]) => [
        name,
        { ...rest, shape: shape.map(shown), ...(range && { range: [shown(range[0]), shown(range[1])] }) },
      ]),
    );
  const outputs = { ...spec.results };
  for (const loss of spec.losses) delete outputs[loss];
  return {
    version: spec.version,
    dims: Object.fromEntries(
      Object.keys(spec.dims)
        .filter(isDeclared)
        .map((name) => [name, known[name] ?? null]),
    ),
    inputs: listed(spec.input),
    params: listed(spec.param),
    states: listed(spec.state),
    outputs: listed(outputs),
    losses: spec.losses,
    trains: spec.trains.map(({ types, ...train }) => train),
  };
}
