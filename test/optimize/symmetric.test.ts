import { describe, expect, test } from "vitest";
import { compile } from "../../src/compile.js";

const gradients = (source: string): string =>
  compile(source)
    .stage("optimized")
    .split("\n")
    .filter((line) => line.startsWith("%d"))
    .join("\n");

describe("symmetric", () => {
  test("the two halves of a pairwise force are one sum", () => {
    const text = gradients(
      "dim N\nparam x: f32[N]\ninput m: f32[N]\nr[i, j] = (x[i] - x[j])^2 + 1\nloss l = sum[i, j] m[i] * m[j] * log(r[i, j])",
    );
    expect(text).toMatchInlineSnapshot(`
      "%d_r: f32[N, N] = [i: N, j: N] %m[i] * %m[j] * (1.0 / %r[i, j])
      %d_x: f32[N] = [i0: N] sum[j: 0..N] %d_r[i0, j] * (2.0 * (%x[i0] - %x[j]))
      %d_x_3: f32[N] = [i0: N] %d_x[i0] + %d_x[i0]"
    `);
  });
  test("what is not the same the other way round is left alone", () => {
    const text = gradients(
      "dim N\nparam x: f32[N]\ninput m: f32[N]\nr[i, j] = (x[i] - 2 * x[j])^2 + 1\nloss l = sum[i, j] m[i] * log(r[i, j])",
    );
    expect(text.match(/sum\[/g)).toHaveLength(2);
    expect(text).toMatch(/%d_r\[i, i0\]/);
  });
});
