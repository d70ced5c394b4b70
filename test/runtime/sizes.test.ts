import { describe, expect, it } from "vitest";
import { initialValues } from "../../src/runtime/initialise.js";
import { planMemory } from "../../src/runtime/plan.js";
import { bindDims, evaluate, sizeText, type GivenShape } from "../../src/runtime/sizes.js";
import { fnv1a, threefry2x32 } from "../../src/runtime/threefry.js";
import type { DimSpec, EntrySpec, SizeData } from "../../src/runtime/types.js";

const given = (source: string, axes: SizeData[], shape: number[] | number): GivenShape => ({
  source,
  axes,
  shape: typeof shape === "number" ? { total: shape } : shape,
});
const bind = (
  specs: DimSpec[],
  known: Record<string, number>,
  shapes: GivenShape[] = [],
): Record<string, number> =>
  Object.fromEntries(
    [
      ...bindDims(
        specs,
        new Map(Object.entries(known).map(([k, value]) => [k, { value, source: "`dims`" }])),
        shapes,
      ),
    ].map(([name, { value }]) => [name, value]),
  );
const [B, N, T] = ["B", "N", "T"].map((name): DimSpec => ({ name })) as [DimSpec, DimSpec, DimSpec];
const minusOne: SizeData = { terms: [[1, "N"], [-1]] };
const third: SizeData = { terms: [[1, "N"]], over: 3 };

describe("dims", () => {
  it("are solved from axes that are linear in one of them", () => {
    expect(bind([N], {}, [given("x", [minusOne], [4])])).toEqual({ N: 5 });
    expect(bind([N], {}, [given("x", [third], [7])])).toEqual({ N: 21 });
    expect(
      bind([B, N], {}, [given("x", [{ terms: [[1, "B", "N"]] }], [12]), given("y", ["B"], [3])]),
    ).toEqual({ B: 3, N: 4 });
  });
  it("are solved from the length of a flat array where one is unknown", () => {
    expect(bind([B], {}, [given("x", ["B", 784], 1568)])).toEqual({ B: 2 });
    expect(bind([B, T], {}, [given("x", ["B", "T"], 12)])).toEqual({});
    expect(bind([B, T], {}, [given("x", ["B", "T"], 12), given("y", ["T"], [4])])).toEqual({ B: 3, T: 4 });
  });
  it("follow their definitions, which may also be solved", () => {
    const P: DimSpec = { name: "P", definition: { numerator: "N", divisor: 4 } };
    const Q: DimSpec = { name: "Q", definition: { numerator: "N", divisor: 4, floor: true } };
    expect(bind([N, P, Q], { N: 8 })).toEqual({ N: 8, P: 2, Q: 2 });
    expect(() => bind([N, P], { N: 9 })).toThrow(/`P` would be 2.25 with N = 9/);
    expect(bind([N, Q], { N: 9 })).toEqual({ N: 9, Q: 2 });
    expect(() => bind([N, Q], { N: 9, Q: 3 })).toThrow(
      /`Q` is 3 from `dims`, but 2 from its definition \(N = 9\)/,
    );
    const M: DimSpec = { name: "M", definition: { numerator: minusOne } };
    expect(bind([N, M], {}, [given("x", ["M"], [4])])).toEqual({ N: 5, M: 4 });
  });
  it("may be a root, rounded up, and have a least value", () => {
    const L: DimSpec = { name: "L", definition: { numerator: "N", root: true, least: 1 } };
    const R: DimSpec = {
      name: "R",
      definition: { numerator: minusOne, divisor: "L", floor: true, least: 0 },
    };
    expect(bind([N, L, R], { N: 10 })).toEqual({ N: 10, L: 4, R: 2 });
    expect(bind([N, L, R], { N: 9 })).toEqual({ N: 9, L: 3, R: 2 });
    expect(bind([N, L, R], { N: 0 })).toEqual({ N: 0, L: 1, R: 0 });
    // It is not solved for.
    expect(bind([N, L], {}, [given("x", ["L"], [3])])).toEqual({});
  });
  it("keep a default against a shape, and give way to dims", () => {
    const D: DimSpec = { name: "D", default: 3 };
    expect(bind([D], {}, [given("x", ["D"], [3])])).toEqual({ D: 3 });
    expect(bind([D], { D: 4 })).toEqual({ D: 4 });
    expect(() => bind([D], {}, [given("x", ["D"], [4])])).toThrow(/x is \[4\].*D = 3 from its default/);
  });
  it("that two sources bind differently name both", () => {
    expect(() =>
      bind([B], {}, [given("input `x`", ["B"], [3]), given("input `y`", ["B", 2], [4, 2])]),
    ).toThrow(/input `y` is \[4, 2\], but \[B, 2\] is \[3, 2\] \(B = 3 from input `x`\)/);
    expect(() => bind([N], {}, [given("input `x`", [{ terms: [[2, "N"]] }], [5])])).toThrow(
      /x.*2 \* N.*any whole N/,
    );
  });
  it("print as they are written", () => {
    expect(
      [minusOne, third, { terms: [[-2, "B", "N"], [3]], over: 2 } as SizeData, 4, "B"].map(sizeText),
    ).toEqual(["N - 1", "N / 3", "(-2 * B * N + 3) / 2", "4", "B"]);
    expect(evaluate(third, new Map([["N", { value: 9, source: "" }]]))).toBe(3);
  });
});

