import { writeFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { CompileResult, Target } from "../compile.js";
import type { Backend, CreateOptions, Model } from "../runtime/index.js";
import type { LoadedData } from "./data.js";
import type { Options } from "./main.js";
import { checkNames, didYouMean } from "./names.js";
import { dimsOf, wholeOf } from "./options.js";
import { UsageError } from "./usage.js";

/** Where a generated module finds the runtime of this very installation. */
export const RUNTIME_URL = new URL("../runtime/index.js", import.meta.url).href;

let instances = 0;

/** Imports a generated module (compiled with `runtimeImport: RUNTIME_URL`) and creates the model. */
export async function instantiate(
  result: Pick<CompileResult, "code">,
  options: CreateOptions,
): Promise<Model> {
  const folder = mkdtempSync(join(tmpdir(), "gradc-"));
  try {
    const file = join(folder, "model.mjs");
    writeFileSync(file, result.code);
    // Modules are known by their URLs, and a folder's name may come again once the folder is gone.
    const module: { create: (options: CreateOptions) => Promise<Model> } = await import(
      `${pathToFileURL(file).href}?${++instances}`
    );
    return await module.create(options);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The model with the sizes, params and seed that its data and the command line give. */
export function modelWith(
  compiled: Pick<CompileResult, "code" | "meta">,
  backend: Backend,
  data: LoadedData,
  options: Options,
): Promise<Model> {
  const dims = { ...data.dims, ...dimsOf(options) };
  if (compiled.meta) checkNames({ ...data, dims }, compiled.meta);
  return instantiate(compiled, {
    backend,
    dims,
    seed: wholeOf(options, "seed", 0) ?? 0,
    params: data.params,
  });
}

const ENGINES = ["js", "wasm", "webgpu", "eager", "interpreter"] as const;
export type Engine = (typeof ENGINES)[number];
/** What has to be compiled for an engine, and where the model then runs. */
export function engineParts(engine: Engine): { target: Target; backend: "js" | "wasm" | "webgpu" } {
  if (engine === "webgpu") return { target: "wgsl", backend: "webgpu" };
  return engine === "wasm" ? { target: "wasm", backend: "wasm" } : { target: "js", backend: "js" };
}
export function engineOf(name: string | undefined): Engine {
  const found = ENGINES.find((e) => e === (name ?? "js"));
  if (!found)
    throw new UsageError(
      `there is no engine \`${name}\`; engines are ${ENGINES.join(", ")}${didYouMean(name ?? "", ENGINES)}`,
    );
  return found;
}
