import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";

const folder = mkdtempSync(join(tmpdir(), "gradc-gradcheck-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const SOURCES = {
  right: `dim N
input x: f32[N]
param w: f32[N] = normal(1)
param b: f32 = 0.5
loss l = mean[n] (w[n] * x[n] - relu(b - w[n]))^2
loss k = sum[n] sin(w[n])`,
  // A kink 1e-6 away: central differences go over it, the smallest steps do not.
  near: "param w: f32 = 1e-6\nloss l = abs(w) + w^2",
  kink: "param w: f32[2] = [1, 0]\nloss l = sum[i] relu(w[i])",
  wrong: `fn twice(x: f32) -> y: f32 { y = 2 * x } adjoint(dy) -> (dx) { dx = 3 * dy }
param w: f32[2] = [1, 2]
t[i] = twice(w[i])
loss l = sum[i] t[i]
check l at { w = [1, 2], l = 6 }`,
};
for (const [name, source] of Object.entries(SOURCES)) writeFileSync(join(folder, `${name}.grad`), source);
writeFileSync(join(folder, "data.json"), JSON.stringify({ inputs: { x: [1, 2, 3] } }));
writeFileSync(join(folder, "params.json"), JSON.stringify({ params: { b: -40 } }));

function gradc(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(process.cwd(), "dist/cli.js"), ...args],
    { encoding: "utf8", cwd: folder },
  );
  return { status, out: stdout, err: stderr };
}
interface Check {
  readonly loss: string;
  readonly wrt: string;
  readonly order: number | string;
  readonly quotient: number;
  readonly ok: boolean;
}
const json = (text: string) => JSON.parse(text) as { engine: string; dims: object; checks: readonly Check[] };

test.each([
  ["js", "eager"],
  ["wasm", "eager"],
  ["interpreter", "eager"],
  ["eager", "js"],
])("right gradients on %s pass, beside those on %s", (engine, other) => {
  const { status, out } = gradc(
    "gradcheck",
    "right.grad",
    "--data",
    "data.json",
    "--engine",
    engine,
    "--json",
  );
  const { checks, ...rest } = json(out);
  expect(rest).toEqual({ engine, dims: { N: 3 } });
  expect(checks.map((c) => `${c.loss} ${c.wrt}`)).toEqual(["l w", "l b", "k w", "k b"]);
  for (const check of checks.slice(0, 3)) {
    expect(Math.abs(Number(check.order) - 2)).toBeLessThan(0.2);
    expect(check).toMatchObject({ ok: true, [other]: expect.closeTo(0, 12) as number });
    expect(check.quotient).toBeLessThan(1e-8);
  }
  expect(checks[3]).toMatchObject({ order: "Infinity", ok: true });
  expect(status).toBe(0);
});

test("params come from --params, the loss from --grad, and the table has a line for each", () => {
  const { status, out } = gradc(
    ...[
      "gradcheck",
      "right.grad",
      "--data",
      "data.json",
      "--params",
      "params.json",
      "--grad",
      "l",
      "--wrt",
      "b,x",
    ],
  );
  // Below the kink of relu, so b moves nothing.
  expect(out).toMatch(
    /^ +on js +shape +order +quotients +eager\nok +dl\/db +\[\] +straight .*\nok +dl\/dx +\[3\] +\d\.\d\d +\S+ +\S+\n$/,
  );
  expect(status).toBe(0);
});

test("a kink nearby does not matter, one at the point fails", () => {
  const near = json(gradc("gradcheck", "near.grad", "--json").out).checks[0];
  expect(near?.ok).toBe(true);
  expect(near?.quotient).toBeGreaterThan(0.1);
  expect(gradc("gradcheck", "kink.grad").status).toBe(1);
});

test("a wrong written adjoint is found on both engines, and where", () => {
  for (const engine of ["js", "eager"]) {
    const { status, out } = gradc("gradcheck", "wrong.grad", "--engine", engine);
    expect(out).toContain("FAIL");
    expect(out).toContain(
      "falls with order 1.00 and not 2; at 0 (row-major) it is 3, and the difference quotient",
    );
    expect(status).toBe(1);
  }
  const { status, out } = gradc("check", "wrong.grad", "--tests");
  expect(out).toContain("dl/dw: the remainder falls with order 1.00");
  expect(status).toBe(1);
});

test("faults of the call are said", () => {
  const said = (...args: string[]) => gradc("gradcheck", "right.grad", "--data", "data.json", ...args);
  expect(said("--engine", "webgpu")).toMatchObject({
    status: 1,
    err: "error[GRAD6020]: gradcheck computes in f64, which webgpu does not have\n",
  });
  expect(said("--grad", "q")).toMatchObject({
    status: 1,
    err: "error[GRAD6002]: there is no loss `q`; there is l, k\n",
  });
  expect(gradc("gradcheck", "right.grad").err).toBe("error[GRAD6001]: input `x` is missing (f64[N])\n");
});
