import { expect, test } from "vitest";
import { compile } from "../../src/index.js";
import { evaluated } from "../evaluate.js";

const BODY = `-> (r: f32, e: f32[N, 2], big: i32) {
  r = sqrt(sum[i] u[i]^2 + s^2)
  e[i, k] = if k == 0 then u[i] / r else u[i] * s
  big = argmax[i] u[i]
}`;
const ADJOINT = ` adjoint(dr, de) -> (du, ds) {
  dot = sum[i] de[i, 0] * u[i] / (r * r)
  du[i] = dr * u[i] / r + de[i, 0] / r - dot * u[i] / r + s * de[i, 1]
  ds = dr * s / r - dot * s / r + sum[i] de[i, 1] * u[i]
}`;
const source = (adjoint: string): string => `
dim N = 3, B = 2
param x: f32[B, N], s: f32
fn polar<N>(u: f32[N], s: f32) ${BODY}${adjoint}
r[b], e[b], k[b] = polar(x[b], s)
rec t in 0..3 {
  h[0] = 0.3
  q[t, i in 0..N] = h[t] * x[0, i]
  a[t], c[t], n[t] = polar(q[t], s)
  h[t + 1] = a[t] + 0.1 * c[t, 0, 1]
}
g = grad(h[3]^2, x)
loss l = sum[b] r[b]^2 + sum[b, i, j] sin(e[b, i, j] + j) * f32(k[b] + 1) + h[3]^2 + sum[b, i] g[b, i]^2`;

test("a written adjoint of several results, in steps and twice, is the derivative of what it is written for", () => {
  const data = {
    params: {
      x: [
        [0.3, -0.7, 0.5],
        [1.1, 0.2, -0.4],
      ],
      s: 0.6,
    },
  };
  const results = [source(ADJOINT), source("")].map((text) => {
    const { program, diagnostics } = compile(text, { precision: "f64" });
    if (!program) throw new Error(diagnostics.map((d) => d.message).join("\\n"));
    return evaluated(program, data);
  });
  const [written, derived] = results;
  for (const name of ["l", "l/x", "l/s"])
    derived?.[name]?.forEach((want, k) =>
      expect(written?.[name]?.[k], `${name}[${k}]`).toBeCloseTo(want, 12),
    );
});

test("it need not be the derivative, and each result's cotangent counts", () => {
  const { program } = compile(
    `param x: f32 = 2
     fn f(u: f32) -> (y: f32, z: f32) { y = u; z = 10 * u } adjoint(dy, dz) -> (du) { du = 3 * dy + 5 * dz }
     y, z = f(x)
     loss l = y + 7 * z`,
    { precision: "f64" },
  );
  if (!program) throw new Error("no program");
  expect(evaluated(program, {})["l/x"]).toEqual([3 + 35]);
});

test("a cotangent for each float result, none for integers", () => {
  const codes = (adjoint: string): string[] =>
    compile(`param x: f32[3]
      fn f(u: f32[3]) -> (y: f32, z: f32, k: i32) { y = u[0]; z = u[1]; k = argmax[i] u[i] } ${adjoint}
      y, z, k = f(x)
      loss l = y + z`).diagnostics.map((d) => `${d.code} ${d.message}`);
  expect(codes("adjoint(dy, dz) -> (du) { du[i] = dy + dz }")).toEqual([]);
  expect(codes("adjoint(dy) -> (du) { du[i] = dy }")).toEqual([
    expect.stringMatching(/^GRAD3007 .*2 arguments?, not 1/),
  ]);
  expect(codes("adjoint(dy, dz, dk) -> (du) { du[i] = dy }")).toEqual([
    expect.stringMatching(/^GRAD3007 .*2 arguments?, not 3/),
  ]);
});
