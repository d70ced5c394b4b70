import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";

// `npm run fuzz -- --minutes 30` goes on with other seeds.
test("random programs: every engine agrees with the tape", () => {
  const line = execFileSync(process.execPath, ["test/fuzz/run.mjs", "--programs", "400", "--seed", "1"], {
    encoding: "utf8",
  });
  console.log(line.trim());
  expect(line).toMatch(/^400 programs on 5 engines .*: no difference$/m);
});
