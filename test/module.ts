import { buildSync } from "esbuild";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { compile, type CompileOptions } from "../src/compile.js";
import * as runtime from "../src/runtime/index.js";
import type { CreateOptions, Model } from "../src/runtime/index.js";

const runtimeFile = fileURLToPath(new URL("../src/runtime/index.ts", import.meta.url));
const folder = fileURLToPath(new URL(".", import.meta.url));
let modules = 0;

type Create = (options: CreateOptions) => Promise<Model>;

/** `create` of a generated module, over the runtime that the test itself imports, which it may look into. */
export function createFrom(code: string): Create {
  const body = code
    .replace(/^import (\{.*\}) from .*$/m, "const $1 = runtime;")
    .replace(/^export const meta .*$/m, "")
    .replace("export const create =", "return");
  return new Function("runtime", body)(runtime) as Create;
}

/** `create` of a program's generated module, in one file with the runtime, as a bundler makes it. */
export async function createOf(source: string, options: CompileOptions): Promise<Create> {
  const { code, diagnostics } = compile(source, { ...options, runtimeImport: runtimeFile });
  const errors = diagnostics.filter((d) => d.severity === "error");
  if (errors.length > 0) throw new Error(errors.map((d) => d.message).join("\n"));
  const place = mkdtempSync(join(tmpdir(), "gradc-test-"));
  const outfile = join(place, "model.mjs");
  buildSync({
    stdin: { contents: code, resolveDir: folder, loader: "js" },
    bundle: true,
    format: "esm",
    outfile,
  });
  const url = `${pathToFileURL(outfile).href}?${++modules}`;
  const module = (await import(/* @vite-ignore */ url)) as { create: Create };
  rmSync(place, { recursive: true });
  return module.create;
}
