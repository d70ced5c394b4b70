import { writeFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { CompileResult } from "../compile.js";
import type { Backend, CreateOptions, Model } from "../runtime/index.js";
import type { LoadedData } from "./data.js";
import { checkNames } from "./names.js";
import { dimsOf, wholeOf, type Options } from "./options.js";

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
