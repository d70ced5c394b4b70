import type { Instruction, WasmFunction } from "./instruction.js";
import { get, i32, op, set, visit } from "./instruction.js";

/**
 * Integer arithmetic of addresses out of loops. An address is a sum; what a loop does not change of it is added up
 * before the loop, so that each load is left with one addition. Sums wrap at 32 bits, so their order is free. What is
 * put before an inner loop is in turn looked at by the loops around.
 */
export function hoistAddresses(fn: WasmFunction): WasmFunction {
  const hoister = new Hoister(new Set([...fn.locals, ...fn.parameters].map((l) => l.name)));
  const body = hoister.list(fn.body);
  const locals = [...hoister.made].map((name) => ({ name, type: "i32" as const }));
  return { ...fn, body, locals: [...fn.locals, ...locals] };
}

/** `times * node`; a product with an invariant factor keeps it apart. */
interface Term {
  readonly node: Instruction;
  readonly factor: Instruction | null;
  readonly times: number;
}
interface Sum {
  readonly terms: readonly Term[];
  readonly constant: number;
}

/** One loop: which locals change in it, and what was put before it, by text. */
class Loop {
  readonly before: Instruction[] = [];
  readonly known = new Map<string, string>();
  readonly changed = new Set<string>();
  constructor(body: readonly Instruction[]) {
    visit(body, (i) => {
      if (i.kind === "set" || i.kind === "tee") this.changed.add(i.local);
    });
  }
}

class Hoister {
  readonly made = new Set<string>();
  private count = 0;
  constructor(private readonly taken: Set<string>) {}

  list(list: readonly Instruction[]): Instruction[] {
    return list.flatMap((i) => this.statement(i, null));
  }

  /** A statement with its loops done; `loop` is the one around it. */
  private statement(i: Instruction, loop: Loop | null): Instruction[] {
    switch (i.kind) {
      case "loop": {
        const own = new Loop(i.body);
        const body = i.body.flatMap((s) => this.statement(s, own));
        // What was put before this loop is part of the body around it.
        const before = own.before.flatMap((s) => this.statement(s, loop));
        return [...before, { ...i, body }];
      }
      case "if":
        return [
          {
            ...i,
            condition: this.expression(i.condition, loop),
            then: i.then.flatMap((s) => this.statement(s, loop)),
            else: i.else.flatMap((s) => this.statement(s, loop)),
          },
        ];
      default:
        return [this.expression(i, loop)];
    }
  }

  private expression(i: Instruction, loop: Loop | null): Instruction {
    if (!loop) return i;
    switch (i.kind) {
      case "set":
      case "tee":
        return { ...i, value: this.expression(i.value, loop) };
      case "call":
        return { ...i, args: i.args.map((a) => this.expression(a, loop)) };
      case "br_if":
        return { ...i, condition: this.expression(i.condition, loop) };
      case "if":
        return this.statement(i, loop)[0] ?? i;
      case "op":
        if (i.op === "i32.add" || i.op === "i32.sub") return this.sum(i, loop);
        return i.args.length ? { ...i, args: i.args.map((a) => this.expression(a, loop)) } : i;
      default:
        return i;
    }
  }

  /** A sum with its invariant part in a local. */
  private sum(e: Instruction, loop: Loop): Instruction {
    const { terms, constant } = this.linear(e, loop);
    const isFixed = (t: Term): boolean =>
      isInvariant(t.node, loop) && (!t.factor || isInvariant(t.factor, loop));
    const fixed = terms.filter(isFixed);
    const moving = terms.filter((t) => !isFixed(t));
    // A variable and a constant, or what changes altogether, is as good as it is.
    if (fixed.length === 0 || moving.length === 0 || moving.some((t) => !isPure(t.node)))
      return this.inside(e, loop);
    const base = this.local(addUp(fixed.map(product), constant), loop);
    return moving.map((t) => this.moving(t, loop)).reduce((a, b) => op("i32.add", a, b), base);
  }
  private inside(e: Instruction, loop: Loop): Instruction {
    return e.kind === "op" ? { ...e, args: e.args.map((a) => this.expression(a, loop)) } : e;
  }
  private moving({ node, factor, times }: Term, loop: Loop): Instruction {
    const inner = this.inside(node, loop);
    if (!factor) return scaled(inner, times);
    return op("i32.mul", inner, this.local(scaled(factor, times), loop));
  }
  private local(value: Instruction, loop: Loop): Instruction {
    if (value.kind === "get" || value.kind === "const") return value;
    const text = JSON.stringify(value);
    let name = loop.known.get(text);
    if (name === undefined) {
      do name = `h_${++this.count}`;
      while (this.taken.has(name));
      this.taken.add(name);
      this.made.add(name);
      loop.known.set(text, name);
      loop.before.push(set(name, value));
    }
    return get(name);
  }

  private linear(e: Instruction, loop: Loop): Sum {
    const alone: Sum = { terms: [{ node: e, factor: null, times: 1 }], constant: 0 };
    if (e.kind === "const") return { terms: [], constant: e.value };
    if (e.kind !== "op") return alone;
    const [a, b] = e.args;
    if (!a || !b) return alone;
    switch (e.op) {
      case "i32.add":
        return plus(this.linear(a, loop), this.linear(b, loop));
      case "i32.sub":
        return plus(this.linear(a, loop), times(this.linear(b, loop), -1));
      case "i32.shl":
        return b.kind === "const" ? times(this.linear(a, loop), 2 ** b.value) : alone;
      case "i32.mul": {
        if (b.kind === "const") return times(this.linear(a, loop), b.value);
        if (a.kind === "const") return times(this.linear(b, loop), a.value);
        const [of, factor] = isInvariant(b, loop) ? [a, b] : isInvariant(a, loop) ? [b, a] : [null, null];
        if (!of || isInvariant(of, loop)) return alone;
        const { terms, constant } = this.linear(of, loop);
        if (terms.some((t) => t.factor)) return alone;
        return {
          terms: [
            ...terms.map((t) => ({ ...t, factor })),
            ...(constant ? [{ node: factor, factor: null, times: constant }] : []),
          ],
          constant: 0,
        };
      }
      default:
        return alone;
    }
  }
}

const plus = (a: Sum, b: Sum): Sum => ({
  terms: [...a.terms, ...b.terms],
  constant: (a.constant + b.constant) | 0,
});
const times = (s: Sum, n: number): Sum => ({
  terms: s.terms.map((t) => ({ ...t, times: t.times * n })),
  constant: (s.constant * n) | 0,
});
function scaled(e: Instruction, n: number): Instruction {
  if (n === 1) return e;
  const shift = Math.log2(n);
  return Number.isInteger(shift) ? op("i32.shl", e, i32(shift)) : op("i32.mul", e, i32(n | 0));
}
const product = (t: Term): Instruction =>
  scaled(t.factor ? op("i32.mul", t.node, t.factor) : t.node, t.times);
function addUp(parts: readonly Instruction[], constant: number): Instruction {
  const all = constant ? [...parts, i32(constant)] : parts;
  return all.reduce((a, b) => op("i32.add", a, b));
}

const PURE: ReadonlySet<string> = new Set(["i32.add", "i32.sub", "i32.mul", "i32.shl"]);
const isPure = (e: Instruction): boolean =>
  e.kind === "const" || e.kind === "get" || (e.kind === "op" && PURE.has(e.op) && e.args.every(isPure));
const isInvariant = (e: Instruction, loop: Loop): boolean =>
  isPure(e) &&
  (e.kind !== "get" || !loop.changed.has(e.local)) &&
  (e.kind !== "op" || e.args.every((a) => isInvariant(a, loop)));
