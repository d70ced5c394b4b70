import { build } from "esbuild";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { table } from "../report.mjs";

const { grad } = await import("../../dist/plugins/esbuild.js");
const { RUNTIME_URL } = await import("../../dist/cli/model.js");

/** KB of a page that trains W2, from the goals. */
const AT_MOST = { js: 8, wasm: 12, wgsl: 14 };
const TARGETS = { js: ["js"], wasm: ["wasm"], wgsl: ["wgsl"], all: ["js", "wasm", "wgsl"] };

const bytes = (text) => gzipSync(text, { level: 9 }).length;

/** A page's script: `app` may import `./model.grad`. Minified. */
export async function bundle(source, targets, app) {
  const folder = mkdtempSync(join(tmpdir(), "gradc-page-"));
  try {
    writeFileSync(join(folder, "model.grad"), source);
    writeFileSync(join(folder, "app.js"), app);
    const { outputFiles } = await build({
      entryPoints: [join(folder, "app.js")],
      bundle: true,
      minify: true,
      format: "esm",
      write: false,
      logLevel: "silent",
      plugins: [grad({ targets, runtimeImport: new URL(RUNTIME_URL).pathname })],
    });
    return outputFiles[0].text;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
const PAGE = `import { create } from "./model.grad"; globalThis.model = create();`;

/** Bytes of pages, minified and compressed: module and runtime for each workload and target; of `W2` the parts too. */
export async function pageSizes(workloads) {
  const rows = [["", ...Object.keys(TARGETS)]];
  const data = {};
  for (const { name, source } of workloads) {
    const sizes = {};
    for (const [target, targets] of Object.entries(TARGETS))
      sizes[target] = bytes(await bundle(source, targets, PAGE));
    data[name] = sizes;
    rows.push([name, ...Object.values(sizes).map(String)]);
  }
  // What does not depend on the model.
  const least = {};
  for (const [target, targets] of Object.entries(TARGETS))
    least[target] = bytes(await bundle("param p: f32\nloss l = p", targets, PAGE));
  rows.push(["smallest model", ...Object.values(least).map(String)]);
  rows.push(["goal for W2", ...Object.keys(TARGETS).map((t) => (AT_MOST[t] ? `${AT_MOST[t]}000` : ""))]);
  return {
    text: `Page of module and runtime, minified, gzip, bytes\n${table(rows)}`,
    data: { ...data, least },
  };
}