describe("initialisers", () => {
  it("Threefry's known answers (Random123), FNV-1a's too", () => {
    const hex = (words: readonly number[]): string[] =>
      words.map((word) => word.toString(16).padStart(8, "0"));
    expect(hex(threefry2x32(0, 0, 0, 0))).toEqual(["6b200159", "99ba4efe"]);
    expect(hex(threefry2x32(-1, -1, -1, -1))).toEqual(["1cb996fc", "bb002be7"]);
    expect(hex(threefry2x32(0x13198a2e, 0x03707344, 0x243f6a88, 0x85a308d3))).toEqual([
      "c4923a9c",
      "483df7a0",
    ]);
    expect(hex([fnv1a(""), fnv1a("a"), fnv1a("foobar")])).toEqual(["811c9dc5", "e40c292c", "bf9cf968"]);
  });
  const spread = (values: Float64Array): number =>
    Math.sqrt(values.reduce((sum, v) => sum + v * v, 0) / values.length);
  it("have the spread of their rules", () => {
    const draw = (
      kind: "he_normal" | "he_uniform" | "glorot_normal" | "glorot_uniform",
      fanIn?: number,
    ): number => spread(initialValues({ kind }, [4, 20, 50], "W", 0, fanIn));
    expect(draw("he_normal")).toBeCloseTo(Math.sqrt(2 / 80), 2);
    expect(draw("he_uniform")).toBeCloseTo(Math.sqrt(2 / 80), 2);
    expect(draw("glorot_normal")).toBeCloseTo(Math.sqrt(2 / (80 + 200)), 2);
    expect(draw("glorot_uniform")).toBeCloseTo(Math.sqrt(2 / (80 + 200)), 2);
    expect(draw("he_normal", 8)).toBeCloseTo(0.5, 1);
    expect(spread(initialValues({ kind: "normal", a: 0, b: 3 }, [5000], "b", 7))).toBeCloseTo(3, 0);
    const uniform = initialValues({ kind: "uniform", a: 2, b: 3 }, [5000], "b", 7);
    expect([Math.min(...uniform) >= 2, Math.max(...uniform) < 3]).toEqual([true, true]);
  });
  it.each([
    [6, 4],
    [4, 6],
    [5, 5],
  ])("orthogonal [%i, %i] has orthonormal rows or columns, and R's diagonal is positive", (n, m) => {
    const q = initialValues({ kind: "orthogonal" }, [n, m], "W", 3);
    const a = initialValues({ kind: "normal", a: 0, b: 1 }, [n, m], "W", 3);
    const tall = n >= m;
    const dot = (x: Float64Array, i: number, j: number): number => {
      let sum = 0;
      for (let k = 0; k < Math.max(n, m); k++)
        sum += tall ? x[k * m + i]! * q[k * m + j]! : x[i * m + k]! * q[j * m + k]!;
      return sum;
    };
    for (let i = 0; i < Math.min(n, m); i++) {
      for (let j = 0; j < Math.min(n, m); j++) expect(dot(q, i, j)).toBeCloseTo(i === j ? 1 : 0, 12);
      expect(dot(a, i, i)).toBeGreaterThan(0);
    }
  });
  it("eye, values and fill", () => {
    expect([...initialValues({ kind: "eye" }, [2, 3], "W", 0)]).toEqual([1, 0, 0, 0, 1, 0]);
    expect([...initialValues({ kind: "values", data: [1, 2] }, [2], "W", 0)]).toEqual([1, 2]);
    expect([...initialValues({ kind: "fill", value: 4 }, [], "W", 0)]).toEqual([4]);
  });
});

describe("planned memory", () => {
  const entry = (launches: number[][], results: number[]): EntrySpec => ({
    launches: launches.map((tensors) => ({ kernel: "k", tensors, writes: [], sizes: [] })),
    results: Object.fromEntries(results.map((r) => [`r${r}`, r])),
    grads: {},
    updates: [],
  });
  const facts = (bytes: number[], leaves: number[] = []) => ({
    owner: (t: number) => t,
    bytes: (t: number) => bytes[t]!,
    isLeaf: (t: number) => leaves.includes(t),
    isStored: (t: number) => leaves.includes(t),
  });
  it("a chain needs two slots, results live to the end, leaves have their own", () => {
    const { slots, slotOf } = planMemory(
      entry(
        [
          [0, 1],
          [1, 2],
          [2, 3],
          [3, 4],
        ],
        [4],
      ),
      facts([8, 8, 8, 8, 8], [0]),
    );
    expect(slots).toHaveLength(2);
    expect(slotOf.has(0)).toBe(false);
    expect(slotOf.get(1)).not.toBe(slotOf.get(2));
    expect(slotOf.get(1)).toBe(slotOf.get(3));
  });
  it("best fit: the smallest slot that is large enough", () => {
    const plan = planMemory(entry([[0, 1], [2, 3], [4]], []), facts([100, 10, 90, 8, 9]));
    expect(plan.slots).toEqual([100, 10]);
    expect(plan.slotOf.get(4)).toBe(1);
  });
  it("uses the slots of other entry points first", () => {
    expect(planMemory(entry([[0]], [0]), facts([10]), [100, 12]).slotOf.get(0)).toBe(1);
  });
  it("a result that is a leaf is copied before the launches", () => {
    const plan = planMemory(
      { ...entry([[0, 1]], [0]), updates: [{ leaf: 0, value: 1 }] },
      facts([8, 8], [0]),
    );
    expect([...plan.snapshots.keys()]).toEqual([0]);
    expect(plan.snapshots.get(0)).not.toBe(plan.slotOf.get(1));
  });
  it("states that swap are read before either is written", () => {
    const swap = {
      ...entry([], []),
      updates: [
        { leaf: 0, value: 1 },
        { leaf: 1, value: 0 },
      ],
    };
    expect([...planMemory(swap, facts([8, 8], [0, 1])).snapshots.keys()]).toEqual([1, 0]);
  });
});
