import { expect, test } from "vitest";
import { compile, type Target } from "../../src/compile.js";

const complaints = (source: string, target: Target): string[] =>
  compile(source, { filename: "model.grad", targets: [target] }).diagnostics.map(
    (d) => `${d.code} ${d.span.start.line}:${d.span.start.column} ${d.message}`,
  );

test.each<[Target, string, string[]]>([
  ["wgsl", "f64", ["GRAD5002 2:7 WGSL has no f64"]],
  ["wasm", "f16", ["GRAD5002 2:7 WebAssembly has no f16"]],
  ["wgsl", "f16", []],
  ["js", "f16", []],
  ["js", "f64", []],
  ["wasm", "f64", []],
])("%s and a tensor of %s", (target, dtype, expected) => {
  const source = `dim N\ninput x: ${dtype}[N]\noutput y[n] = x[n] * x[n]`;
  expect(complaints(source, target)).toEqual(expected);
});
