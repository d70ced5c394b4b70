import { inBounds } from "../../ir/bounds.js";
import { equationOf, iterationOf } from "../../ir/equation.js";
import type { Expr, Index, ValueId } from "../../ir/expr.js";
import { isFloat, operands, read, readsOf, rewriter, visit } from "../../ir/expr.js";
import { formOf } from "../../ir/form.js";
import { Fresh, overOwnIndices } from "../../ir/fresh.js";
import { groupedIds, idsOf } from "../../ir/items.js";
import { Poly } from "../../ir/poly.js";
import type { Equation, Item, Program, Value } from "../../ir/program.js";
import { SCALARS } from "../../ir/scalar/table.js";

/** From this many flops on, a function's value is worth being kept for another loop. */
const COSTLY = 8;

/**
 * What costs a function and is computed in two equations or more, or again for every value of an index that it does not
 * mention, becomes an equation of its own: the exponentials that a softmax adds up are those that it divides, the tanh
 * of the forward pass is that of its gradient, the logarithm of a density's deviation is that of all samples. Where the
 * loops meet, it is a register or a row in a cache. `packs`: whether an equation's operands are evaluated once anyway.
 */
export function shareCostly(program: Program, packs: (equation: Equation) => boolean): Program {
  const grouped = groupedIds(program);
  const plain = (id: ValueId): Equation | null => (grouped.has(id) ? null : equationOf(program, id));
  const exists = (e: Expr): boolean =>
    readsOf([e]).every((node) => inBounds(node, program.values.get(node.value)?.shape ?? []));
  const holders = new Map<string, Set<ValueId>>();
  const formed = new Map<Expr, ReturnType<typeof formOf> | null>();
  const form = (e: Expr): ReturnType<typeof formOf> | null => {
    const isCostly = e.op === "call" && isFloat(e.dtype) && (SCALARS[e.fn]?.cost ?? 0) >= COSTLY;
    if (!isCostly) return null;
    const known = formed.get(e);
    if (known !== undefined) return known;
    const found = readsOf([e]).length > 0 && exists(e) ? formOf(e) : null;
    const fits = found && found.indices.length > 0 && found.indices.every((i) => i.lo.isZero) ? found : null;
    formed.set(e, fits);
    return fits;
  };
  const repeated = new Set<string>();
  const ids = program.items.flatMap(idsOf);
  for (const id of ids) {
    const equation = plain(id);
    if (!equation) continue;
    const repeats = packs(equation) ? null : iterationOf(equation);
    visit([equation.body], (e) => {
      const found = form(e);
      if (!found) return;
      holders.set(found.key, (holders.get(found.key) ?? new Set()).add(id));
      if (repeats?.some((i) => isLong(i) && !found.indices.includes(i))) repeated.add(found.key);
    });
  }
  const isWorthwhile = (key: string): boolean => (holders.get(key)?.size ?? 0) > 1 || repeated.has(key);
  if (![...holders.keys()].some(isWorthwhile)) return program;
  const isShared = (e: Expr): string | null => {
    const key = form(e)?.key;
    return key !== undefined && isWorthwhile(key) ? key : null;
  };
  // Of what is shared, only the whole: parts of it that stand nowhere else have no readers left.
  const uses = new Map<string, number>();
  for (const id of ids) {
    const equation = plain(id);
    const keys = equation ? outermost(equation.body, isShared).values() : [];
    for (const key of new Set(keys)) uses.set(key, (uses.get(key) ?? 0) + 1);
  }
  const values = new Map(program.values);
  const fresh = new Fresh(values);
  const made = new Map<string, { readonly id: ValueId; readonly order: readonly number[] }>();
  const items = program.items.flatMap((item): Item[] => {
    const equation = typeof item === "number" ? plain(item) : null;
    const holder = typeof item === "number" ? values.get(item) : undefined;
    if (!equation || !holder) return [item];
    const before: ValueId[] = [];
    const replaced = (e: Expr): Expr | null => {
      const key = isShared(e);
      const indices = form(e)?.indices;
      if (key === null || !indices || ((uses.get(key) ?? 0) < 2 && !repeated.has(key))) return null;
      let tensor = made.get(key);
      if (!tensor) {
        const id = fresh.id();
        const axes = iterationOf(equation).filter((i) => indices.includes(i));
        const value = valueOf(e, axes, holder, id, fresh);
        values.set(id, value);
        before.push(id);
        tensor = { id, order: axes.map((a) => indices.indexOf(a)) };
        made.set(key, tensor);
      }
      const subscripts = tensor.order.flatMap((k) => {
        const index = indices[k];
        return index ? [Poly.index(index)] : [];
      });
      return read(tensor.id, subscripts, e.dtype);
    };
    const chosen = outermost(equation.body, replaced);
    if (chosen.size === 0) return [item];
    const body = rewriter({ whole: (e) => chosen.get(e) }).expr(equation.body);
    values.set(holder.id, { ...holder, definition: { ...equation, body } });
    return [...before, item];
  });
  return { ...program, values, items };
}

/** An index with so many values that what does not depend on it had better not be worked out for each. */
const isLong = ({ lo, hi }: Index): boolean => (hi.sub(lo).constant ?? Infinity) >= 4;

function valueOf(e: Expr, axes: readonly Index[], holder: Value, id: ValueId, fresh: Fresh): Value {
  const name = fresh.name(`${holder.name}_${e.op === "call" ? (SCALARS[e.fn]?.variantOf ?? e.fn) : "part"}`);
  const definition = overOwnIndices({ kind: "equation", axes, operator: null, body: e });
  const shape = axes.map((a) => a.hi);
  return { id, name, dtype: e.dtype, shape, definition, ...(holder.span ? { span: holder.span } : {}) };
}

/** What there is for nodes, of each branch the outermost one that has something. */
function outermost<T>(body: Expr, of: (e: Expr) => T | null): ReadonlyMap<Expr, T> {
  const found = new Map<Expr, T>();
  const seen = new Set<Expr>();
  const stack = [body];
  for (let e = stack.pop(); e; e = stack.pop()) {
    if (seen.has(e)) continue;
    seen.add(e);
    const own = of(e);
    if (own !== null) found.set(e, own);
    else stack.push(...operands(e));
  }
  return found;
}
