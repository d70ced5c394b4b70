import type { HostInput, Model } from "../src/runtime/index.js";

/** Numbers spread evenly between -`of` and `of`, the same each time. */
export const numbers = (length: number, of = 1): Float32Array =>
  Float32Array.from({ length }, (_, k) => of * (2 * (((k + 1) * 0.6180339887) % 1) - 1));

type Results = Readonly<Record<string, Float32Array>>;
/** Losses, outputs and gradients of a model of f32. */
export async function resultsOf(
  model: Model,
  inputs: Readonly<Record<string, HostInput>> = {},
): Promise<Results> {
  const { grads, ...rest } = model.backward(inputs);
  const read = Object.entries({ ...rest, ...grads }).map(
    async ([name, t]) => [name, await t.read()] as const,
  );
  return Object.fromEntries(await Promise.all(read)) as Results;
}
/** Names of results that have not the same bits. */
export const differing = (a: Results, b: Results): string[] =>
  Object.keys(a).filter(
    (name) => !b[name] || !Buffer.from(a[name]!.buffer).equals(Buffer.from(b[name].buffer)),
  );
