import type { Expr, ValueId } from "../../ir/expr.js";
import { add, compare, constant, freshIndex, indexValue, read, rewriter, select } from "../../ir/expr.js";
import { Poly } from "../../ir/poly.js";
import type { Item, Operator, RecurrenceGroup } from "../../ir/program.js";
import type { Workspace } from "../workspace.js";
import type { Followed, Following } from "./follow.js";

/** The forward pass of a recurrence with all that goes along with it, so that nothing later reads all of its entries. */
export interface Joined {
  readonly group: RecurrenceGroup;
  /** Results of sums over the steps, computed after it. */
  readonly after: readonly ValueId[];
}

/**
 * Joins to a recurrence what goes along with its steps: values of each step become members, and a sum over the steps
 * becomes a sum of what each contributes (a number for each step), or where that is a tensor, a running sum.
 */
export function joined(work: Workspace, group: RecurrenceGroup, { followed, steps }: Following): Joined {
  const items: Item[] = [];
  const time = new Map(group.time);
  const after: ValueId[] = [];
  const taken = new Set<RecurrenceGroup>();
  for (const one of followed.values()) {
    if (one.phase !== "forward") continue;
    if (one.group) {
      if (taken.has(one.group)) continue;
      taken.add(one.group);
      items.push(...one.group.items);
      const further = one.group.lo.sub(group.lo).constant ?? 0;
      for (const [id, { axis, shift }] of one.group.time) time.set(id, { axis, shift: shift + further });
    } else if (one.axis !== null) {
      items.push(one.id);
      time.set(one.id, { axis: one.axis, shift: one.shift * steps.direction });
    } else {
      const { terms, running } = summed(work, one, steps.direction);
      const first = one.index.lo.constant ?? 0;
      const shift = one.shift * steps.direction - first;
      items.push(terms);
      time.set(terms, { axis: 0, shift });
      if (running !== null) {
        items.push(running);
        time.set(running, { axis: 0, shift: steps.direction === 1 ? shift + 1 : shift });
      }
      after.push(one.id);
    }
  }
  return { group: { ...group, items, time }, after };
}

/** Defines a sum anew by its terms along the steps. */
function summed(
  work: Workspace,
  { id, equation, index }: Followed,
  direction: 1 | -1,
): { readonly terms: ValueId; readonly running: ValueId | null } {
  const value = work.value(id);
  const { dtype, name } = value;
  const operator = equation.operator;
  const count = index.hi.sub(index.lo);
  const copies = () => equation.axes.map((a) => freshIndex(a.name, a.hi));
  const row = freshIndex(index.name, count);
  const own = copies();
  const to = new Map([
    [index, Poly.index(row).add(index.lo)],
    ...equation.axes.map((a, k) => [a, Poly.index(own[k] ?? a)] as const),
  ]);
  const { expr } = rewriter({ index: (i) => to.get(i) });
  const guard = operator?.guard ? expr(operator.guard) : null;
  const rest = operator?.kind === "reduce" ? operator.indices.filter((i) => i !== index) : [];
  const inner: Operator | null =
    rest.length > 0 && operator?.kind === "reduce" ? { ...operator, indices: rest, guard } : null;
  const body = expr(equation.body);
  const term = guard && !inner ? select(guard, body, constant(0, dtype)) : body;
  const terms = work.equation(`${name}.term`, dtype, [row, ...own], inner, term, value);
  const define = (
    of: ValueId,
    operatorOf: (i: typeof row) => Operator | null,
    at: (i: typeof row) => Poly,
  ) => {
    const axes = copies();
    const over = freshIndex(index.name, count);
    const points = axes.map((a) => Poly.index(a));
    const entry: Expr = read(of, [at(over), ...points], dtype);
    work.values.set(id, {
      ...value,
      definition: { kind: "equation", axes, operator: operatorOf(over), body: entry },
    });
  };
  if (equation.axes.length === 0) {
    define(
      terms,
      (i) => ({ kind: "reduce", reducer: "sum", indices: [i], guard: null }),
      (i) => Poly.index(i),
    );
    return { terms, running: null };
  }
  const running = work.reserve();
  const at = freshIndex(index.name, count.add(1));
  const axes = copies();
  const points = axes.map((a) => Poly.index(a));
  const up = direction === 1;
  const isFirst = compare("eq", indexValue(Poly.index(at)), indexValue(up ? Poly.constant(0) : count));
  const made = up ? Poly.index(at).sub(1) : Poly.index(at);
  const sum = add(
    read(running, [up ? made : made.add(1), ...points], dtype),
    read(terms, [made, ...points], dtype),
  );
  const body0 = select(isFirst, constant(0, dtype), sum);
  work.equation(`${name}.running`, dtype, [at, ...axes], null, body0, value, running);
  define(
    running,
    () => null,
    () => (up ? count : Poly.constant(0)),
  );
  return { terms, running };
}
