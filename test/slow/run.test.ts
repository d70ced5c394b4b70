import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";

test("run --json prints every tensor in the long form, NaN and infinities as strings", () => {
  const folder = mkdtempSync(join(tmpdir(), "gradc-run-"));
  try {
    const [file, data] = [join(folder, "special.grad"), join(folder, "special.json")];
    writeFileSync(
      file,
      "input x: f32[3]\nparam w: f32 = fill(2)\noutput y[i] = log(x[i])\nloss l = w * w + sum[i] 0 * x[i]\n",
    );
    writeFileSync(data, '{ "inputs": { "x": [0, -1, 1] } }');
    for (const engine of ["js", "eager", "interpreter"]) {
      const args = ["dist/cli.js", "run", file, "--data", data, "--grad", "l", "--engine", engine, "--json"];
      const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
      expect(stderr).toBe("");
      expect(status).toBe(0);
      const dtype = engine === "interpreter" ? "f64" : "f32";
      expect(JSON.parse(stdout)).toEqual({
        engine,
        dims: {},
        outputs: {
          y: { shape: [3], dtype, data: ["-Infinity", "NaN", 0] },
          l: { shape: [], dtype, data: [4] },
        },
        grads: { l: { w: { shape: [], dtype, data: [4] } } },
      });
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test("sizes that the compiler adds are bound on every engine, for gradcheck and for paths", () => {
  const [file, data] = ["grad", "data.json"].map((end) => `test/regressions/sizes_without_names.${end}`);
  const gradc = (verb: string, ...args: string[]) =>
    spawnSync(process.execPath, ["dist/cli.js", verb, file!, "--data", data!, ...args], { encoding: "utf8" });
  for (const engine of ["js", "wasm", "eager", "interpreter"])
    expect(
      JSON.parse(gradc("run", "--grad", "l", "--engine", engine, "--json").stdout),
      engine,
    ).toMatchObject({
      outputs: { z: { data: [5, 18] }, l: { data: [33] } },
      grads: { l: { x: { data: [7, 0, 12, 0] }, y: { data: [1, 3] } } },
    });
  expect(gradc("gradcheck").status).toBe(0);
  expect(gradc("paths", "--of", "l", "--wrt", "y").stdout).toContain("compiled gradient");
});

test("train --validate says the loss on held-out data after each epoch", () => {
  const folder = mkdtempSync(join(tmpdir(), "gradc-run-"));
  try {
    const file = join(folder, "line.grad");
    writeFileSync(
      file,
      "dim B\ninput x: f32[B], y: f32[B]\nparam w: f32\nloss l = mean[b] (w * x[b] - y[b])^2\ntrain l with sgd(rate = 0.1)\n",
    );
    const data = (name: string, x: number[]): string => {
      const path = join(folder, name);
      writeFileSync(path, JSON.stringify({ inputs: { x, y: x.map((v) => 2 * v) } }));
      return path;
    };
    const log = join(folder, "log.jsonl");
    const args = [
      "train",
      file,
      "--data",
      data("d.json", [1, 2, -1, 0.5]),
      "--validate",
      data("v.json", [3]),
    ];
    const { status, stdout } = spawnSync(
      process.execPath,
      ["dist/cli.js", ...args, "--epochs", "30", "--batch", "2", "--log", log],
      { encoding: "utf8" },
    );
    expect(status).toBe(0);
    expect(stdout).toMatch(/validation l: .* → /);
    const lines = readFileSync(log, "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { validation?: { l: number } });
    const found = lines.flatMap((line) => (line.validation ? [line.validation.l] : []));
    expect(found).toHaveLength(30);
    expect(found.at(-1)).toBeLessThan(1e-6);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test("compare holds every engine to the eager one, and says what each takes", () => {
  const files = ["test/models/mlp.grad", "--data", "test/models/mlp.data.json"];
  const engines = ["--engine", "js,wasm,interpreter"];
  const { status, stdout } = spawnSync(
    process.execPath,
    ["dist/cli.js", "compare", ...files, ...engines, "--json"],
    {
      encoding: "utf8",
    },
  );
  expect(status).toBe(0);
  const { loss, engines: rows } = JSON.parse(stdout) as {
    loss: string;
    engines: {
      engine: string;
      difference: number | null;
      tensors: { name: string; absolute: number; relative: number }[];
      milliseconds: number;
      kernels: number | null;
      memory: number | null;
    }[];
  };
  expect(loss).toBe("nll");
  expect(rows.map((r) => r.engine)).toEqual(["eager", "js", "wasm", "interpreter"]);
  const names = ["probs", "accuracy", "nll", "dnll/dW1", "dnll/db1", "dnll/dW2", "dnll/db2"];
  for (const { engine, difference, tensors, milliseconds, kernels, memory } of rows) {
    expect(milliseconds).toBeGreaterThan(0);
    expect(memory).toBeGreaterThan(0);
    expect(tensors.map((t) => t.name)).toEqual(engine === "eager" ? [] : names);
    expect(Math.max(0, ...tensors.map((t) => t.relative))).toBe(difference ?? 0);
    expect(tensors.every((t) => t.absolute < 1e-6)).toBe(true);
    expect(kernels !== null).toBe(engine === "js" || engine === "wasm");
    if (engine === "eager") expect(difference).toBeNull();
    else expect(difference).toBeLessThan(engine === "interpreter" ? 1e-12 : 1e-5);
  }
  const table = spawnSync(process.execPath, ["dist/cli.js", "compare", ...files, ...engines], {
    encoding: "utf8",
  });
  expect(table.stdout.split("\n").map((line) => line.split(" ")[0])).toEqual([
    "largest",
    "",
    ...names,
    "",
    "engine",
    "eager",
    "js",
    "wasm",
    "interpreter",
    "",
  ]);
});

test("paths lays the chain rule open beside the compiled gradient", () => {
  const paths = (...args: string[]) => {
    const chain = "test/models/chain";
    const all = ["dist/cli.js", "paths", `${chain}.grad`, "--data", `${chain}.data.json`, ...args];
    const { status, stdout, stderr } = spawnSync(process.execPath, all, { encoding: "utf8" });
    return { status, stdout, stderr };
  };
  expect(paths("--of", "L", "--wrt", "a").stdout).toBe(
    "L → a, from the loss backwards\n" +
      "tanh → add → mul → mul: 0.991262 · 1 · 2 · 0.5 = 0.991262\n" +
      "tanh → add → mul → mul: 0.991262 · 1 · 0.75 · -1.25 = -0.929308\n" +
      "sum of 2: 0.0619539\ncompiled gradient: 0.0619539\n",
  );
  expect(paths("--of", "M", "--wrt", "a")).toMatchObject({
    status: 1,
    stderr: "error[GRAD6002]: there is no loss `M`; there is L\n",
  });
  expect(paths("--of", "L").status).toBe(2);
});
