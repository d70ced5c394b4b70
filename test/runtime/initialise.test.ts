import { describe, expect, it } from "vitest";
import { ModuleCode } from "../../src/codegen/module/code.js";
import { fnv1a, initialiserOf } from "../../src/codegen/module/initialiser.js";
import { Poly } from "../../src/ir/poly.js";
import type { Initialiser } from "../../src/ir/program.js";
import { threefry2x32 } from "../../src/ir/scalar/random.js";
import { normals, threefry } from "../../src/runtime/initialise.js";

/** Start values of a param, as the module gets them. */
function start(init: Initialiser, shape: readonly number[], name = "W", seed = 0): number[] {
  const value = {
    id: 0,
    name,
    dtype: "f64",
    shape: shape.map((n) => Poly.constant(n)),
    definition: { kind: "leaf", role: "param" },
  } as const;
  const made = initialiserOf(init, value, new ModuleCode());
  const length = shape.reduce((a, b) => a * b, 1);
  if (typeof made === "function") {
    const values = new Float64Array(length);
    made(values, seed, {}, shape);
    return [...values];
  }
  return typeof made === "number" ? new Array<number>(length).fill(made) : [...(made ?? [])];
}

function threefryWords(count: number): Int32Array {
  const words = new Int32Array(2 * count);
  threefry(words, 0, count, 1, 2);
  return words;
}

describe("initialisers", () => {
  it("FNV-1a's known answers", () => {
    const hex = [fnv1a(""), fnv1a("a"), fnv1a("foobar")].map((word) => word.toString(16));
    expect(hex).toEqual(["811c9dc5", "e40c292c", "bf9cf968"]);
  });
  it("draw Threefry's words of the position, under the seed and the name", () => {
    expect(threefry2x32(0, 0, 0, 0)).toEqual([0x6b200159, 0x99ba4efe]);
    for (const [seed, key] of [
      [0, 0],
      [1, 0xbf9cf968],
      [-7, 3],
      [2 ** 31, 2 ** 32 - 1],
    ] as const) {
      const words = new Int32Array(10);
      threefry(words, 0, 5, seed, key);
      expect([...new Uint32Array(words.buffer)]).toEqual(
        [0, 1, 2, 3, 4].flatMap((i) => threefry2x32(seed, key, i, 0)),
      );
    }
  });
  it("normals are Box and Muller's to the rounding of f64", () => {
    const ends = [0, 0xff, 0x100, 0x3fffff00, 0x40000000, 0x7fffff00, 0x80000000, 0xb504f300, 0xffffff00];
    const words = new Int32Array([
      ...ends.flatMap((a) => ends.flatMap((b) => [a, b])),
      ...threefryWords(5000),
    ]);
    const values = new Float64Array(words.length / 2);
    normals(words, values, 3);
    for (let i = 0; i < values.length; i++) {
      const u = ((words[2 * i]! >>> 8) + 1) / 2 ** 24;
      const v = (words[2 * i + 1]! >>> 8) / 2 ** 24;
      const radius = 3 * Math.sqrt(-2 * Math.log(u));
      expect(Math.abs(values[i]! - radius * Math.cos(2 * Math.PI * v))).toBeLessThanOrEqual(radius * 1e-15);
    }
  });
  it("a position's value is the same whatever the length, across what is drawn at a time", () => {
    const init = { kind: "normal", a: 0, b: 1 } as const;
    const long = start(init, [1300]);
    for (const length of [1, 511, 512, 513, 1025])
      expect(start(init, [length])).toEqual(long.slice(0, length));
  });
  const spread = (values: number[]): number =>
    Math.sqrt(values.reduce((sum, v) => sum + v * v, 0) / values.length);
  it("have the spread of their rules", () => {
    const draw = (
      kind: "he_normal" | "he_uniform" | "glorot_normal" | "glorot_uniform",
      fanIn?: number,
    ): number =>
      spread(start({ kind, ...(fanIn !== undefined && { fanIn: Poly.constant(fanIn) }) }, [4, 20, 50]));
    expect(draw("he_normal")).toBeCloseTo(Math.sqrt(2 / 80), 2);
    expect(draw("he_uniform")).toBeCloseTo(Math.sqrt(2 / 80), 2);
    expect(draw("glorot_normal")).toBeCloseTo(Math.sqrt(2 / (80 + 200)), 2);
    expect(draw("glorot_uniform")).toBeCloseTo(Math.sqrt(2 / (80 + 200)), 2);
    expect(draw("he_normal", 8)).toBeCloseTo(0.5, 1);
    expect(spread(start({ kind: "he_normal" }, [5000]))).toBeCloseTo(Math.sqrt(2 / 5000), 3);
    expect(spread(start({ kind: "glorot_normal" }, [5000]))).toBeCloseTo(Math.sqrt(2 / 10000), 3);
    expect(spread(start({ kind: "normal", a: 0, b: 3 }, [5000], "b", 7))).toBeCloseTo(3, 0);
    const uniform = start({ kind: "uniform", a: 2, b: 3 }, [5000], "b", 7);
    expect([Math.min(...uniform) >= 2, Math.max(...uniform) < 3]).toEqual([true, true]);
  });
  it.each([
    [6, 4],
    [4, 6],
    [5, 5],
  ])("orthogonal [%i, %i] has orthonormal rows or columns, and R's diagonal is positive", (n, m) => {
    const q = start({ kind: "orthogonal" }, [n, m], "W", 3);
    const a = start({ kind: "normal", a: 0, b: 1 }, [n, m], "W", 3);
    const tall = n >= m;
    const dot = (x: number[], i: number, j: number): number => {
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
    expect(start({ kind: "eye" }, [2, 3])).toEqual([1, 0, 0, 0, 1, 0]);
    expect(start({ kind: "eye" }, [3, 2])).toEqual([1, 0, 0, 1, 0, 0]);
    expect(start({ kind: "eye" }, [2, 2, 2])).toEqual([1, 0, 0, 1, 0, 0, 0, 0]);
    expect(start({ kind: "values", data: [1, 2] }, [2])).toEqual([1, 2]);
    expect(start({ kind: "fill", value: 4 }, [])).toEqual([4]);
  });
});
