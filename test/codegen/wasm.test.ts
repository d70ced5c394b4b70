import { readFileSync, readdirSync } from "node:fs";
import { setFlagsFromString } from "node:v8";
import { describe, expect, test } from "vitest";
import wabt from "wabt";
import { encodeModule } from "../../src/codegen/wasm/encode.js";
import { inlineMath, mathFunction, mathFunctionName } from "../../src/codegen/wasm/functions.js";
import { emitWasm } from "../../src/codegen/wasm/module.js";
import {
  call,
  get,
  i32,
  op,
  set,
  type Instruction,
  type WasmFunction,
  type WasmModule,
  type WasmType,
} from "../../src/codegen/wasm/instruction.js";
import { compile } from "../../src/compile.js";
import { fuse } from "../../src/runtime/fuse.js";
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

// Node 20 has relaxed SIMD behind a flag, which later ones do not know.
if (process.version.startsWith("v20.")) setFlagsFromString("--experimental-wasm-relaxed-simd");

/** Replaces numbers in memory by a function of them, one or four at a time, up to the address `n`. */
function loopOf(name: string, isWide: boolean): WasmModule {
  const [load, store, step] = isWide
    ? (["v128.load", "v128.store", 16] as const)
    : (["f32.load", "f32.store", 4] as const);
  const locals: { name: string; type: WasmType }[] = [{ name: "at", type: "i32" }];
  const body: Instruction[] = [];
  const keep = (value: Instruction, type: WasmType): Instruction => {
    const local = `t${locals.length}`;
    locals.push({ name: local, type });
    body.push(set(local, value));
    return get(local);
  };
  const x = op(load, get("at"));
  const made = isWide ? inlineMath(name, x, keep) : call(mathFunctionName(name), x);
  body.push(op(store, get("at"), made));
  body.push(set("at", op("i32.add", get("at"), i32(step))));
  body.push({ kind: "br_if", label: "l", condition: op("i32.lt_s", get("at"), get("n")) });
  const loop: WasmFunction = {
    name: "run",
    parameters: [{ name: "n", type: "i32" }],
    result: null,
    locals,
    body: [{ kind: "loop", label: "l", body }],
    exports: ["run"],
    notes: [],
  };
  return { isShared: false, imports: [], functions: [mathFunction(name), loop] };
}
function over(
  module: WasmModule,
  load: (bytes: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer>,
  xs: readonly number[],
): Float32Array {
  const memory = new WebAssembly.Memory({ initial: 4 });
  const made = new WebAssembly.Module(load(encodeModule(module)));
  const { run } = new WebAssembly.Instance(made, { env: { memory } }).exports;
  new Float32Array(memory.buffer).set(xs);
  (run as (n: number) => void)(16 * Math.ceil(xs.length / 4));
  return new Float32Array(memory.buffer).slice(0, xs.length);
}

/** What fusing changes. */
const MARKED = /^(nop|f(32x4|64x2)\.(mul|add|relaxed_madd))$/;

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

  test.each(files)("%s: each mark of the text becomes one instruction, and nothing else changes", (file) => {
    for (const precision of ["f32", "f64"] as const) {
      const { bytes, wat, isFusable } = emitted(file, precision);
      const features = { simd: true, relaxed_simd: true };
      const [plain, fused] = [bytes, fuse(bytes)].map((code) => {
        const read = assembler.readWasm(code, features);
        const lines = read.toText({}).split("\n");
        read.destroy();
        return lines.map((line) => line.trim());
      });
      const marks = wat.split(" (nop) (").length - 1;
      expect(isFusable).toBe(marks > 0);
      expect(fused!.filter((line) => line.endsWith(".relaxed_madd")).length).toBe(marks);
      const others = (lines: readonly string[]): string[] => lines.filter((line) => !MARKED.test(line));
      expect(others(fused!)).toEqual(others(plain!));
    }
  });

  // Errors in units of the last place of f32, of one number and of four side by side.
  const points = (lo: number, hi: number): number[] =>
    Array.from({ length: 4000 }, (_, k) => Math.fround(lo + ((hi - lo) * k) / 3999));
  const near = (x: number): number[] => [x, -x, 0, -0, 1e-40, 1e-30, -1e-20, 1e-8, -1e-4];
  test.each([
    ["exp", [...points(-103, 89), ...near(1), Infinity, -Infinity, NaN, 200, -200], 2],
    ["decay", [...points(-110, 0), -0, -1e-40, -1e-30, -1e-8, -Infinity, NaN, -200], 2],
    ["log", [...points(1e-6, 4), ...points(1, 3e38), 1e-44, 0, -1, Infinity, NaN], 2],
    ["expm1", [...points(-20, 20), ...points(-0.6, 0.6), ...near(0.5), Infinity, -Infinity, NaN], 4],
    ["log1p", [...points(-0.99, 3), ...points(-1e-3, 1e-3), ...near(0.5), -1, 1e30, Infinity, NaN], 4],
    ["tanh", [...points(-12, 12), ...points(-0.7, 0.7), ...near(0.5), Infinity, -Infinity, NaN, 100], 4],
    ["sigmoid", [...points(-80, 80), ...near(1), Infinity, -Infinity, NaN], 4],
    ["silu", [...points(-80, 80), ...near(1), Infinity, -Infinity, NaN], 4],
    ["softplus", [...points(-80, 80), ...near(1), Infinity, -Infinity, NaN], 4],
    ["log_sigmoid", [...points(-80, 80), ...near(1), Infinity, -Infinity, NaN], 4],
  ] as const)("%s is within its bound, of one number and of four, fused or not", (name, xs, bound) => {
    for (const load of [(bytes: Uint8Array<ArrayBuffer>) => bytes, fuse]) {
      const run = (isWide: boolean): Float32Array => over(loopOf(name, isWide), load, xs);
      const one = run(false);
      expect(run(true)).toEqual(one);
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
    }
  });
});
