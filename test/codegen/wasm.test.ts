import { readFileSync, readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import wabt from "wabt";
import { encodeModule } from "../../src/codegen/wasm/encode.js";
import { mathFunctions } from "../../src/codegen/wasm/functions.js";
import { emitWasm } from "../../src/codegen/wasm/module.js";
import { get, op, set, type WasmModule } from "../../src/codegen/wasm/instruction.js";
import { compile } from "../../src/compile.js";
import { SCALARS } from "../../src/ir/scalar/table.js";
import { schedule } from "../../src/schedule/schedule.js";
import { WASM_TARGET } from "../../src/schedule/targets.js";

const assembler = await wabt();
const files = readdirSync("test/models").flatMap((f) => (f.endsWith(".grad") ? [`test/models/${f}`] : []));
const emitted = (file: string, precision: "f32" | "f64") => {
  const { program } = compile(readFileSync(file, "utf8"), { filename: file, precision });
  if (!program) throw new Error(`${file} does not compile`);
  return emitWasm(schedule(program, WASM_TARGET));
};

describe("WebAssembly", () => {
  test.each(files)("%s: the bytes are those that wabt makes of the text, and they validate", (file) => {
    for (const precision of ["f32", "f64"] as const) {
      const { bytes, wat } = emitted(file, precision);
      const parsed = assembler.parseWat(file, wat, { simd: true });
      expect(Buffer.from(parsed.toBinary({}).buffer).equals(Buffer.from(bytes))).toBe(true);
      parsed.destroy();
      expect(WebAssembly.validate(bytes)).toBe(true);
    }
  });

  // Errors in units of the last place of f32, of one number and of four side by side.
  const points = (lo: number, hi: number): number[] =>
    Array.from({ length: 4000 }, (_, k) => Math.fround(lo + ((hi - lo) * k) / 3999));
  const near = (x: number): number[] => [x, -x, 0, -0, 1e-40, 1e-30, -1e-20, 1e-8, -1e-4];
  test.each([
    ["exp", [...points(-103, 89), ...near(1), Infinity, -Infinity, NaN, 200, -200], 2],
    ["log", [...points(1e-6, 4), ...points(1, 3e38), 1e-44, 0, -1, Infinity, NaN], 2],
    ["expm1", [...points(-20, 20), ...points(-0.6, 0.6), ...near(0.5), Infinity, -Infinity, NaN], 4],
    ["log1p", [...points(-0.99, 3), ...points(-1e-3, 1e-3), ...near(0.5), -1, 1e30, Infinity, NaN], 4],
    ["tanh", [...points(-12, 12), ...points(-0.7, 0.7), ...near(0.5), Infinity, -Infinity, NaN, 100], 4],
    ["sigmoid", [...points(-80, 80), ...near(1), Infinity, -Infinity, NaN], 4],
    ["silu", [...points(-80, 80), ...near(1), Infinity, -Infinity, NaN], 4],
    ["softplus", [...points(-80, 80), ...near(1), Infinity, -Infinity, NaN], 4],
    ["log_sigmoid", [...points(-80, 80), ...near(1), Infinity, -Infinity, NaN], 4],
  ] as const)("%s is within its bound", (name, xs, bound) => {
    const length = Math.ceil(xs.length / 4) * 4;
    const run = (type: "f32" | "f32x4"): Float32Array => {
      const [load, store, step] =
        type === "f32" ? (["f32.load", "f32.store", 4] as const) : (["v128.load", "v128.store", 16] as const);
      const module: WasmModule = {
        isShared: false,
        imports: [],
        functions: [
          ...mathFunctions([`${name}_${type}`]),
          {
            name: "run",
            parameters: [{ name: "n", type: "i32" }],
            result: null,
            locals: [{ name: "at", type: "i32" }],
            body: [
              {
                kind: "loop",
                label: "l",
                body: [
                  op(store, get("at"), { kind: "call", fn: `${name}_${type}`, args: [op(load, get("at"))] }),
                  set("at", op("i32.add", get("at"), { kind: "const", type: "i32", value: step })),
                  { kind: "br", label: "l", condition: op("i32.lt_s", get("at"), get("n")) },
                ],
              },
            ],
            exported: true,
            notes: [],
          },
        ],
      };
      const memory = new WebAssembly.Memory({ initial: 4 });
      const instance = new WebAssembly.Instance(new WebAssembly.Module(encodeModule(module)), {
        env: { memory },
      });
      new Float32Array(memory.buffer).set(xs);
      (instance.exports["run"] as (n: number) => void)(4 * length);
      return new Float32Array(memory.buffer).slice(0, xs.length);
    };
    const one = run("f32");
    expect(run("f32x4")).toEqual(one);
    let worst = 0;
    xs.forEach((x, k) => {
      const exact = SCALARS[name]?.evaluate(Math.fround(x)) ?? NaN;
      const want = Math.fround(exact);
      const got = one[k] ?? NaN;
      if (Number.isNaN(want) || !Number.isFinite(want)) return expect(got, `${name}(${x})`).toBe(want);
      // Denormal results may lose bits.
      const unit = Math.max(2 ** (Math.floor(Math.log2(Math.abs(exact) || 1e-45)) - 23), 2 ** -126);
      const error = Math.abs(got - exact) / unit;
      if (!(error <= worst)) worst = error;
    });
    expect(worst).toBeLessThan(bound);
  });
});
