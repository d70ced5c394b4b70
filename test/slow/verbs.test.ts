import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { CLASSIFIER, classifier, scratch } from "../cli/harness.js";

const { path, write } = scratch("verbs");
const { model, data } = classifier(write);

/** The command as it is installed, in a process of its own. */
function gradc(...args: string[]): { status: number | null; out: string; err: string } {
  return gradcOn("", ...args);
}
function gradcOn(input: string, ...args: string[]): { status: number | null; out: string; err: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, ["dist/cli.js", ...args], {
    encoding: "utf8",
    input,
  });
  return { status, out: stdout, err: stderr };
}

test.each([
  [["run", model], 1, /GRAD6001.*input `x` is missing/],
  [["run", model, "--data", data, "--grad", "ll"], 1, /did you mean `l`/],
  [["run", model, "--data", data, "--dim", "b=3"], 1, /GRAD6002.*did you mean `B`/],
  [["gradcheck", model, "--data", data, "--grad", "ridg"], 1, /did you mean `ridge`/],
  [["bench", model], 1, /GRAD6008.*`B`/],
] satisfies [string[], number, RegExp][])("gradc %j ends with %i", (args, status, message) => {
  const found = gradc(...args);
  expect(found.err).toMatch(message);
  expect(found.status).toBe(status);
  expect(found.err).not.toMatch(/\n\s+at |internal error/);
});

test("what is wrong with data is a line of JSON as well", () => {
  const { err } = gradc("run", model, "--format", "json");
  expect(JSON.parse(err)).toEqual({
    code: "GRAD6001",
    severity: "error",
    message: "input `x` is missing (f32[B, I])",
    file: model,
    span: { start: { line: 1, column: 1, offset: 0 }, end: { line: 1, column: 1, offset: 0 } },
    related: [],
  });
});

describe("bench", () => {
  test("times forward, backward and step on made-up inputs", () => {
    const { status, out } = gradc("bench", model, "--dim", "B=3", "--json");
    expect(status).toBe(0);
    const found = JSON.parse(out) as { dims: object; engines: Record<string, unknown>[] };
    expect(found.dims).toEqual({ B: 3, I: 2 });
    expect(found.engines.map((e) => e["engine"])).toEqual(["js", "wasm"]);
    for (const row of found.engines)
      for (const part of ["forward", "backward", "step"]) expect(row[part]).toBeGreaterThan(0);
    expect(gradc("bench", model, "--data", data, "--engine", "js").out).toMatch(/^engine +forward/);
  });
});

describe("train", () => {
  test("slices the batch dim along whichever axis has it, and the last batch is short", () => {
    const file = write(
      "wide.grad",
      "dim T, B\ninput x: f32[T, B], y: f32[B]\nparam w: f32[T]\nloss l = mean[b] (y[b] - sum[t] w[t] * x[t, b])^2\ntrain l with sgd(rate = 0.1)",
    );
    const d = write(
      "wide.json",
      JSON.stringify({
        inputs: {
          x: [
            [1, 2, 3],
            [0, 1, 0],
          ],
          y: [1, 3, 3],
        },
      }),
    );
    const log = path("wide.jsonl");
    const { status, err } = gradc(
      ...["train", file, "--data", d, "--batch-dim", "B", "--batch", "2", "--epochs", "30", "--log", log],
      ...["--save", path("wide.safetensors"), "--validate", d, "--rate", "0.05"],
    );
    expect(err).not.toContain("error");
    expect(status).toBe(0);
    const steps = readFileSync(log, "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(steps.filter((s) => "l" in s)).toHaveLength(60);
    expect(steps[2]).toEqual({ step: 2, epoch: 1, validation: { l: expect.any(Number) as number } });
    const run = gradc("run", file, "--data", d, "--params", path("wide.safetensors"), "--json");
    const { outputs } = JSON.parse(run.out) as { outputs: { l: { data: number[] } } };
    expect(outputs.l.data[0]).toBeLessThan(0.05);
    expect((steps.at(-1)?.["validation"] as { l: number }).l).toBeCloseTo(outputs.l.data[0] ?? NaN, 5);
  });

  test("a declaration is chosen by its loss, and params go on from a file", () => {
    const saved = path("ridge.safetensors");
    const first = gradc("train", model, "--data", data, "--of", "ridge", "--epochs", "9", "--save", saved);
    expect(first.out).toMatch(/ridge: 0\.5+0* → /);
    const again = gradc("train", model, "--data", data, "--of", "ridge", "--params", saved);
    const [, from] = /ridge: ([\d.e-]+) →/.exec(again.out) ?? [];
    expect(Number(from)).toBeLessThan(0.05);
  });

  test("inputs of different lengths are told by name", () => {
    const d = write(
      "uneven.json",
      JSON.stringify({
        inputs: {
          x: [
            [1, 2],
            [3, 4],
          ],
          label: [0],
        },
      }),
    );
    const { status, err } = gradc("train", model, "--data", d, "--batch", "1");
    expect(status).toBe(1);
    expect(err).toMatch(/GRAD6007.*`B` is 2 by input `x`, but 1 by input `label`/);
  });
});

test("check --tests runs the declarations", () => {
  const { status, out } = gradc("check", model, "--tests");
  expect(out).toMatch(/^ok {3}check ridge/);
  expect(status).toBe(0);
});

test("`-` is standard input, for verbs that read the file several times too", () => {
  for (const args of [
    ["check", "-"],
    ["run", "-", "--data", data],
    ["compare", "-", "--data", data, "--engine", "js"],
    ["gradcheck", "-", "--data", data, "--grad", "l"],
    ["explain", "-"],
    ["train", "-", "--data", data],
    ["bench", "-", "--data", data, "--engine", "js"],
    ["paths", "-", "--data", data, "--of", "l", "--wrt", "b"],
    ["check", "-", "--tests"],
  ])
    expect({ args, ...gradcOn(CLASSIFIER, ...args) }).toMatchObject({ status: 0 });
  expect(gradcOn("y=1", "fmt", "-")).toEqual({ status: 0, out: "y = 1\n", err: "" });
});
