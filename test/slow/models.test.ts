import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";

// Expected values were computed with PyTorch in float64.
for (const engine of ["interpreter", "js:f64", "js", "webgpu"])
  test(`the example models give PyTorch's outputs and gradients on ${engine}`, () => {
    const models = "chain,linear_regression,mlp,cnn,gaussian_mixture";
    const printed = execFileSync(
      process.execPath,
      ["scripts/check-models.mjs", "test/models", "--gradc", `${process.execPath} dist/cli.js`, "--only", models, "--engines", engine, "-v"],
      { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] },
    );
    expect(printed).toContain("5 passed, 0 failed");
  });
