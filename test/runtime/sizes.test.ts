import { describe, expect, it } from "vitest";
import { planMemory, type Planned, type Slot } from "../../src/runtime/plan.js";
import { bindDims, givenBy, type Given } from "../../src/runtime/sizes.js";
import type { DimSpec, ModuleSpec, Size } from "../../src/runtime/types.js";

const given = (source: string, axes: Size[], shape: number[] | number): Given[] =>
  typeof shape === "number" ? givenBy(source, axes, undefined, shape) : givenBy(source, axes, shape, NaN);
const bind = (
  specs: Record<string, DimSpec>,
  known: Record<string, number>,
  shapes: Given[][] = [],
  sizes: ModuleSpec["sizes"] = {},
): Record<string, number> => ({ ...bindDims({ dims: specs, sizes }, known, shapes.flat()) });
/** Sizes as a module has them beside its dims. */
const SIZES: ModuleSpec["sizes"] = {
  "N - 1": ({ N = NaN }) => N - 1,
  "N / 3": ({ N = NaN }) => N / 3,
  "2 * N": ({ N = NaN }) => 2 * N,
  "B * N": ({ B = NaN, N = NaN }) => B * N,
};

describe("dims", () => {
  it("are solved from axes that are linear in one of them", () => {
    const bound = (specs: Record<string, DimSpec>, shapes: Given[][]): number | undefined =>
      bind(specs, {}, shapes, SIZES)["N"];
    expect(bound({ N: null }, [given("x", ["N - 1"], [4])])).toBe(5);
    expect(bound({ N: null }, [given("x", ["N / 3"], [7])])).toBe(21);
    expect(bound({ B: null, N: null }, [given("x", ["B * N"], [12]), given("y", ["B"], [3])])).toBe(4);
  });
  it("are solved from the length of a flat array where one is unknown", () => {
    expect(bind({ B: null }, {}, [given("x", ["B", 784], 1568)])).toEqual({ B: 2 });
    expect(bind({ B: null, T: null }, {}, [given("x", ["B", "T"], 12)])).toEqual({});
    expect(bind({ B: null }, {}, [given("x", ["B", "B"], 9)])).toEqual({});
    expect(bind({ B: null, T: null }, {}, [given("x", ["B", "T"], 12), given("y", ["T"], [4])])).toEqual({
      B: 3,
      T: 4,
    });
  });
  it("follow their definitions, which may also be solved", () => {
    const P: DimSpec = ({ N = NaN }) => N / 4;
    const Q: DimSpec = ({ N = NaN }) => Math.floor(N / 4);
    expect(bind({ N: null, P, Q }, { N: 8 })).toEqual({ N: 8, P: 2, Q: 2 });
    expect(() => bind({ N: null, P }, { N: 9 })).toThrow(/`P`: 2.25 from its definition, not a whole number/);
    expect(bind({ N: null, Q }, { N: 9 })).toEqual({ N: 9, Q: 2 });
    expect(() => bind({ N: null, Q }, { N: 9, Q: 3 })).toThrow(
      /`Q`: 2 from its definition, not 3 from `dims`/,
    );
    const M: DimSpec = ({ N = NaN }) => N - 1;
    expect(bind({ N: null, M }, {}, [given("x", ["M"], [4])])).toEqual({ N: 5, M: 4 });
    expect(() => bind({ N: null, M }, { N: 0 })).toThrow(/`M`: -1 from its definition/);
  });
  it("are not solved from what only looks linear near 0", () => {
    const L: DimSpec = ({ N = NaN }) => Math.max(1, Math.ceil(Math.sqrt(N)));
    const C: DimSpec = ({ N = NaN }) => Math.ceil(Math.sqrt(N));
    expect(bind({ N: null, L, C }, { N: 10 })).toEqual({ N: 10, L: 4, C: 4 });
    expect(bind({ N: null, L }, {}, [given("x", ["L"], [3])])["N"]).toBeUndefined();
    expect(bind({ N: null, C }, {}, [given("x", ["C"], [3])])["N"]).toBeUndefined();
  });
  it("keep a default against a shape, and give way to dims", () => {
    expect(bind({ D: 3 }, {}, [given("x", ["D"], [3])])).toEqual({ D: 3 });
    expect(bind({ D: 3 }, { D: 4 })).toEqual({ D: 4 });
    expect(() => bind({ D: 3 }, {}, [given("x", ["D"], [4])])).toThrow(
      /x: 4, not D = 3 \(D = 3 from its default\)/,
    );
  });
  it("that two sources bind differently name both", () => {
    expect(() =>
      bind({ B: null }, {}, [given("input `x`", ["B"], [3]), given("input `y`", ["B", 2], [4, 2])]),
    ).toThrow(/input `y`: 4, not B = 3 \(B = 3 from input `x`\)/);
    expect(() => bind({ N: null }, {}, [given("input `x`", ["2 * N"], [5])], SIZES)).toThrow(
      /input `x`: 5, not 2 \* N for a whole N/,
    );
    expect(() => bind({ N: null }, { N: 3 }, [given("input `x`", ["2 * N", 1], [5, 1])], SIZES)).toThrow(
      /input `x`: 5, not 2 \* N = 6 \(N = 3 from `dims`\)/,
    );
  });
  it("have names that objects have too", () => {
    expect(
      bind({ constructor: null, toString: 2 } as Record<string, DimSpec>, {}, [
        given("x", ["constructor", "toString"], [3, 2]),
      ]),
    ).toEqual({ constructor: 3, toString: 2 });
  });
});

describe("planned memory", () => {
  const plan = (bytes: number[], uses: number[][], slots: Slot<number>[] = []) => {
    const values = bytes.map((b): Planned<number> => ({ bytes: b, memory: undefined }));
    let count = slots.length;
    planMemory(
      values,
      uses.map((taken) => taken.map((k) => values[k])),
      slots,
      () => count++,
    );
    return { slots: slots.map((slot) => slot.bytes), at: values.map(({ memory }) => memory) };
  };
  it("a chain needs two slots, what is kept lives to the end", () => {
    const { slots, at } = plan([8, 8, 8, 8], [[0], [0, 1], [1, 2], [2, 3], [3]]);
    expect(slots).toEqual([8, 8]);
    expect(at[0]).not.toBe(at[1]);
    expect(at[0]).toBe(at[2]);
    expect(at[1]).toBe(at[3]);
    expect(plan([8, 8, 8], [[0], [0, 1], [1, 2], [0, 2]]).slots).toEqual([8, 8, 8]);
  });
  it("best fit: the smallest slot that is large enough", () => {
    const { slots, at } = plan([100, 10, 90, 8, 9], [[0, 1], [2, 3], [4], []]);
    expect(slots).toEqual([100, 10]);
    expect(at[4]).toBe(1);
  });
  it("uses the slots of other entry points first", () => {
    const slots = [100, 12].map((bytes, memory) => ({ bytes, memory }));
    expect(plan([10], [[0], [0]], slots).at).toEqual([1]);
  });
});
