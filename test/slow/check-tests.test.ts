import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";

const folder = mkdtempSync(join(tmpdir(), "gradc-checks-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const MODEL = "dim N\ninput x: f32[N]\nparam w: f32[N]\noutput y[n] = w[n] * x[n]\nloss l = sum[n] y[n]^2\n";

function check(declaration: string): { status: number | null; out: string; err: string } {
  const file = join(folder, "model.grad");
  writeFileSync(file, MODEL + declaration);
  const { status, stdout, stderr } = spawnSync(process.execPath, ["dist/cli.js", "check", file, "--tests"], {
    encoding: "utf8",
  });
  return { status, out: stdout.replaceAll(folder, ""), err: stderr.replaceAll(folder, "") };
}

test("a check that holds, values and gradients", () => {
  expect(check("check l at { x = [1, 2], w = [3, -1], y = [3, -2], l = 9 + 4 }")).toEqual({
    status: 0,
    out: "ok   check l (/model.grad:6)\n",
    err: "",
  });
});
test("a check that does not hold says where and by how much", () => {
  const { status, out } = check("check l at { x = [1, 2], w = [3, -1], y = [3, 2], l = 13.1 }");
  expect(status).toBe(1);
  expect(out).toContain("FAIL check l (/model.grad:6)");
  expect(out).toContain("y at 1 (row-major) is -2, and 2 is expected");
  expect(out).toContain("l is 13, and 13.1 is expected");
});
test("an unknown name and a wrong shape are the user's errors", () => {
  expect(check("check l at { x = [1], w = [1], yy = 1 }")).toMatchObject({ status: 1 });
  expect(check("check l at { x = [1], w = [1], yy = 1 }").out).toContain("did you mean `y`?");
  expect(check("check l at { x = [1], w = [1, 2] }")).toMatchObject({ status: 1 });
});
