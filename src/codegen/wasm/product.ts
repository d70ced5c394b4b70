import type { Instruction, WasmFunction } from "./instruction.js";
import { get, i32, op, set } from "./instruction.js";
import { madd } from "./madd.js";

const upTo = (n: number): number[] => Array.from({ length: n }, (_, k) => k);

/** The routine for tiles of so many rows and columns. Sums stay in registers: 4 × 8 of f32 are eight of sixteen. */
export function productRoutine(dtype: "f32" | "f64", rows: number, columns: number): WasmFunction {
  const bytes = dtype === "f32" ? 4 : 8;
  const lanes = 16 / bytes;
  const shape = dtype === "f32" ? "f32x4" : "f64x2";
  const vectors = upTo(columns / lanes);
  const access = (
    name: "v128.load" | "v128.load32_splat" | "v128.load64_splat" | "v128.store",
    offset: number,
    ...args: Instruction[]
  ): Instruction => ({ kind: "op", op: name, args, offset });
  const sums = upTo(rows).flatMap((i) => vectors.map((v) => ({ i, v, local: `s${i}${v}` })));
  const step = (local: string, elements: number): Instruction =>
    set(local, op("i32.add", get(local), i32(elements * bytes)));
  const term: Instruction[] = [
    ...vectors.map((v) => set(`b${v}`, access("v128.load", 16 * v, get("right")))),
    ...upTo(rows).flatMap((i) => [
      set("a", access(dtype === "f32" ? "v128.load32_splat" : "v128.load64_splat", bytes * i, get("left"))),
      ...vectors.map((v) => set(`s${i}${v}`, madd(shape, get("a"), get(`b${v}`), get(`s${i}${v}`)))),
    ]),
    step("left", rows),
    step("right", columns),
    { kind: "br_if", label: "terms", condition: op("i32.lt_u", get("left"), get("end")) },
  ];
  return {
    name: `product_${dtype}_${rows}x${columns}`,
    parameters: ["left", "right", "count", "into"].map((p) => ({ name: p, type: "i32" })),
    result: null,
    locals: [
      { name: "end", type: "i32" },
      { name: "a", type: "v128" },
      ...vectors.map((v) => ({ name: `b${v}`, type: "v128" as const })),
      ...sums.map(({ local }) => ({ name: local, type: "v128" as const })),
    ],
    body: [
      set("end", op("i32.add", get("left"), op("i32.mul", get("count"), i32(rows * bytes)))),
      {
        kind: "if",
        condition: op("i32.lt_u", get("left"), get("end")),
        then: [{ kind: "loop", label: "terms", body: term }],
        else: [],
      },
      ...sums.map(({ i, v, local }) =>
        access("v128.store", bytes * (i * columns + v * lanes), get("into"), get(local)),
      ),
    ],
    exports: [],
    notes: ["into[i, j] = the sum over k of left[k, i] * right[k, j]"],
  };
}
