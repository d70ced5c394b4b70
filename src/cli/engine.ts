import type { Target } from "../compile.js";
import type { Backend } from "../runtime/index.js";
import { nearest } from "./names.js";
import { UsageError } from "./usage.js";

interface Parts {
  /** What has to be compiled for it. */
  readonly target: Target;
  /** Where the model runs: of an engine that runs the program itself the model that binds its dims and params. */
  readonly backend: Backend;
  /** Whether it runs generated code, and not the program. */
  readonly isCompiled: boolean;
}
export const ENGINES = {
  js: { target: "js", backend: "js", isCompiled: true },
  wasm: { target: "wasm", backend: "wasm", isCompiled: true },
  webgpu: { target: "wgsl", backend: "webgpu", isCompiled: true },
  eager: { target: "js", backend: "js", isCompiled: false },
  interpreter: { target: "js", backend: "js", isCompiled: false },
} as const satisfies Readonly<Record<string, Parts>>;
export type Engine = keyof typeof ENGINES;
export const ENGINE_NAMES = Object.keys(ENGINES) as readonly Engine[];

/** Default: js. @throws UsageError for a name of none */
export function engineOf(name = "js"): Engine {
  const found = ENGINE_NAMES.find((e) => e === name);
  if (!found)
    throw new UsageError(
      `there is no engine \`${name}\`; engines are ${ENGINE_NAMES.join(", ")}${nearest(name, ENGINE_NAMES)}`,
    );
  return found;
}

/** Makes ready what engines need: WebGPU, as `prepareWebGpu` does. */
export const prepare = async (...engines: readonly Engine[]): Promise<number | null> =>
  engines.includes("webgpu") ? (await import("./webgpu.js")).prepareWebGpu() : null;
