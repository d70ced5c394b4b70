import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { SourceMap, type SourceMapPayload } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { compile } from "../../src/index.js";
import { gradc } from "./harness.js";

const folder = mkdtempSync(join(tmpdir(), "gradc-contract-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const LAYERS = "fn twice(x: f32) -> y: f32 { y = 2 * x }\n";
const MODEL = `import { twice } from "./parts/layers.grad"
dim B, I = 3
/// Pixels.
input x: f32[B, 2 * I]
input rate: f32 = 0.1
param w: f32[I] = ones()
h[b, i] = twice(x[b, i + 1]) * w[i]
loss l = rate * mean[b, i] h[b, i]^2
train l with sgd(rate = 0.5)
`;
mkdirSync(join(folder, "parts"));
writeFileSync(join(folder, "parts", "layers.grad"), LAYERS);
writeFileSync(join(folder, "model.grad"), MODEL);

test("compile gives code, typings, source map, meta and stages; resolve serves imports", () => {
  const asked: string[] = [];
  const result = compile(MODEL, {
    filename: "a/model.grad",
    dims: { I: 5 },
    resolve: (specifier, importer) => (asked.push(`${importer} ${specifier}`), LAYERS),
  });
  expect(result.diagnostics).toEqual([]);
  expect(asked).toEqual(["a/model.grad ./parts/layers.grad"]);
  expect(result.meta).toEqual({
    version: expect.any(String) as string,
    dims: { B: null, I: 5 },
    inputs: {
      x: { shape: ["B", 10], dtype: "f32", doc: "Pixels." },
      rate: { shape: [], dtype: "f32", default: expect.closeTo(0.1) as number },
    },
    params: { w: { shape: [5], dtype: "f32" } },
    states: {},
    outputs: {},
    losses: ["l"],
    trains: [{ of: "l", optimizer: "sgd", args: expect.objectContaining({ rate: 0.5 }) as object }],
  });
  const map = JSON.parse(result.map) as SourceMapPayload;
  expect(map.version).toBe(3);
  expect(map.sources).toContain("a/model.grad");
  expect(result.code).not.toContain("sourceMappingURL");
});

test("a source with errors gives no code, no map and no meta, and still its tokens and tree", () => {
  const result = compile("y = (1 + ]\nloss l = q");
  expect(result).toMatchObject({ ok: false, code: "", dts: "", map: "", meta: null });
  expect(result.stage("tokens")).toContain("loss");
  expect(result.stage("ast")).toContain('"loss"');
  expect(() => result.stage("js")).toThrow(/has errors/);
  expect(() => result.stage("nonsense")).toThrow(RangeError);
});

test("imports nest: a file's imports are relative to itself", () => {
  const files: Record<string, string> = {
    "x/parts/a.grad": 'import { two } from "../deep/b.grad"\nfn f(x: f32) = two(x)',
    "x/deep/b.grad": "fn two(x: f32) = 2 * x",
  };
  const importers: string[] = [];
  const { ok } = compile('import { f } from "./parts/a.grad"\ninput x: f32\nloss l = f(x)', {
    filename: "x/model.grad",
    resolve: (specifier, importer) => {
      importers.push(importer);
      return files[join(importer, "..", specifier)] ?? null;
    },
  });
  expect(ok).toBe(true);
  expect(importers).toEqual(["x/model.grad", "x/parts/a.grad"]);
});

test("build writes the module, typings and a map that leads each loop to its equation's line", async () => {
  const out = join(folder, "out");
  expect(await gradc("build", join(folder, "model.grad"), "-o", out)).toEqual({
    status: 0,
    out: "",
    err: "",
  });
  const code = readFileSync(join(out, "model.js"), "utf8");
  expect(code.trimEnd().endsWith("//# sourceMappingURL=model.js.map")).toBe(true);
  expect(readFileSync(join(out, "model.d.ts"), "utf8")).toContain("readonly x: TensorInput");
  const payload = JSON.parse(readFileSync(join(out, "model.js.map"), "utf8")) as SourceMapPayload;
  expect(payload.sources).toEqual(["../model.grad", "std/optim"]);
  expect(payload.sourcesContent).toEqual([MODEL, expect.stringContaining("optimizer sgd")]);
  // This class is what Node's stack traces are mapped with under --enable-source-maps.
  const map = new SourceMap(payload);
  const lines = code.split("\n");
  const loops = lines.flatMap((line, k) => (line.includes("for (") ? [k] : []));
  const leads = loops.flatMap((k) => {
    const entry = map.findEntry(k, lines[k]?.search(/\S/) ?? 0);
    if (!("originalLine" in entry)) return ["nowhere"];
    return entry.originalSource.endsWith(".grad") ? [MODEL.split("\n")[entry.originalLine]] : [];
  });
  expect(leads.length).toBeGreaterThan(1);
  // The loops compute h, the loss, and the gradient of w, whose place is that of w.
  for (const line of leads) expect(line).toMatch(/^(h\[|loss l|param w)/);
  expect(leads.some((line) => line?.startsWith("loss l"))).toBe(true);
});

test("two files of one name are an error, and so is no folder", async () => {
  const file = join(folder, "model.grad");
  writeFileSync(join(folder, "parts", "model.grad"), MODEL);
  expect((await gradc("build", file, join(folder, "parts", "model.grad"), "-o", folder)).status).toBe(1);
  expect((await gradc("build", file)).status).toBe(2);
});

test("dims are those of the source, in its order; sizes made of them are told by their definition", () => {
  const source =
    "dim B, D = 8, H = 2, E = D / H\ninput x: f32[B, E]\nparam W: f32[D / H, 2 * H]\noutput y[b, k] = sum[e] x[b, e] * W[e, k]";
  const { meta, dts } = compile(source, { dims: { D: 6 } });
  expect(meta?.dims).toEqual({ B: null, D: 6, H: 2, E: 3 });
  expect(Object.keys(meta?.dims ?? {})).toEqual(["B", "D", "H", "E"]);
  expect(meta?.params["W"]?.shape).toEqual([3, 4]);
  const [, dims] = /export interface Dims \{\n([^}]*)\}/.exec(dts) ?? [];
  expect(dims?.match(/\w+\?/g)).toEqual(["B?", "D?", "H?", "E?"]);
});

test("options that no program could have are the caller's fault; those about the program are diagnostics", () => {
  const source = "dim N\ninput x: f32[N]\nparam w: f32\nloss l = w * sum[i] x[i]";
  expect(() => compile(source, { targets: ["cuda" as "js"] })).toThrow(/no target `cuda`/);
  expect(() => compile(source, { precision: "f16" as "f32" })).toThrow(/f32 or f64/);
  expect(() => compile(source, { off: ["speed"] })).toThrow(RangeError);
  const told = (options: Parameters<typeof compile>[1]) =>
    compile(source, options).diagnostics.map((d) => `${d.code} ${d.span.start.offset}-${d.span.end.offset}`);
  expect(told({ dims: { N: -1 } })).toEqual(["GRAD3008 4-5"]);
  expect(told({ dims: { N: 1.5 } })).toEqual(["GRAD3008 4-5"]);
  expect(told({ dims: { M: 1 } })).toEqual(["GRAD2001 0-0"]);
  expect(told({ wrt: ["w", "v"] })).toEqual(["GRAD2001 0-0"]);
  expect(told({ precision: "f64", targets: ["wgsl"] })).toEqual(["GRAD5002 0-0"]);
  expect(told({ wrt: ["x", "w"] })).toEqual([]);
});

test("places count UTF-16 units from 1, in every part of a diagnostic", () => {
  const source = "input 𝒳: f32 // 😀\noutput y = /* 😀 */ 𝒳 + hiden\nhidden = 𝒳";
  expect(compile(source).diagnostics).toEqual([
    {
      code: "GRAD2001",
      severity: "error",
      message: "there is no name `hiden`",
      file: "model.grad",
      span: {
        start: { line: 2, column: 26, offset: source.indexOf("hiden") },
        end: { line: 2, column: 31, offset: source.indexOf("hiden") + 5 },
      },
      related: [],
      help: "did you mean `hidden`?",
      fix: {
        span: {
          start: { line: 2, column: 26, offset: source.indexOf("hiden") },
          end: { line: 2, column: 31, offset: source.indexOf("hiden") + 5 },
        },
        text: "hidden",
      },
    },
  ]);
});

test("what was compiled before decides no byte of what is compiled next", () => {
  const [a, b] = [MODEL, "dim N\ninput x: f32[N]\nparam w: f32[N]\nloss l = sum[i] tanh(w[i] * x[i])"];
  const options = { targets: ["js", "wasm", "wgsl"] as const, resolve: () => LAYERS };
  const first = compile(a, options);
  compile(b, options);
  const again = compile(a, options);
  for (const key of ["code", "dts", "map"] as const) expect(again[key]).toBe(first[key]);
  for (const stage of ["ir", "optimized", "kernels", "wat"])
    expect(again.stage(stage)).toBe(first.stage(stage));
});
