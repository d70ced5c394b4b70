import { expect, test } from "vitest";
import { fuzz } from "../fuzz/run-fuzz.js";

const HOUR = 3_600_000;

test("random programs: the engines on the CPU agree with the tape", { timeout: HOUR }, async () => {
  const line = await fuzz("--programs", "2000");
  expect(line).toMatch(/^2000 programs on 6 engines .*: no difference$/m);
});
test("programs that once differed agree on the CPU", async () => {
  expect(await fuzz("--regressions")).toMatch(/^[1-9]\d* programs that once differed, 0 differ$/m);
});
