import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import { main } from "../../src/cli/main.js";

/** What a command writes to standard output and error, with its exit status. */
export async function gradc(...args: string[]): Promise<{ status: number; out: string; err: string }> {
  const written = { out: "", err: "" };
  const [stdout, stderr] = [process.stdout.write, process.stderr.write];
  process.stdout.write = (text) => ((written.out += String(text)), true);
  process.stderr.write = (text) => ((written.err += String(text)), true);
  try {
    return { status: await main(args), ...written };
  } finally {
    process.stdout.write = stdout;
    process.stderr.write = stderr;
  }
}

/** A folder for a test file, gone at its end; `write` gives the path of a file in it. */
export function scratch(name: string): {
  path: (file: string) => string;
  write: (file: string, text: string) => string;
} {
  const folder = mkdtempSync(join(tmpdir(), `gradc-${name}-`));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const path = (file: string): string => join(folder, file);
  return {
    path,
    write: (file, text) => {
      writeFileSync(path(file), text);
      return path(file);
    },
  };
}

/** A model with two losses, both trained, and data for it. */
export const CLASSIFIER = `dim B, I = 2
input x: f32[B, I]
input label: i32[B] in 0..2
param w: f32[I] = [0.5, -0.5], b: f32
z[n] = sum[i] x[n, i] * w[i] + b
output p[n] = sigmoid(z[n])
loss l = mean[n] (if label[n] == 1 then softplus(-z[n]) else softplus(z[n]))
loss ridge = sum[i] w[i]^2
train l with sgd(rate = 0.5)
train ridge with sgd(rate = 0.1) for w
check ridge at { x = [[0, 0]], label = [1], w = [1, 2], ridge = 5 }
`;
export function classifier(write: (file: string, text: string) => string): { model: string; data: string } {
  const inputs = {
    x: [
      [1, 2],
      [3, 4],
      [-1, 0],
      [0, -2],
    ],
    label: [0, 1, 1, 0],
  };
  return { model: write("model.grad", CLASSIFIER), data: write("data.json", JSON.stringify({ inputs })) };
}
