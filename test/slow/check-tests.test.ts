import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";

const folder = mkdtempSync(join(tmpdir(), "gradc-checks-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const MODEL = "dim N\ninput x: f32[N]\nparam w: f32[N]\noutput y[n] = w[n] * x[n]\nloss l = sum[n] y[n]^2\n";

const check = (declaration: string): ReturnType<typeof checkFile> => checkFile(MODEL + declaration);
function checkFile(
  source: string,
  ...options: string[]
): { status: number | null; out: string; err: string } {
  const file = join(folder, "model.grad");
  writeFileSync(file, source);
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ["dist/cli.js", "check", file, "--tests", ...options],
    { encoding: "utf8" },
  );
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
test("a state is given as a param is", () => {
  const source = "param w: f32\nstate m: f32 = 0\nm' = m + w\nloss l = w * m\n";
  expect(checkFile(`${source}check l at { w = 2, m = 3, l = 6 }`)).toEqual({
    status: 0,
    out: "ok   check l (/model.grad:5)\n",
    err: "",
  });
});
test("a dim has the size that the command line gives", () => {
  const source = "dim N\nparam w: f32\nloss l = sum[n in 0..N] w * n\ncheck l at { w = 2, l = 6 }";
  expect(checkFile(source, "--dim", "N=3")).toEqual({
    status: 0,
    out: "ok   check l (/model.grad:4)\n",
    err: "",
  });
});
test("values may be what constants and functions give", () => {
  const source = `const two = 2\nfn twice(x: f32) = 2 * x\n${MODEL}`;
  expect(
    checkFile(`${source}check l at { x = [1, twice(1)], w = [3, -two], y = [3, -4], l = sqrt(625) }`),
  ).toEqual({
    status: 0,
    out: "ok   check l (/model.grad:8)\n",
    err: "",
  });
});
test("numbers that no run can take fail their check, and the others run", () => {
  const source = "dim N = 3\ninput x: f32[N]\nloss l = sum[i] x[i]^2\n";
  const { status, out, err } = checkFile(
    `${source}check l at { x = [1, 2], l = 5 }\ncheck l at { x = [1, 2, 1], l = 6 }`,
  );
  expect(err).toBe("");
  expect(status).toBe(1);
  expect(out).toBe(
    "FAIL check l (/model.grad:4)\n       GRAD6007: input `x`: 2, not N = 3 (N = 3 from its default)\nok   check l (/model.grad:5)\n",
  );
});
