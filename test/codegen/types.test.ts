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

test("WGSL adds halves up in f32", () => {
  const source = `dim N, K, M input x: f16[N, K], w: f16[K, M]
    output s[n] = sum[k] x[n, k]^2
    output p[n, m] = sum[k] x[n, k] * w[k, m]
    output t = sum[n, k] x[n, k]`;
  const wgsl = compile(source, { targets: ["wgsl"] }).stage("wgsl");
  const accumulators = [...wgsl.matchAll(/var (\w+_acc\w*) = (\S+);/g)];
  expect(accumulators.length).toBeGreaterThan(3);
  for (const [, name, zero] of accumulators) expect([name, zero]).toEqual([name, "0.0f"]);
});
