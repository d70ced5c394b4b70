import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { scratch } from "../cli/harness.js";

const { write } = scratch("extremes");
const model = write(
  "extremes.grad",
  `dim N
input u: u32[N], i: i32[N]
output most = max[n] u[n]
output least = min[n] u[n]
output few = max[k in 0..3] i[k]
output none_most = max[n | u[n] > 9] u[n]
output none_least = min[n | u[n] > 9] u[n]
output none_over = max[n | u[n] > 9] i[n]
output none_under = min[k in 0..3 | i[k] > 9] i[k]
output at = max[n | n == 2] i[n]`,
);
const data = write("extremes.json", JSON.stringify({ inputs: { u: [3, 1, 2], i: [-7, -5, -6] } }));

test.each(["interpreter", "js", "wasm", "eager"])(
  "the greatest and least of integers, over nothing the last ones there are, on %s",
  (engine) => {
    const args = ["dist/cli.js", "run", model, "--data", data, "--engine", engine, "--json"];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
    expect(stderr).toBe("");
    expect(status).toBe(0);
    const { outputs } = JSON.parse(stdout) as { outputs: Record<string, { data: number[] }> };
    expect(Object.fromEntries(Object.entries(outputs).map(([name, t]) => [name, t.data[0]]))).toEqual({
      most: 3,
      least: 1,
      few: -5,
      none_most: 0,
      none_least: 4294967295,
      none_over: -2147483648,
      none_under: 2147483647,
      at: -6,
    });
  },
);
