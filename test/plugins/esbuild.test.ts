import { build } from "esbuild";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { grad } from "../../src/plugins/esbuild.js";

const RUNTIME = resolve("src/runtime/index.ts");

async function bundle(source: string, targets: ("js" | "wgsl")[]): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "gradc-"));
  try {
    writeFileSync(join(folder, "model.grad"), source);
    writeFileSync(
      join(folder, "app.js"),
      `import { create } from "./model.grad"; globalThis.started = create({ backend: "js" });`,
    );
    const { outputFiles } = await build({
      entryPoints: [join(folder, "app.js")],
      bundle: true,
      minify: true,
      format: "esm",
      write: false,
      logLevel: "silent",
      plugins: [grad({ targets, runtimeImport: RUNTIME })],
    });
    return outputFiles[0]?.text ?? "";
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
const MODEL =
  "dim B, I, H\ninput x: f32[B, I], y: f32[B, H]\nparam w: f32[I, H] = he_normal()\nz[b, h] = sum[i] x[b, i] * w[i, h]\nloss l = mean[b, h] (z[b, h] - y[b, h])^2\ntrain l with sgd(rate = 0.1)";

test("a page imports a .grad file, without eval", async () => {
  const text = await bundle(MODEL, ["js", "wgsl"]);
  expect(text).toContain("@compute");
  expect(text).not.toMatch(/\beval\(|new Function\b/);
});

test("a module for js alone carries no WebGPU and stays small", async () => {
  const text = await bundle(MODEL, ["js"]);
  expect(text).not.toContain("requestAdapter");
  const size = gzipSync(text).length;
  console.log(`js page with a linear model: ${size} bytes, gzip`);
  expect(size).toBeLessThan(16_000);
});

test("an error in the model is a build error at its place", async () => {
  await expect(bundle("dim N\ninput x: f32[N]\nloss l = sum[n] y[n]", ["js"])).rejects.toMatchObject({
    errors: [{ location: { line: 3 } }],
  });
});
