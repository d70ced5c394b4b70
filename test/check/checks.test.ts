import { describe, expect, test } from "vitest";
import { checked } from "./harness.js";

const MODEL = `dim N
input x: f32[N]
param w: f32 = 2
output y[i] = w * x[i]
loss l = mean[i] y[i]^2
`;

describe("a check declaration is validated when checking", () => {
  test.each([
    ["check l at { x = [1, 2], w = 3, l = 22.5 }", ""],
    ["check m at { x = [1] }", "GRAD2001 there is no loss `m`"],
    ["check l at { X = [1] }", "GRAD2001 there is no dim, input, param, output or loss `X`"],
    ["check l at { x = [[1]] }", "GRAD3004 shapes do not match: `x` is f32[N] and [1, 1] is given"],
    ["check l at { x = [1], x = [2] }", "GRAD2002 `x` is defined twice"],
    ["check l at { x = [1], N = 0.5 }", "GRAD3008 `0.5` is not a size"],
    ["check l at { x = [1], w = y }", "GRAD3006 expected a constant number, found y"],
  ])("%s", (source, expected) => {
    const { diagnostics } = checked(MODEL + source);
    expect(diagnostics.map((d) => `${d.code} ${d.message}`).join("\n")).toBe(expected);
  });
});
