import type { NamedTensor } from "../runtime/index.js";

/** For `JSON.stringify`: NaN and infinities as strings, as JSON has no others. */
export const spelled = (_: string, value: unknown): unknown =>
  typeof value === "number" && !Number.isFinite(value) ? String(value) : value;

export interface RunResult {
  readonly engine: string;
  readonly dims: Readonly<Record<string, number>>;
  readonly outputs: Readonly<Record<string, NamedTensor>>;
  /** By loss, then by name. */
  readonly grads?: Readonly<Record<string, Readonly<Record<string, NamedTensor>>>>;
}

/** What `run --json` prints: numbers with all their digits. */
export const resultToJson = ({ engine, dims, outputs, grads = {} }: RunResult): string =>
  JSON.stringify(
    {
      engine,
      dims,
      outputs: plain(outputs),
      grads: Object.fromEntries(Object.entries(grads).map(([loss, of]) => [loss, plain(of)])),
    },
    spelled,
  );

const plain = (tensors: Readonly<Record<string, NamedTensor>>): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(tensors).map(([name, { shape, dtype, data }]) => [
      name,
      { shape, dtype, data: Array.from(data) },
    ]),
  );
