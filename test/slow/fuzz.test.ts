import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";

// `npm run fuzz -- --minutes 30` goes on with other seeds.
const fuzz = (...args: string[]): string => {
  const line = execFileSync(process.execPath, ["test/fuzz/run.mjs", "--seed", "1", ...args], {
    encoding: "utf8",
  });
  console.log(line.trim());
  return line;
};

test("random programs: the engines on the CPU agree with the tape", () => {
  expect(fuzz("--programs", "2000")).toMatch(/^2000 programs on 5 engines .*: no difference$/m);
});
test.each(["interpreter,js:f64,wasm:f64,js,wasm", "webgpu"])(
  "programs that once differed, on %s",
  (engines) => {
    expect(fuzz("--regressions", "--engines", engines)).toMatch(/, 0 differ$/m);
  },
);
test("random programs: WebGPU agrees with the tape", () => {
  const line = fuzz("--programs", "60", "--engines", "webgpu");
  expect(line).toMatch(/^60 programs on 1 engines .*: no difference$/m);
});
