import { buildSync } from "esbuild";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { toBase64, toDense } from "../../src/codegen/module/binary.js";
import { dataText } from "../../src/codegen/module/data.js";
import { emitModule, emitTypings } from "../../src/codegen/module/emit.js";
import { buildModuleSpec } from "../../src/codegen/module/spec.js";
import { fromBase64, fromDense } from "../../src/runtime/binary.js";
import type { Meta, Model } from "../../src/runtime/index.js";
import { verifyScheduled } from "../../src/schedule/kernel/verify.js";
import { PROGRAM, SCHEDULED, SOURCE } from "./regression.js";

const OPTIONS = { version: "0.0.0", wrt: ["w"] };
const root = fileURLToPath(new URL("../..", import.meta.url));
const runtime = fileURLToPath(new URL("../../src/runtime/index.ts", import.meta.url));
const emitted = (targets: { js?: true; wgsl?: true }, runtimeImport?: string) => {
  const modules = { ...(targets.js && { js: SCHEDULED }), ...(targets.wgsl && { wgsl: SCHEDULED }) };
  const sources = new Map([["regression.grad", SOURCE]]);
  return emitModule(buildModuleSpec(PROGRAM, OPTIONS), modules, {
    name: "regression",
    sources,
    ...(runtimeImport !== undefined && { runtimeImport }),
  });
};
/** One file with the runtime in it, as a bundler makes it. */
function bundled(code: string): string {
  const { outputFiles } = buildSync({
    stdin: { contents: code, resolveDir: root, loader: "js" },
    bundle: true,
    format: "esm",
    minify: true,
    write: false,
  });
  return outputFiles[0]?.text ?? "";
}
interface Generated {
  readonly meta: Meta;
  create(options?: object): Promise<Model>;
}

describe("a generated module", () => {
  const { code, map } = emitted({ js: true }, runtime);

  it("comes from kernels and launches that the verifier accepts", () => {
    expect(() => verifyScheduled(SCHEDULED)).not.toThrow();
  });
  it("runs, and learns", async () => {
    const url = `data:text/javascript;base64,${Buffer.from(bundled(code)).toString("base64")}`;
    const { create, meta } = (await import(/* @vite-ignore */ url)) as Generated;
    expect(meta.inputs["x"]?.shape).toEqual(["B", 2]);
    expect(meta.trains).toEqual([{ of: "mse", optimizer: "sgd", args: { rate: 0.1 } }]);
    const model = await create();
    const inputs = { x: Float32Array.of(1, 0, 0, 1, 1, 1), t: Float32Array.of(2, -1, 1) };
    const { mse, grads, column } = model.backward(inputs);
    expect(await mse?.item()).toBe(2);
    expect(column?.shape).toEqual([3, 1]);
    expect([...((await grads["w"]?.read()) ?? [])].map((g) => Math.round(g * 1e6) / 1e6)).toEqual([-2, 0]);
    for (let n = 0; n < 200; n++) model.step(inputs, { rate: 0.5 });
    const trained = await model.store.get("w").read();
    expect(Math.abs((trained[0] ?? NaN) - 2) + Math.abs((trained[1] ?? NaN) + 1)).toBeLessThan(1e-5);
    model.dispose();
  });
  it("is the same bytes for the same input", () => {
    expect(emitted({ js: true }, runtime)).toEqual({ code, map });
  });
  it("imports the devices of its targets and no other", () => {
    const imports = (targets: { js?: true; wgsl?: true }): string | undefined =>
      emitted(targets)
        .code.split("\n")
        .find((l) => l.startsWith("import"));
    expect(imports({ js: true })).toContain("jsDevice");
    expect(imports({ js: true })).not.toContain("webgpuDevice");
    expect(imports({ wgsl: true })).not.toContain("jsDevice");
    expect(bundled(code)).not.toContain("createComputePipeline");
  });
  it("maps each kernel's loops to the equation", () => {
    const lines = code.split("\n");
    const { mappings, sources, sourcesContent } = JSON.parse(map) as Record<string, unknown>;
    expect(sources).toEqual(["regression.grad"]);
    expect(sourcesContent).toEqual([SOURCE]);
    const groups = String(mappings).split(";");
    const mapped = lines.filter((_, k) => groups[k]);
    expect(mapped.filter((l) => l.includes("for (")).length).toBe(
      lines.filter((l) => l.includes("for (")).length,
    );
    expect(mapped.every((l) => !l.startsWith("//"))).toBe(true);
  });
  it("keeps its shaders readable", () => {
    const wgsl = emitted({ wgsl: true }).code;
    expect(wgsl).toContain("\n@group(0) @binding(0) var<storage, read> x: array<f32>;\n");
    expect(wgsl).toContain("\n      k.k_y(t[0], t[2], y, B, I, B);\n");
  });
});

