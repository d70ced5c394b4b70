import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";

test("training on WebGPU follows the loss curve of js for 100 steps", () => {
  const curveOf = (engine: string): number[] =>
    execFileSync(
      process.execPath,
      ["examples/digits/train.mjs", "--engine", engine, "--steps", "100", "--losses"],
      { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] },
    )
      .split("\n")
      .flatMap((line) => (line.startsWith("loss ") ? [Number(line.slice(5))] : []));
  const [js, gpu] = [curveOf("js"), curveOf("webgpu")];
  expect(js).toHaveLength(100);
  const worst = Math.max(...js.map((v, k) => Math.abs(v - (gpu[k] ?? NaN)) / v));
  console.log(`largest relative difference over 100 steps: ${worst.toExponential(1)}`);
  expect(worst).toBeLessThan(1e-3);
});
