import { describe, expect, test } from "vitest";
import { VERBS } from "../../src/cli/verbs.js";
import { classifier, gradc, scratch } from "./harness.js";

const { path, write } = scratch("verbs");
const { model, data } = classifier(write);
const broken = write("broken.grad", "input x: f32\nloss l = x * y\nloss k = x +\n");

describe("the command line", () => {
  test("each verb has a page of its options, and the page of all verbs names each", async () => {
    const all = await gradc("--help");
    expect(all.status).toBe(0);
    for (const [name, { options }] of Object.entries(VERBS)) {
      expect(all.out).toContain(`gradc ${name}`);
      const own = await gradc(name, "--help");
      expect(own).toMatchObject({ status: 0, err: "" });
      for (const option of options) expect(own.out).toContain(`--${option}`);
      expect((await gradc("help", name)).out).toBe(own.out);
    }
  });

  test.each([
    [["chek", "m.grad"], 2, /no verb `chek`; did you mean `check`/],
    [[], 2, /Usage: gradc VERB/],
    [["run"], 2, /usage: gradc run FILE/],
    [["run", model, "extra.json"], 2, /one file/],
    [["check", model, "--frmat", "json"], 2, /no option `--frmat`; did you mean `--format`/],
    [["check", model, "--format", "xml"], 2, /pretty, json or github/],
    [["check", model, "--epochs", "3"], 2, /`gradc check` has no option `--epochs`: it is one of train/],
    [["run", model, "--seed"], 2, /`--seed` wants an argument/],
    [["run", model, "--data", data, "--seed", "x"], 2, /whole number/],
    [["run", model, "--data", data, "--dim", "B"], 2, /NAME=SIZE/],
    [["run", model, "--data", data, "--dim", "B=2=3"], 2, /NAME=SIZE/],
    [["run", model, "--data", data, "--engine", "wsm"], 2, /no engine `wsm`.*did you mean `wasm`/],
    [["run", model, "--data", data, "--precision", "f16"], 2, /f32 or f64/],
    [["train", model, "--data", data, "--batch", "0"], 2, /from 1 on/],
    [["train", model, "--data", data, "--engine", "eager"], 2, /js, wasm or webgpu/],
    [["bench", model, "--engine", "interpreter"], 2, /not interpreter/],
    [["emit", model, "--stage", "kernel"], 2, /did you mean `kernels`/],
    [["emit", model, "--stage", "ir", "--off", "fusion"], 2, /--off wants/],
    [["build", model], 2, /-o DIR/],
    [["build", model, "-o", path("out"), "--target", "cuda"], 2, /js, wasm and wgsl/],
    [["paths", model, "--of", "l"], 2, /--wrt/],
    [["run", path("none.grad")], 1, /GRAD6010.*there is no such file/],
    [["explain", "GRAD2044"], 1, /no code GRAD2044; did you mean `GRAD2004`/],
    [["run", model, "--data", data, "--grad", "l", "--wrt", "v"], 1, /GRAD2001/],
    [["train", model, "--data", data, "--of", "ride"], 1, /nothing trains `ride`; did you mean `ridge`/],
    [["train", model, "--data", data, "--batch-dim", "Q"], 1, /no dim `Q`/],
    [["train", broken, "--data", data], 1, /GRAD1001/],
    [["fmt", broken], 1, /GRAD1001/],
  ] satisfies [string[], number, RegExp][])("gradc %j ends with %i", async (args, status, message) => {
    const found = await gradc(...args);
    expect(found.err).toMatch(message);
    expect(found.status).toBe(status);
    expect(found.err).not.toMatch(/\n\s+at |internal error/);
  });

  test("diagnostics as JSON, a line each, also of what is wrong with data", async () => {
    const { out, status } = await gradc("check", broken, "--format", "json");
    expect(status).toBe(1);
    const lines = out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as object);
    expect(lines).toMatchObject([
      {
        code: "GRAD2001",
        severity: "error",
        file: broken,
        span: { start: { line: 2, column: 14, offset: 26 } },
      },
      { code: "GRAD1001", severity: "error", file: broken, related: [] },
    ]);
    expect((await gradc("check", broken, "--format", "github")).out).toMatch(
      /^::error file=.*,line=2,col=14,/,
    );
  });
});

test("emit prints the kernels of a target", async () => {
  const kernels = async (target: string) =>
    (await gradc("emit", model, "--stage", "kernels", "--target", target)).out;
  expect(await kernels("wgsl")).not.toBe(await kernels("wasm"));
});

test("fmt --check names what would change", async () => {
  const ugly = write("ugly.grad", "y=1\n");
  expect(await gradc("fmt", "--check", ugly, model)).toMatchObject({
    status: 1,
    out: `${ugly} would change\n`,
  });
});
