import type { Instruction, WasmFunction } from "./instruction.js";
import { get, i32, op, set } from "./instruction.js";

/** Quotients that round down and remainders of the divisor's sign; by 0: 0 and the dividend. */
export function integerFunction(fn: "floor_div" | "mod", operand: "i32" | "u32"): WasmFunction {
  const isFloor = fn === "floor_div";
  const [a, b] = [get("a"), get("b")];
  return {
    name: `${fn}_${operand}`,
    parameters: [
      { name: "a", type: "i32" },
      { name: "b", type: "i32" },
    ],
    result: "i32",
    locals: [{ name: "r", type: "i32" }],
    body: [
      {
        kind: "if",
        condition: op("i32.eqz", b),
        then: [isFloor ? i32(0) : a],
        else: operand === "u32" ? [op(isFloor ? "i32.div_u" : "i32.rem_u", a, b)] : signed(isFloor, a, b),
        result: "i32",
      },
    ],
    exports: [],
    notes: [isFloor ? "quotient, rounded down; 0 by 0" : "remainder of the divisor's sign"],
  };
}

function signed(isFloor: boolean, a: Instruction, b: Instruction): Instruction[] {
  const r = get("r");
  const remainder = set("r", op("i32.rem_s", a, b));
  // The remainder has the dividend's sign; -1 as divisor never reaches div_s, which traps on -2^31 / -1.
  const off = op("i32.and", op("i32.ne", r, i32(0)), op("i32.lt_s", op("i32.xor", r, b), i32(0)));
  if (!isFloor) return [remainder, op("i32.add", r, op("select", b, i32(0), off))];
  return [
    {
      kind: "if",
      condition: op("i32.eq", b, i32(-1)),
      then: [op("i32.sub", i32(0), a)],
      else: [remainder, op("i32.sub", op("i32.div_s", a, b), off)],
      result: "i32",
    },
  ];
}
