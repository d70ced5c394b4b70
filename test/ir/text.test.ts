import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { analyse } from "../../src/analyse.js";
import { expandDerivatives } from "../../src/autodiff/expand.js";
import { ExpressionTable } from "../../src/ir/expr.js";
import { IrTextError, parseProgram } from "../../src/ir/text/parse.js";
import { printProgram } from "../../src/ir/text/print.js";
import type { Program } from "../../src/ir/program.js";
import { verify } from "../../src/ir/verify.js";
import { optimize } from "../../src/optimize/index.js";
import { withPrecision } from "../../src/optimize/precision.js";
import { evaluated, readData } from "../evaluate.js";

const FOLDERS = ["test/models", "test/programs", "test/regressions", "examples/digits"];
const files = FOLDERS.flatMap((folder) =>
  readdirSync(folder)
    .filter((name) => name.endsWith(".grad"))
    .map((name) => `${folder}/${name}`),
);

function stagesOf(file: string): Record<"ir" | "adjoint" | "optimized" | "double", Program> {
  const { program, diagnostics } = analyse(readFileSync(file, "utf8"), { filename: file, wrt: "all" });
  if (!program) throw new Error(diagnostics.map((d) => d.message).join("\n"));
  const derived = expandDerivatives(program);
  const optimized = optimize(derived);
  return { ir: program, adjoint: derived, optimized, double: withPrecision(optimized, "f64") };
}

describe("IR text parses back to the program", () => {
  test.each(files)("%s", (file) => {
    ExpressionTable.scoped(() => {
      for (const [stage, program] of Object.entries(stagesOf(file))) {
        const text = printProgram(program);
        const parsed = parseProgram(text);
        expect(printProgram(parsed), stage).toBe(text);
        verify(parsed, `parsing ${stage}`);
      }
    });
  });
});

describe("a parsed program computes the same numbers", () => {
  const few = ["linear_regression", "chain", "hidden_markov", "lotka_volterra", "gaussian_mixture"];
  test.each(few.map((name) => `test/models/${name}.grad`))("%s", (file) => {
    const data = readData(file.replace(".grad", ".data.json"));
    ExpressionTable.scoped(() => {
      const { adjoint, optimized } = stagesOf(file);
      for (const program of [adjoint, optimized])
        expect(evaluated(parseProgram(printProgram(program)), data)).toEqual(evaluated(program, data));
    });
  });
});

describe("faults in IR text have a place", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["dim N\n%y: f32[N] = [n: N] %x[n]", "2:21: there is no value `%x`"],
    ["%y: f32 = 1.0 + 2", "1:15: `+` stands between f32 and i32"],
    ["%y: f33 = 1.0", "1:5: `f33` is no type; types are f32, f64, f16, i32, u32, bool"],
    ["dim N\ninput %x: f32[N]\n%y: f32 = %x", "3:11: `%x` has 1 axes, not 0"],
    ["%y: f32 = tanh(1.0", "1:19: `)` is wanted here, not the end of the line"],
    ["%y: f32 = tanh(1.0, 2.0)", "1:11: `tanh` does not take 2 arguments"],
    ["%y: f32 = if 1.0 then 2.0 else 3.0", "1:32: the condition of `if` must be a bool"],
    ["%y: f32 = 1.0\n%y: f32 = 2.0", "2:1: %y is defined twice"],
    ["%y: f32 = $1", "1:11: `$1` is defined nowhere before"],
    ["%y: f32 = 1.0 ?", "1:15: `?` begins nothing"],
    ["wibble 3", "1:1: `wibble` begins no statement"],
    ["rec r 0..3 {", "1:1: the recurrence is not closed"],
    ["dim N\n%y: f32[N] = 1.0", "2:14: %y has 1 sizes, and its equation 0 axes"],
  ];
  test.each(cases)("%s", (text, message) => {
    expect(() => parseProgram(text)).toThrow(IrTextError);
    expect(() => parseProgram(text)).toThrow(message);
  });
});

test("a sum of many terms prints and parses without recursion", () => {
  const terms = Array.from({ length: 20_000 }, (_, k) => `x * ${k}`).join(" + ");
  const { program } = analyse(`input x: f32\noutput y = ${terms}`);
  if (!program) throw new Error("wrong");
  const text = printProgram(program);
  expect(printProgram(parseProgram(text))).toBe(text);
});

test("deep expressions are cut into named parts", () => {
  const source = `input x: f32\noutput y = ${"sin(x + ".repeat(60)}x${")".repeat(60)}\noutput z = tanh(y * y)`;
  const { program } = analyse(source);
  if (!program) throw new Error("wrong");
  const text = printProgram(program);
  expect(text).toContain(" where $1 = ");
  expect(printProgram(parseProgram(text))).toBe(text);
});
