import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";

// Expected values were computed with PyTorch in float64.
const ALL =
  "chain,linear_regression,mlp,cnn,gaussian_mixture,heat_pinn,hidden_markov,nbody,transformer_block,variational_autoencoder";
// These two are recurrences of more tensors than one WebGPU kernel can bind.
const RECURRENT = `${ALL},gru_language_model,lotka_volterra`;
for (const [engine, models] of [
  ["interpreter", RECURRENT],
  ["js:f64", RECURRENT],
  ["js", RECURRENT],
  ["wasm", RECURRENT],
  ["wasm:f64", RECURRENT],
  ["eager:f64", RECURRENT],
  ["eager", RECURRENT],
  ["webgpu", ALL],
] as const)
  test(`the example models give PyTorch's outputs and gradients on ${engine}`, () => {
    const printed = execFileSync(
      process.execPath,
      [
        "scripts/check-models.mjs",
        "test/models",
        "--gradc",
        `${process.execPath} dist/cli.js`,
        "--only",
        models,
        "--engines",
        engine,
        "-v",
      ],
      { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] },
    );
    expect(printed).toContain(`${models.split(",").length} passed, 0 failed`);
  });
