import { describe, expect, test } from "vitest";
import { compile } from "../../src/index.js";

/** The adjoint of `x` through y = f(x), as Index IR. */
function adjoint(f: string): string {
  const compiled = compile(`dim N\nparam x: f32[N], w: f32[N]\ny[n] = ${f}\nloss l = sum[n] w[n] * y[n]`);
  if (!compiled.ok) throw new Error(compiled.diagnostics.map((d) => d.message).join("\n"));
  return compiled.stage("adjoint");
}

describe("a factor that may be infinite does not count where the cotangent is 0", () => {
  test.each([
    "log(x[n])",
    "sqrt(x[n]^2)",
    "rsqrt(abs(x[n]))",
    "w[n] / x[n]",
    "1 / exp(x[n])",
    "log(x[n] + 1)",
    "sqrt(x[n]^2 + N)",
    "1 / (max(x[n], -0.99999999) + 1)",
    "(x[n]^2 + 1e-10)^(-3)",
  ])("%s", (f) => {
    expect(adjoint(f)).toContain("mul0(");
  });
  test("one that sums to nothing where there is nothing to sum", () => {
    expect(adjoint("log(sum[m] x[m]^2 * abs(w[n]))")).toContain("mul0(");
  });
});

describe("one whose argument is seen to stay away from 0 is a plain factor", () => {
  test.each([
    "log(x[n]^2 + 0.001)",
    "sqrt(x[n]^2 + 1e-5)",
    "rsqrt(0.5 + relu(x[n]) + exp(x[n]))",
    "w[n] / (1 + exp(x[n]))",
    "w[n] / max(abs(x[n]), 0.01)",
    "log(cosh(x[n]))",
    "(x[n]^2 + 1e-10)^(-2)",
    "rsqrt((mean[m] (x[m] - x[n])^2) + 1e-5)",
  ])("%s", (f) => {
    expect(adjoint(f)).not.toContain("mul0(");
  });
});
