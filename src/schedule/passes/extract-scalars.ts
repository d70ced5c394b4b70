import type { Expr, ValueId } from "../../ir/expr.js";
import { operands, read, rewriter, visit } from "../../ir/expr.js";
import { Fresh } from "../../ir/fresh.js";
import type { Item, Program, Value } from "../../ir/program.js";
import { costOf } from "../../ir/cost.js";

/** From this many flops on, a scalar is worth a value of its own. */
const WORTHWHILE = 8;

/**
 * Costly parts of a body that mention no index (an optimizer's `1 - beta^t`) become scalar equations of their own, so
 * that they are computed once and not for every element. Bodies with selects are left alone: a part of an arm that is
 * not taken must not be evaluated.
 */
export function extractScalars(program: Program): Program {
  const values = new Map(program.values);
  const known = new Map<Expr, ValueId>();
  const fresh = new Fresh(values);
  const items = program.items.flatMap((item): Item[] => {
    const value = typeof item === "number" ? values.get(item) : undefined;
    if (!value || value.definition.kind !== "equation" || value.definition.axes.length === 0) return [item];
    const { definition } = value;
    const made: ValueId[] = [];
    const chosen = outermostScalars(definition.body);
    if (chosen.length === 0) return [item];
    const replace = new Map<Expr, Expr>();
    for (const [k, part] of chosen.entries()) {
      let id = known.get(part);
      if (id === undefined) {
        id = fresh.id();
        known.set(part, id);
        const name = fresh.name(`${value.name}_${k + 1}`);
        const scalar: Value = {
          id,
          name,
          dtype: part.dtype,
          shape: [],
          definition: { kind: "equation", axes: [], operator: null, body: part },
          ...(value.span ? { span: value.span } : {}),
        };
        values.set(id, scalar);
        made.push(id);
      }
      replace.set(part, read(id, [], part.dtype));
    }
    const { expr } = rewriter({ node: (e) => replace.get(e) });
    values.set(value.id, { ...value, definition: { ...definition, body: expr(definition.body) } });
    return [...made, value.id];
  });
  return { ...program, values, items };
}

function outermostScalars(body: Expr): Expr[] {
  const found: Expr[] = [];
  // Number of scalar reads below a node; undefined where an index or a choice is below it.
  const scalars = new Map<Expr, number | undefined>();
  visit([body], (e) => {
    if (e.op === "select" || e.op === "index" || (e.op === "read" && e.subscripts.length > 0))
      scalars.set(e, undefined);
    else if (e.op === "read") scalars.set(e, 1);
    else {
      const below = operands(e).map((o) => scalars.get(o));
      scalars.set(
        e,
        below.includes(undefined) ? undefined : below.reduce<number>((sum, n) => sum + (n ?? 0), 0),
      );
    }
  });
  const stack = [body];
  for (let e = stack.pop(); e; e = stack.pop()) {
    if (e.op === "cast") stack.push(e.arg);
    if (e.op !== "call") continue;
    const reads = scalars.get(e);
    if (reads === undefined || reads === 0) stack.push(...e.args);
    else if (costOf(e) >= WORTHWHILE) found.push(e);
  }
  return [...new Set(found)];
}
