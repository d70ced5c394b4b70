import { buildSync } from "esbuild";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { runOnAll } from "./child.js";

const path = (file: string): string => fileURLToPath(new URL(file, import.meta.url));
// Below node_modules, so that it finds the package `webgpu`.
const bundle = path("../../node_modules/.cache/gradc-tests/runtime-cases.mjs");
buildSync({
  entryPoints: [path("runtime-cases.ts")],
  outfile: bundle,
  bundle: true,
  platform: "node",
  format: "esm",
  external: ["webgpu"],
});

type Case = { readonly title: string; readonly error: string | null };
const runs = await runOnAll<Case[]>(bundle, null);
describe.each(runs)("the WebGPU device with $compiler", ({ answer }) => {
  it("is there, and all cases ran", () => expect(answer).toHaveLength(11));
  it.each(answer ?? [])("$title", ({ error }) => expect(error).toBeNull());
});
