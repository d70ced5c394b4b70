import { DataError } from "./errors.js";
import { bindDims, evaluate, openDim, sizeText, type Dims } from "./sizes.js";
import type { DType, ModuleSpec, SizeData, TensorSpec } from "./types.js";

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
export interface TensorMeta {
  readonly shape: readonly (number | string)[];
  readonly dtype: DType;
  readonly range?: readonly [number | string, number | string];
  readonly default?: number;
  readonly doc?: string;
}

export function metaOf(spec: ModuleSpec): Meta {
  const known = defaultsOf(spec);
  const args = new Set(spec.trains.flatMap((train) => Object.values(train.argTensors)));
  const ofRole = (role: TensorSpec["role"]): Record<string, TensorMeta> =>
    Object.fromEntries(
      spec.tensors.flatMap((tensor, index) =>
        tensor.role === role && !args.has(index) ? [[tensor.name, describe(tensor, known)]] : [],
      ),
    );
  const target = spec.targets.js ?? spec.targets.wasm ?? spec.targets.wgsl;
  const outputs = Object.entries(target?.forward.results ?? {}).filter(
    ([name]) => !spec.losses.includes(name),
  );
  return {
    version: spec.version,
    dims: Object.fromEntries(spec.dims.map((dim) => [dim.name, known.get(dim.name)?.value ?? null])),
    inputs: ofRole("input"),
    params: ofRole("param"),
    states: ofRole("state"),
    outputs: Object.fromEntries(
      outputs.map(([name, index]) => [name, describe(spec.tensors[index]!, known)]),
    ),
    losses: spec.losses,
    trains: spec.trains.map(({ of, optimizer, args }) => ({ of, optimizer, args })),
  };
}

function describe({ shape, dtype, range, role, init, doc }: TensorSpec, known: Dims): TensorMeta {
  const written = (size: SizeData): number | string =>
    openDim([size], known) === undefined ? evaluate(size, known) : sizeText(size);
  return {
    shape: shape.map(written),
    dtype,
    ...(range && { range: [written(range[0]), written(range[1])] }),
    ...(role === "input" && init?.kind === "fill" && { default: init.value }),
    ...(doc !== undefined && { doc }),
  };
}

/** Defaults and what follows from them; defaults that contradict each other say nothing until dims are given. */
function defaultsOf(spec: ModuleSpec): Dims {
  try {
    return bindDims(spec.dims, new Map(), []);
  } catch (error) {
    if (error instanceof DataError) return new Map();
    throw error;
  }
}
