import { expect, test } from "vitest";
import { compile } from "../../src/compile.js";
import { interpret } from "../../src/ir/interpret.js";
import { complaints } from "./harness.js";

const LAYER = `dim B, N
input x: f32[B, N]
layer running<B, N>(x: f32[B, N], momentum: f32 = 0.1) -> y: f32[B, N] {
  state mu: f32[N] = zeros()
  now[i] = mean[b] x[b, i]
  y[b, i] = x[b, i] - mu[i]
  mu'[i] = (1 - momentum) * mu[i] + momentum * now[i]
}
`;

test("a layer's state is named by its instance, and its prime is what it is after a step", () => {
  const { program } = compile(`${LAYER}h = running(x)\noutput y = h\noutput z = running(h, momentum = 0.5)`);
  if (!program) throw new Error("the program is wrong");
  const leaves = new Map([
    ["x", [1, 2, 3, 6]],
    ["h.mu", [1, 1]],
    ["z.mu", [0, 0]],
  ]);
  const values = interpret(program, { B: 2, N: 2 }, leaves);
  const after = program.stateUpdates.map(({ leaf, value }) => [
    program.values.get(leaf)?.name,
    [...(values.get(value)?.data ?? [])].map((v) => Math.round(v * 1e9) / 1e9),
  ]);
  expect(after).toEqual([
    ["h.mu", [1.1, 1.3]],
    ["z.mu", [0.5, 1.5]],
  ]);
});
test("a state has one next value, not one for each index around", () => {
  const layer = `dim B, N\ninput x: f32[B, N]\nlayer r<N>(x: f32[N]) -> y: f32[N] {\n  state s: f32 = 0\n  y[i] = x[i]\n  s' = sum[i] x[i]\n}\n`;
  expect(complaints(`${layer}h[b] = r(x[b])`)).toMatchInlineSnapshot(
    `"GRAD3006 6:3 expected one value for the state \`s\`, found f32 for each index around | s"`,
  );
  expect(
    complaints(`${LAYER}h = running(x)\nfn f(u: f32) -> v: f32 { state q: f32\n v = u }\nw = f(x[0, 0])`),
  ).toMatchInlineSnapshot(`"GRAD2019 10:26 \`state\` has no place in a function | state q: f32"`);
});
