import { Poly } from "../ir/poly.js";
import type { KExpr, Kernel, Statement } from "../schedule/kernel/ir.js";
import { freshName } from "../schedule/kernel/rewrite.js";
import { bodiesOf } from "../schedule/kernel/walk.js";
import { mentionsOf } from "./mentions.js";
import { integerFacts } from "./signs.js";
import { blockEnd } from "../schedule/kernel/grid.js";

/** A call of a part in the names of the kernel that calls it. */
export interface PartCall {
  readonly part: string;
  readonly buffers: readonly string[];
  readonly sizes: readonly string[];
  /** The buffer that it stores to last. */
  readonly stores: string;
}
/** What kernels call parts for: a loop, or the statements of a branch. */
export type PartCalls = ReadonlyMap<Statement | readonly Statement[], PartCall>;

/** A kernel as generators print it, after the parts that no kernel before it has: kernels without a grid. */
export interface PartedKernel {
  readonly kernel: Kernel;
  readonly calls: PartCalls;
  readonly parts: readonly Kernel[];
}

/** What is declared around a place. */
type Scope = ReadonlyMap<string, { readonly let?: KExpr; readonly isMutable?: boolean }>;

/**
 * The kernels of a module, those that differ in names alone once: `twins` has the others, by name. The loops around a
 * packed contraction's products, which pack a panel or make values of a tile, become functions of their own: contractions
 * have most of them in common, and an engine that compiles what runs often has short functions to compile, each with one
 * thing to do.
 */
export function inParts(kernels: Iterable<Kernel>): {
  readonly kernels: readonly PartedKernel[];
  readonly twins: ReadonlyMap<string, string>;
} {
  const parts = new Parts();
  const known = new Map<string, string>();
  const twins = new Map<string, string>();
  const made: PartedKernel[] = [];
  for (const kernel of kernels) {
    const facts = integerFacts(kernel);
    const { grid, body, after } = kernel;
    const buffers = kernel.buffers.map(({ name, dtype, access }) => ({ name, dtype, access }));
    const sizes = kernel.sizes.map(({ name }) => ({ name, sign: facts.isNonNegative(integer(name)) }));
    const key = withoutNames([buffers, sizes, grid, body, after]);
    const twin = known.get(key);
    if (twin === undefined) {
      known.set(key, kernel.name);
      made.push(parts.of(kernel));
    } else twins.set(kernel.name, twin);
  }
  return { kernels: made, twins };
}

class Parts {
  /** Names of parts by their text without names. */
  private readonly known = new Map<string, string>();
  private readonly taken = new Set<string>();

  of(kernel: Kernel): PartedKernel {
    const calls = new Map<Statement | readonly Statement[], PartCall>();
    const parts: Kernel[] = [];
    if (!kernel.contraction) return { kernel, calls, parts };
    const part = (
      of: Statement | readonly Statement[],
      statements: readonly Statement[],
      scope: Scope,
    ): void => {
      const body = closed(kernel, statements, scope);
      const made = body && this.part(kernel, body, parts);
      if (made) calls.set(of, made);
    };
    const visit = (list: readonly Statement[], outer: Scope): void => {
      let scope = outer;
      for (const s of list) {
        if (s.kind === "let") scope = new Map([...scope, [s.name, { let: s.value }]]);
        else if (s.kind === "var") scope = new Map([...scope, [s.name, { isMutable: true }]]);
        else if (s.kind === "loop" && !holds(s, "product")) part(s, [s], scope);
        else if (s.kind === "loop") visit(s.body, scope);
        else if (s.kind === "if")
          for (const arm of [s.then, s.else])
            if (arm.some((inner) => holds(inner, "product"))) visit(arm, scope);
            else if (arm.some((inner) => holds(inner, "loop"))) part(arm, arm, scope);
      }
    };
    visit([...kernel.grid.flatMap(blockEnd), ...kernel.body], new Map());
    return { kernel, calls, parts };
  }

  /** The call of a part with this body, which is made where no kernel has it. */
  private part(kernel: Kernel, body: readonly Statement[], made: Kernel[]): PartCall | null {
    const mentions = mentionsOf(body);
    const { stores } = mentions;
    if (stores === undefined) return null;
    const buffers = [...mentions.buffers].flatMap((name) => kernel.buffers.filter((b) => b.name === name));
    const facts = integerFacts(kernel);
    const sizes = [...mentions.names.keys()].map((name) => ({
      name,
      poly: facts.isNonNegative(integer(name)) ? Poly.dim(name) : Poly.dim(name).neg(),
    }));
    const types = buffers.map(({ name, dtype }) => ({ name, dtype }));
    const signs = sizes.map(({ name }) => ({ name, sign: facts.isNonNegative(integer(name)) }));
    const key = withoutNames([types, signs, body]);
    let name = this.known.get(key);
    if (name === undefined) {
      name = this.fresh(`${kernel.name}_${stores}`);
      this.known.set(key, name);
      made.push({ name, buffers, sizes, grid: [], body, after: [], notes: [], spans: kernel.spans });
    }
    return { part: name, buffers: buffers.map((b) => b.name), sizes: sizes.map((s) => s.name), stores };
  }

  private fresh(wanted: string): string {
    // Kernels begin with `k_`.
    return freshName(wanted.replace(/^k_/, "p_").replace(/[^A-Za-z0-9_]/g, "_"), this.taken);
  }
}

const integer = (name: string): KExpr => ({ op: "variable", dtype: "i32", name });

/**
 * Statements that take nothing but buffers and integers: a float or a condition from outside is worked out again. Null
 * where they change a variable from outside, or what is worked out again may be another by then.
 */
function closed(kernel: Kernel, statements: readonly Statement[], scope: Scope): readonly Statement[] | null {
  const isRead = (name: string): boolean =>
    kernel.buffers.some((b) => b.name === name && b.access === "read");
  let before: readonly (Statement & { readonly kind: "let" })[] = [];
  for (;;) {
    const { names, assigned } = mentionsOf([...before, ...statements]);
    if (assigned) return null;
    const [name] = [...names].find(([, dtype]) => dtype !== "i32") ?? [];
    if (name === undefined) return [...before, ...statements];
    const value = scope.get(name)?.let;
    if (!value) return null;
    const again = { kind: "let", name, value } as const;
    const needed = mentionsOf([again]);
    const isFixed = [...needed.names.keys()].every((n) => !scope.get(n)?.isMutable);
    if (!isFixed || ![...needed.buffers].every(isRead)) return null;
    // What one of them needs that stands there already has to come before it.
    before = [again, ...before.filter((s) => s.name !== name)];
  }
}

const holds = (s: Statement, kind: "loop" | "product"): boolean =>
  s.kind === kind || bodiesOf(s).some((list) => list.some((inner) => holds(inner, kind)));

/** As text in which a name is the number of names before it. */
function withoutNames(data: unknown): string {
  const numbers = new Map<string, number>();
  return JSON.stringify(data, (key, value: unknown) => {
    if (typeof value === "number") return Object.is(value, -0) ? "-0" : String(value);
    if (typeof value !== "string" || !["name", "variable", "buffer", "end"].includes(key)) return value;
    const number = numbers.get(value) ?? numbers.size;
    numbers.set(value, number);
    return number;
  });
}
