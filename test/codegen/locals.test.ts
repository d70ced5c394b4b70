import { expect, it } from "vitest";
import { encodeModule } from "../../src/codegen/wasm/encode.js";
import type { Instruction, WasmFunction } from "../../src/codegen/wasm/instruction.js";
import { get, i32, op, set } from "../../src/codegen/wasm/instruction.js";
import { alignLocals, shareLocals } from "../../src/codegen/wasm/locals.js";
import { keepOnStack, spreadConstants } from "../../src/codegen/wasm/shorten.js";

/** A function of n to an integer. */
const fn = (locals: readonly string[], ...body: Instruction[]): WasmFunction => ({
  name: "run",
  parameters: [{ name: "n", type: "i32" }],
  result: "i32",
  locals: locals.map((name) => ({ name, type: "i32" })),
  body,
  exports: ["run"],
  notes: [],
});
function results(made: WasmFunction): number[] {
  const bytes = encodeModule({ isShared: false, imports: [], functions: [made] });
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), {
    env: { memory: new WebAssembly.Memory({ initial: 1 }) },
  });
  return [0, 1, 5].map((n) => (exports["run"] as (n: number) => number)(n));
}
const add = (a: Instruction, b: Instruction): Instruction => op("i32.add", a, b);
const whenAny = (...then: Instruction[]): Instruction => ({
  kind: "if",
  condition: get("n"),
  then,
  else: [],
});
/** While n is not 0 after it: at least once. */
const rounds = (...body: Instruction[]): Instruction => ({
  kind: "loop",
  label: "l",
  body: [
    ...body,
    set("n", op("i32.sub", get("n"), i32(1))),
    { kind: "br_if", label: "l", condition: op("i32.gt_s", get("n"), i32(0)) },
  ],
});

const FUNCTIONS: Readonly<Record<string, readonly [locals: number, made: WasmFunction]>> = {
  "one after the other": [
    1,
    fn(["a", "b"], set("a", add(get("n"), i32(1))), set("b", add(get("a"), get("a"))), get("b")),
  ],
  "both at once": [
    2,
    fn(
      ["a", "b"],
      set("a", get("n")),
      set("b", i32(3)),
      set("a", add(get("a"), i32(1))),
      add(get("b"), get("a")),
    ),
  ],
  "from one iteration to the next": [
    2,
    fn(
      ["sum", "own"],
      rounds(set("own", add(get("n"), i32(1))), set("sum", add(get("sum"), get("own")))),
      get("sum"),
    ),
  ],
  "of an earlier iteration, where it was set at all": [
    3,
    fn(
      ["late", "t", "out"],
      rounds(set("t", i32(9)), set("out", add(get("late"), get("t"))), whenAny(set("late", get("t")))),
      get("out"),
    ),
  ],
  "set before a loop that reads it": [
    2,
    fn(
      ["a", "b"],
      set("a", add(get("n"), i32(7))),
      rounds(set("b", add(get("a"), i32(2))), set("n", add(get("n"), i32(0)))),
      get("b"),
    ),
  ],
  "0 where nothing set it": [
    2,
    fn(
      ["a", "b"],
      set("a", i32(5)),
      set("n", op("i32.and", get("n"), get("a"))),
      whenAny(set("b", i32(1))),
      get("b"),
    ),
  ],
  "each loop its own": [
    2,
    fn(
      ["a", "b", "sum"],
      rounds(set("a", add(get("n"), i32(1))), set("sum", add(get("sum"), get("a")))),
      rounds(set("b", add(get("n"), i32(2))), set("sum", add(get("sum"), get("b")))),
      get("sum"),
    ),
  ],
};

it.each(Object.entries(FUNCTIONS))("locals are shared where values are apart: %s", (_, [locals, made]) => {
  const shared = shareLocals(made);
  expect(shared.locals.length).toBe(locals);
  expect(results(shared)).toEqual(results(made));
  const stacked = keepOnStack(made);
  expect(results(stacked)).toEqual(results(made));
  expect(results(shareLocals(stacked))).toEqual(results(made));
});
it("what is read right after it was set stays on the stack", () => {
  const once = fn(["a"], set("a", i32(4)), add(get("a"), get("n")));
  expect(keepOnStack(once).body).toEqual([add(i32(4), get("n"))]);
  const twice = fn(["a"], set("a", i32(4)), add(get("a"), get("a")));
  expect(keepOnStack(twice).body).toEqual([add({ kind: "tee", local: "a", value: i32(4) }, get("a"))]);
  const later = fn(["a"], set("a", i32(4)), add(get("n"), get("a")));
  expect(keepOnStack(later).body).toEqual(later.body);
});

it("functions have the same numbers for locals of a kind, whatever their parameters", () => {
  const long = {
    ...FUNCTIONS["each loop its own"]![1],
    parameters: [
      { name: "n", type: "i32" },
      { name: "m", type: "i32" },
    ] as const,
  };
  const short = { ...fn([], add(get("n"), i32(1))), locals: [{ name: "x", type: "v128" }] as const };
  const [a, b] = alignLocals([long, short]);
  expect(a!.locals.map(({ type }) => type)).toEqual(["i32", "i32", "i32", "v128"]);
  expect(b!.locals.map(({ type }) => type)).toEqual(["i32", "i32", "i32", "i32", "v128"]);
  expect(b!.locals[4]!.name).toBe("x");
  expect(results(a!)).toEqual(results(long));
  expect(results(b!)).toEqual(results(short));
  const many = fn(
    Array.from({ length: 130 }, (_, k) => `a${k}`),
    get("n"),
  );
  expect(alignLocals([many, short])).toEqual([many, short]);
});

it("one number in all lanes is spread, but 0 and numbers that differ stay", () => {
  const lanes = (...values: number[]): Instruction => ({ kind: "lanes", type: "f32x4", values });
  const made = fn(
    [],
    lanes(2, 2, 2, 2),
    lanes(0, 0, 0, 0),
    lanes(-0, -0, -0, -0),
    lanes(1, 2, 3, 4),
    lanes(NaN, NaN, NaN, NaN),
  );
  const spread = (value: number): Instruction => op("f32x4.splat", { kind: "const", type: "f32", value });
  const wanted = [spread(2), lanes(0, 0, 0, 0), spread(-0), lanes(1, 2, 3, 4), spread(NaN)];
  expect(spreadConstants(made).body).toEqual(wanted);
});
