import { describe, expect, test } from "vitest";
import { compile } from "../../src/compile.js";

const optimized = (source: string): string =>
  compile(source)
    .stage("optimized")
    .split("\n")
    .filter((line) => line.startsWith("%"))
    .join("\n");

describe("narrow", () => {
  test("a guard that says where an index stands leaves one point of the reduction", () => {
    expect(
      optimized("dim N\ninput x: f32[N]\noutput y[i] = sum[j | i + j == N - 1] x[j] * x[i]"),
    ).toMatchInlineSnapshot(`"%y: f32[N] = [i: N] %x[-i + N - 1] * %x[i]"`);
  });
  test("a point out of the range gives what an empty reduction gives", () => {
    expect(
      optimized(
        "dim N\ninput x: f32[N]\noutput y[i in 0..2 * N] = sum[j | j == i - 1] x[j]\noutput m[i in 0..2 * N] = max[j | j == i] x[j]",
      ),
    ).toMatchInlineSnapshot(`
      "%y: f32[2 * N] = [i: 2 * N] if 0 <= i - 1 and i - 1 < N then %x[i - 1] else 0.0
      %m: f32[2 * N] = [i: 2 * N] if i < N then %x[i] else -inf"
    `);
  });
  test("the adjoint of an entry at a fixed place is no search", () => {
    expect(optimized("dim N\nparam x: f32[N]\ny[i] = x[i] * x[i]\nloss l = y[0] * y[N - 1]"))
      .toMatchInlineSnapshot(`
        "%y: f32[N] = [i: N] %x[i] * %x[i]
        %l: f32 = %y[0] * %y[N - 1]
        %d_y: f32[N] = [i: N] (if i == 0 then %y[N - 1] else 0.0) + (if i == N - 1 then %y[0] else 0.0)
        %d_x: f32[N] = [i0: N] $1 + $1 where $1 = %d_y[i0] * %x[i0]"
      `);
  });
  test("an equality that holds for several points, or for none of the indices, stays", () => {
    expect(
      optimized(
        "dim N\ninput x: f32[N]\noutput y[i in 0..2 * N] = sum[j | 2 * j == i] x[j]\noutput z[i] = x[i] * sum[j | j % 2 == 0] x[j]",
      ),
    ).toMatchInlineSnapshot(`
      "%y: f32[2 * N] = [i: 2 * N] sum[j: 0..N | 2 * j == i] %x[j]
      %z.sum: f32 = sum[j: 0..N | mod(j, 2) == 0] %x[j]
      %z: f32[N] = [i: N] %x[i] * %z.sum"
    `);
  });
});