describe("typings", () => {
  it("carry names, shapes and what may be left out", () => {
    expect(emitTypings(buildModuleSpec(PROGRAM, OPTIONS))).toMatchInlineSnapshot(`
      "import type { CreateOptions, HostInput, Meta, Model, Tensor, TensorInput } from "gradc/runtime";

      export interface Inputs {
        /** \`f32[B, I]\` */
        readonly x: TensorInput;
        /** \`f32[B]\` */
        readonly t: TensorInput;
      }

      export interface Results {
        /** \`f32[B]\` */
        readonly y: Tensor;
        /** \`f32[B, 1]\` */
        readonly column: Tensor;
        /** \`f32\` */
        readonly mse: Tensor;
      }

      export interface Grads {
        /** \`f32[I]\`: one for each feature */
        readonly w: Tensor;
      }

      /** Which \`train\` (default the first), and its optimizer's arguments. */
      export type StepOptions = {
        readonly of?: "mse";
        /** default 0.1 */
        readonly rate?: number;
      };

      export interface Params {
        /** \`f32[I]\`, default 0: one for each feature */
        readonly w?: HostInput;
      }

      export interface Dims {
        readonly B?: number;
        /** default 2 */ readonly I?: number;
      }

      export interface Options extends Omit<CreateOptions, "dims" | "params"> {
        readonly dims?: Dims;
        /** Safetensors bytes, or named arrays. */
        readonly params?: Uint8Array | ArrayBuffer | Params;
      }

      export declare function create(options?: Options): Promise<Model<Inputs, Results, Grads, StepOptions>>;
      export declare const meta: Meta;
      "
    `);
  });
});

describe("bytes as text", () => {
  const bytes = Uint8Array.from({ length: 1024 }, (_, i) => (i * 7 + (i >> 8) * 3) & 255);
  it("is read back, dense or as base64", () => {
    expect(fromDense(toDense(bytes))).toEqual(bytes);
    expect(fromBase64(toBase64(bytes))).toEqual(bytes);
  });
  it("is printable where it is dense, without what a string would escape", () => {
    expect(toDense(bytes)).toMatch(/^[ -~]*$/);
    expect(JSON.stringify(toDense(bytes))).toBe(`"${toDense(bytes)}"`);
  });
});

describe("data as text", () => {
  it("has functions as their texts", () => {
    const double = (x: number): number => 2 * x;
    expect(dataText({ f: double, list: [double] }, () => "(x) => 2 * x")).toBe(
      "{ f: (x) => 2 * x, list: [(x) => 2 * x] }",
    );
  });
  it("keeps what JSON loses", () => {
    const value = {
      __proto__x: [-0, Infinity, NaN],
      ["__proto__"]: 1,
      "a b": "`${x}\n\\`",
      list: Array.from({ length: 60 }, (_, n) => n),
    };
    const back: unknown = new Function(`return ${dataText(value)}`)();
    expect(back).toEqual(value);
  });
});
