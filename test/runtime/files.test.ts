import { describe, expect, it } from "vitest";
import {
  DataError,
  readNpy,
  readNpz,
  readSafetensors,
  writeNpy,
  writeSafetensors,
  type NamedTensor,
} from "../../src/runtime/index.js";
import { floatToHalf, halfToFloat } from "../../src/runtime/half.js";
import { NPY } from "./npy-fixtures.js";

const bytes = (base64: string): Uint8Array => new Uint8Array(Buffer.from(base64, "base64"));
const tensors = new Map<string, NamedTensor>([
  ["b", { dtype: "bool", shape: [3], data: Uint8Array.of(1, 0, 1) }],
  ["d", { dtype: "f64", shape: [], data: Float64Array.of(Math.PI) }],
  ["f", { dtype: "f32", shape: [2, 2], data: Float32Array.of(1, NaN, -Infinity, 0.1) }],
  ["h", { dtype: "f16", shape: [3], data: Float32Array.of(0.5, -2, 65504) }],
  ["i", { dtype: "i32", shape: [1], data: Int32Array.of(-7) }],
  ["none", { dtype: "f32", shape: [0, 4], data: new Float32Array(0) }],
  ["u", { dtype: "u32", shape: [1], data: Uint32Array.of(2 ** 32 - 1) }],
]);
const raw = (header: unknown, data = new Uint8Array(8)): Uint8Array => {
  const text = new TextEncoder().encode(typeof header === "string" ? header : JSON.stringify(header));
  const out = new Uint8Array(8 + text.length + data.length);
  new DataView(out.buffer).setBigUint64(0, BigInt(text.length), true);
  out.set(text, 8);
  out.set(data, 8 + text.length);
  return out;
};
const entry = (dtype: string, shape: unknown, from: number, to: number) => ({
  dtype,
  shape,
  data_offsets: [from, to],
});

describe("safetensors", () => {
  it("reads back what it wrote, aligned, whatever the order", () => {
    const written = writeSafetensors(tensors);
    expect(new Map([...readSafetensors(written)].sort(([a], [b]) => (a < b ? -1 : 1)))).toEqual(tensors);
    expect(Number(new DataView(written.buffer).getBigUint64(0, true)) % 8).toBe(0);
  });
  it("reads what others write: 64-bit integers, bytes, metadata", () => {
    const file = raw(
      { __metadata__: { format: "pt" }, k: entry("I64", [1], 0, 8), u: entry("U8", [2], 8, 10) },
      Uint8Array.of(254, 255, 255, 255, 255, 255, 255, 255, 3, 200),
    );
    expect([...readSafetensors(file)].map(([name, { dtype, data }]) => [name, dtype, [...data]])).toEqual([
      ["k", "i32", [-2]],
      ["u", "u32", [3, 200]],
    ]);
    expect(() =>
      readSafetensors(raw({ k: entry("I64", [1], 0, 8) }, Uint8Array.of(0, 0, 0, 0, 1, 0, 0, 0))),
    ).toThrow(/fit/);
  });
  it("refuses every truncation", () => {
    const written = writeSafetensors(tensors);
    for (let n = 0; n < written.length; n++)
      expect(() => readSafetensors(written.subarray(0, n))).toThrow(DataError);
  });
  it.each<[string, Uint8Array, RegExp]>([
    ["a header that is no JSON", raw("{oops"), /SyntaxError/],
    ["a header that is a list", raw([]), /malformed/],
    ["a huge header", Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 255), /safetensors/],
    ["overlapping tensors", raw({ a: entry("F32", [1], 0, 4), b: entry("F32", [1], 2, 6) }), /before `b`/],
    ["a gap", raw({ a: entry("F32", [1], 4, 8) }), /bytes, not/],
    ["bytes after the last", raw({ a: entry("F32", [1], 0, 4) }), /bytes, not/],
    ["a shape that does not fit", raw({ a: entry("F32", [3], 0, 8) }), /malformed/],
    ["offsets beyond the end", raw({ a: entry("F32", [4], 0, 16) }), /malformed/],
    ["a negative size", raw({ a: entry("F32", [-2], 0, 8) }), /another size/],
    ["an unknown dtype", raw({ a: entry("F8", [8], 0, 8) }), /no type F8/],
    ["an entry that is no object", raw({ a: 1 }), /TypeError/],
  ])("refuses %s", (_, file, text) => {
    expect(() => readSafetensors(file)).toThrow(text);
  });
});

describe("npy", () => {
  const six = [0, 1, 2, 3, 4, 5];
  it.each([
    ["f8", "f64"],
    ["f4", "f32"],
    ["f2", "f16"],
    ["i8", "i32"],
    ["i4", "i32"],
    ["u1", "u32"],
    ["u4", "u32"],
    ["v2", "f32"],
    ["v3", "f32"],
    ["fortran", "f64"],
  ] as const)("reads NumPy's %s", (name, dtype) => {
    const read = readNpy(bytes(NPY[name]));
    expect({ ...read, data: [...read.data] }).toEqual({ dtype, shape: [2, 3], data: six });
  });
  it("reads bools and scalars", () => {
    expect([...readNpy(bytes(NPY.b1)).data]).toEqual([1, 0, 1, 0, 1, 0]);
    expect(readNpy(bytes(NPY.scalar))).toEqual({ dtype: "f64", shape: [], data: Float64Array.of(2.5) });
  });
  it("writes what NumPy writes, and reads it back", () => {
    expect(writeNpy(readNpy(bytes(NPY.f4)))).toEqual(bytes(NPY.f4));
    for (const tensor of tensors.values()) expect(readNpy(writeNpy(tensor))).toEqual(tensor);
  });
  it("refuses every truncation, and what it does not know, naming the file", () => {
    const file = bytes(NPY.f4);
    for (let n = 0; n < file.length; n++)
      expect(() => readNpy(file.subarray(0, n), "a.npy")).toThrow(/^a\.npy: /);
    const complex = new TextDecoder("latin1").decode(file).replace("<f4", "<c8");
    expect(() => readNpy(Uint8Array.from(complex, (c) => c.charCodeAt(0)))).toThrow(/element type/);
  });
});

describe("npz", () => {
  it("reads stored and deflated archives of NumPy's", async () => {
    const deflated = await readNpz(bytes(NPY.deflated));
    expect([...deflated].map(([name, { dtype, shape }]) => [name, dtype, shape])).toEqual([
      ["x", "f32", [2, 3]],
      ["k", "i32", [2]],
    ]);
    expect((await readNpz(bytes(NPY.stored))).get("x")).toEqual(deflated.get("x"));
  });
  it("refuses truncated and damaged archives", async () => {
    for (const name of ["deflated", "stored"] as const) {
      const file = bytes(NPY[name]);
      for (let n = 0; n < file.length; n += 7)
        await expect(readNpz(file.subarray(0, n), "a.npz")).rejects.toThrow(/^a\.npz: /);
      const damaged = file.slice();
      damaged.fill(255, 150, 200);
      await expect(readNpz(damaged)).rejects.toBeInstanceOf(DataError);
    }
  });
});

it("half precision: every number of it converts to itself", () => {
  for (let half = 0; half < 65536; half++) {
    const value = halfToFloat(half);
    if (!Number.isNaN(value)) expect(floatToHalf(value)).toBe(half);
  }
  expect([0.1, 65519, 65520, 2 ** -25, 1.5 * 2 ** -24].map(floatToHalf)).toEqual([
    0x2e66, 0x7bff, 0x7c00, 0, 2,
  ]);
});
