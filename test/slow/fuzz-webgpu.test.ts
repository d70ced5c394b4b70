import { expect, test } from "vitest";
import { fuzz } from "../fuzz/run-fuzz.js";

const HOUR = 3_600_000;

test("random programs: WebGPU agrees with the tape", { timeout: HOUR }, async () => {
  const line = await fuzz("--programs", "2000", "--engines", "webgpu");
  expect(line).toMatch(/^2000 programs on 1 engines .*: no difference$/m);
});
test("programs that once differed agree on WebGPU", async () => {
  const line = await fuzz("--regressions", "--engines", "webgpu");
  expect(line).toMatch(/^[1-9]\d* programs that once differed, 0 differ$/m);
});
