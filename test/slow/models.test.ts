import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";

// Expected values were computed with PyTorch in float64.
for (const engine of ["interpreter", "js:f64", "js", "wasm", "wasm:f64", "eager:f64", "eager", "webgpu"])
  test(`the example models give PyTorch's outputs and gradients on ${engine}`, () => {
    const printed = execFileSync(
      process.execPath,
      [
        "scripts/check-models.mjs",
        "test/models",
        "--gradc",
        `${process.execPath} dist/cli.js`,
        "--engines",
        engine,
        "-v",
      ],
      { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] },
    );
    expect(printed).toContain("12 passed, 0 failed");
  });
