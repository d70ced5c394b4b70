// What the scripts beside this file share. They run apart from the test runner, whose workers Dawn's threads don't
// survive, in Node (Dawn, whose shader compiler is Tint) or in Deno (wgpu, whose shader compiler is naga).
import process from "node:process";

const isDeno = "Deno" in globalThis;

/** Dawn's instance lives as long as this: devices do not keep it. */
let instance;

/** @returns {Promise<GPU>} */
export async function openGpu() {
  if (isDeno) return navigator.gpu;
  const { create, globals } = await import("webgpu");
  Object.assign(globalThis, globals);
  return (instance ??= create([]));
}

/** What came on standard input, as JSON. */
export async function request() {
  process.stdin.setEncoding("utf8");
  let text = "";
  for await (const part of process.stdin) text += part;
  return JSON.parse(text);
}

/**
 * Ends the process with a value on standard output; JSON has no NaN and no infinities, so they are strings.
 * @returns {Promise<never>}
 */
export function answer(value) {
  const text = JSON.stringify(value, (_, v) =>
    typeof v === "number" && !Number.isFinite(v) ? String(v) : v,
  );
  return new Promise(() => process.stdout.write(text, () => process.exit(0)));
}

/** A device; ends the process with null where there is no adapter. */
export async function openDevice() {
  const gpu = await openGpu();
  const adapter = (await gpu.requestAdapter()) ?? (await answer(null));
  return { gpu, adapter, device: await adapter.requestDevice() };
}
