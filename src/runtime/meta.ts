import { sizeText } from "./sizes.js";
import type { DType, ModuleSpec, SizeData, TensorSpec } from "./types.js";

/** What a module says of itself: names, shapes in dims, types, docs. Plain JSON. */
export interface Meta {
  readonly version: string;
  /** The default, or null. */
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
  const args = new Set(spec.trains.flatMap((train) => Object.values(train.argTensors)));
  const ofRole = (role: TensorSpec["role"]): Record<string, TensorMeta> =>
    Object.fromEntries(
      spec.tensors.flatMap((tensor, index) =>
        tensor.role === role && !args.has(index) ? [[tensor.name, describe(tensor)]] : [],
      ),
    );
  const target = spec.targets.js ?? spec.targets.wasm ?? spec.targets.wgsl;
  const outputs = Object.entries(target?.forward.results ?? {}).filter(
    ([name]) => !spec.losses.includes(name),
  );
  return {
    version: spec.version,
    dims: Object.fromEntries(spec.dims.map((dim) => [dim.name, dim.default ?? null])),
    inputs: ofRole("input"),
    params: ofRole("param"),
    states: ofRole("state"),
    outputs: Object.fromEntries(outputs.map(([name, index]) => [name, describe(spec.tensors[index]!)])),
    losses: spec.losses,
    trains: spec.trains.map(({ of, optimizer, args }) => ({ of, optimizer, args })),
  };
}

function describe({ shape, dtype, range, role, init, doc }: TensorSpec): TensorMeta {
  return {
    shape: shape.map(written),
    dtype,
    ...(range && { range: [written(range[0]), written(range[1])] }),
    ...(role === "input" && init?.kind === "fill" && { default: init.value }),
    ...(doc !== undefined && { doc }),
  };
}

const written = (size: SizeData): number | string => (typeof size === "number" ? size : sizeText(size));
