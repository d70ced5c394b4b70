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
  expect(fuzz("--programs", "400")).toMatch(/^400 programs on 5 engines .*: no difference$/m);
});
test("random programs: WebGPU agrees with the tape", () => {
  const line = fuzz("--programs", "60", "--engines", "webgpu");
  expect(line).toMatch(/^60 programs on 1 engines .*: no difference$/m);
});
