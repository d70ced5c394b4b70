import type { Instruction, WasmFunction } from "./instruction.js";
import { mapped, op, visit } from "./instruction.js";

/** What is read right after it was set is left on the stack: `tee`, or nothing where no one reads it again. */
export function keepOnStack(fn: WasmFunction): WasmFunction {
  const counts = new Map<string, number>();
  visit(fn.body, (i) => {
    if ("local" in i) counts.set(i.local, (counts.get(i.local) ?? 0) + 1);
  });
  const list = (all: readonly Instruction[]): Instruction[] => {
    const out: Instruction[] = [];
    for (const i of all) {
      const last = out.at(-1);
      const next = inner(i);
      const joined = last?.kind === "set" ? withFirst(next, last, counts.get(last.local) === 2) : null;
      if (joined) out[out.length - 1] = joined;
      else out.push(next);
    }
    return out;
  };
  const inner = (i: Instruction): Instruction => {
    switch (i.kind) {
      case "loop":
        return { ...i, body: list(i.body) };
      case "if":
        return { ...i, then: list(i.then), else: list(i.else) };
      default:
        return i;
    }
  };
  return { ...fn, body: list(fn.body) };
}

/** One number in all lanes as that number, spread: a third of the bytes, of which scalar code has some. 0 is best as it is. */
export function spreadConstants(fn: WasmFunction): WasmFunction {
  const short = (i: Instruction): Instruction => {
    if (i.kind !== "lanes") return i;
    const [value = 0] = i.values;
    if (Object.is(value, 0) || !i.values.every((v) => Object.is(v, value))) return i;
    const type = i.type === "f32x4" ? "f32" : "i32";
    return op(`${i.type}.splat`, { kind: "const", type, value });
  };
  return { ...fn, body: fn.body.map((i) => mapped(i, short)) };
}

/** An instruction that begins by reading the local, with its value in that place. */
function withFirst(
  i: Instruction,
  set: Instruction & { readonly kind: "set" | "tee" },
  isLast: boolean,
): Instruction | null {
  switch (i.kind) {
    case "get":
      if (i.local !== set.local) return null;
      return isLast ? set.value : { ...set, kind: "tee" };
    case "op":
    case "call": {
      const [first, ...rest] = i.args;
      const made = first && withFirst(first, set, isLast);
      return made ? { ...i, args: [made, ...rest] } : null;
    }
    case "set":
    case "tee": {
      const value = withFirst(i.value, set, isLast);
      return value && { ...i, value };
    }
    case "if":
    case "br_if": {
      const condition = withFirst(i.condition, set, isLast);
      return condition && { ...i, condition };
    }
    default:
      return null;
  }
}
