import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
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
    for (const engine of ["js", "interpreter"]) {
      const args = ["dist/cli.js", "run", file, "--data", data, "--grad", "l", "--engine", engine, "--json"];
      const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
      expect(stderr).toBe("");
      expect(status).toBe(0);
      const dtype = engine === "js" ? "f32" : "f64";
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
