import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { STD_SOURCES } from "../../src/std/sources.js";
import { interpret } from "../../src/ir/interpret.js";
import { evaluated } from "../evaluate.js";
import { compile } from "../../src/compile.js";
import { complaints } from "../check/harness.js";

// Values and gradients beside PyTorch's are in test/programs, std_*.grad.

describe("what is generated from the library", () => {
  test("the compiler's text is that of the files", () => {
    for (const file of readdirSync("src/std").filter((f) => f.endsWith(".grad")))
      expect(STD_SOURCES[`std/${file.replace(/\.grad$/, "")}`], file).toBe(
        readFileSync(`src/std/${file}`, "utf8"),
      );
  });
  test("docs/std.md lists every declaration with its doc comment", () => {
    execFileSync("node", ["scripts/gen-std-docs.mjs", "--check"], { stdio: "pipe" });
  });
});

test("batch_norm's running statistics are PyTorch's", () => {
  const source = `import { batch_norm } from "std/nn"
    dim B, N = 3
    input x: f32[B, N], training: bool = true
    n = batch_norm(x, training)
    output y = n`;
  const { program } = compile(source, { precision: "f64" });
  if (!program) throw new Error("the program is wrong");
  const batches = [
    [1, 2, -1, 0.5, -0.5, 2, 2, 1, 0],
    [0, 1, 1, 3, -2, 0.5],
  ];
  const leaves = new Map<string, ArrayLike<number>>([
    ["n.gain", [1, 1, 1]],
    ["n.bias", [0, 0, 0]],
    ["n.running_mean", [0, 0, 0]],
    ["n.running_var", [1, 1, 1]],
    ["training", [1]],
  ]);
  const run = (x: readonly number[]) => interpret(program, { B: x.length / 3, N: 3 }, leaves.set("x", x));
  const close = (got: ArrayLike<number> | undefined, want: readonly number[]): void =>
    want.forEach((w, k) => expect(got?.[k]).toBeCloseTo(w, 12));
  for (const x of batches) {
    const values = run(x);
    for (const { leaf, value } of program.stateUpdates)
      leaves.set(program.values.get(leaf)?.name ?? "", [...(values.get(value)?.data ?? [])]);
  }
  // torch.nn.BatchNorm1d(3) in float64, PyTorch 1.13.
  close(leaves.get("n.running_mean"), [0.255, 0.025, 0.105]);
  close(leaves.get("n.running_var"), [1.3125, 1.4025, 1.0325]);
  leaves.set("training", [0]);
  const values = run(batches[0] ?? []);
  const [output] = program.outputs;
  close(
    values.get(output?.value ?? -1)?.data,
    [
      0.6502868356247925, 1.6676853617451972, -1.0874646410244768, 0.21385271775580425, -0.44330876704619165,
      1.8649280495397136, 1.523155071362769, 0.8232877102286417, -0.10333374416974667,
    ],
  );
  for (const { leaf, value } of program.stateUpdates)
    close(values.get(value)?.data, [...(leaves.get(program.values.get(leaf)?.name ?? "") as number[])]);
});

describe("the same seed at two places", () => {
  const header = "dim N\ninput x: f32[N], seed: i32\n";
  test("is a warning that names both", () => {
    expect(complaints(`${header}a[n] = x[n] + rand(seed)[n]\nb[n] = x[n] + randn(seed)[n]`)).toBe(
      "GRAD2018 4:21 seed `seed` draws the same numbers at two places | seed",
    );
  });
  test("is found in two calls of a function, at the second call", () => {
    expect(
      complaints(
        `import { dropout } from "std/random"\n${header}a = dropout(x, 0.5, seed)\nb = dropout(a, 0.5, seed)`,
      ),
    ).toBe("GRAD2018 5:5 seed `seed` draws the same numbers at two places | dropout(a, 0.5, seed)");
  });
  test("is not another seed, nor one place in a recurrence or under an index", () => {
    expect(
      complaints(
        `import { dropout } from "std/random"\n${header}a = dropout(x, 0.5, seed)\nb = dropout(a, 0.5, seed + 1)\n` +
          "rec t in 0..3 {\n  z[0, n] = b[n]\n  z[t + 1, n] = z[t, n] + randn(seed + 2)[t, n]\n}\noutput y = z",
      ),
    ).toBe("");
  });
});

function run(source: string, inputs: Readonly<Record<string, unknown>>): Record<string, readonly number[]> {
  const { program, diagnostics } = compile(source, { wrt: "all", precision: "f64" });
  expect(diagnostics.filter((d) => d.severity === "error")).toEqual([]);
  if (!program) throw new Error("no program");
  return evaluated(program, { inputs });
}

describe("losses at their special points", () => {
  test("the binary cross-entropy of a large score is finite, and so is its derivative", () => {
    const got = run(
      'import { binary_cross_entropy_with_logits } from "std/losses"\ninput z: f32[4], t: f32[4]\n' +
        "loss l = sum[n] binary_cross_entropy_with_logits(z[n], t[n])",
      { z: [1000, -1000, 1000, -1000], t: [1, 0, 0, 1] },
    );
    expect(got["l"]).toEqual([2000]);
    expect(got["l/z"]).toEqual([0, 0, 1, -1]);
  });
  test("the binary cross-entropy of a certainty is cut off at 100", () => {
    const got = run(
      'import { binary_cross_entropy } from "std/losses"\ninput p: f32[4], t: f32[4]\n' +
        "output e[n] = binary_cross_entropy(p[n], t[n])\nloss l = sum[n] e[n]",
      { p: [0, 1, 0, 1], t: [0, 1, 1, 0] },
    );
    expect(got["e"]?.map((v) => v + 0)).toEqual([0, 0, 100, 100]);
  });
  test("a norm has derivative 0 at 0, and KL takes entries of 0", () => {
    const got = run(
      'import { norm } from "std/linalg"\nimport { kl } from "std/losses"\n' +
        "input x: f32[2], p: f32[2], q: f32[2]\nloss l = norm(x) + kl(p, q)",
      { x: [0, 0], p: [0, 1], q: [0.5, 0.5] },
    );
    expect(got["l"]?.[0]).toBeCloseTo(Math.log(2), 14);
    expect(got["l/x"]).toEqual([0, 0]);
    expect(got["l/p"]?.[0]).toBe(0);
  });
});
