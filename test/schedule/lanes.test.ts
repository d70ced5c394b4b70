import { expect, test } from "vitest";
import { compile } from "../../src/index.js";
import { agrees } from "./sides.js";

/** Rows with a short sum each and costly functions of it: lanes are rows, and each lane's sum runs by itself. */
const ROWS = `dim N, D
  param X: f32[N, D], w: f32[D], b: f32
  z[n] = sum[d] X[n, d] * w[d] + b
  output m[n] = max[d] (X[n, d] - w[d])
  output t[n] = sum[d | d <= n] X[n, d]^2
  loss l = mean[n] (softplus(z[n]) * sigmoid(t[n]) + exp(m[n] / 4))`;

test("sums of each lane's own beside functions in lanes", async () => {
  const sizes = [1, 3, 7, 33].flatMap((N) => [1, 5, 19].map((D) => ({ N, D })));
  await agrees(ROWS, sizes);
});
test("a sum goes on for each lane", () => {
  const apart = (source: string): boolean =>
    /_lane(_\d+)? f64/.test(compile(source, { targets: ["wasm"] }).stage("wat"));
  const cheap = ROWS.replace(/softplus.*/, "z[n] + t[n] + m[n])");
  expect([apart(ROWS), apart(cheap)]).toEqual([true, false]);
});
