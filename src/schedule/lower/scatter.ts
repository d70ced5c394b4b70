import { freshIndex } from "../../ir/expr.js";
import { Poly } from "../../ir/poly.js";
import { kCall, kConstant } from "../kernel/arithmetic.js";
import type { ScatterGroup } from "../plan/group.js";
import { finish, scopeOf, valueOf, type LoweredKernel, type LoweringContext } from "./context.js";
import { Block } from "./emit.js";
import { openLoops } from "./loops.js";
import { flatten } from "./scope.js";

/** out[target] += body: zeros first, then one run over the domain. For targets whose grid runs in sequence. */
export function lowerScatter(group: ScatterGroup, context: LoweringContext): LoweredKernel {
  const scope = scopeOf(context, new Set([group.value]));
  const value = valueOf(context.program, group.value);
  const { domain, guard, target, body: term } = group.scatter;
  const top = new Block(scope, null);
  const cells = value.shape.map((size, k) => freshIndex(`i${k}`, size));
  const clear = openLoops(top, cells);
  const out = scope.buffer(value.id, "write");
  clear.block.push({
    kind: "store",
    buffer: out.name,
    index: clear.block.poly(
      flatten(
        value.shape,
        cells.map((c) => Poly.index(c)),
      ),
    ),
    value: kConstant(0, value.dtype),
  });
  clear.close();
  const run = openLoops(top, domain, undefined, 1);
  const inner = guard ? run.block.inner() : run.block;
  const address = inner.poly(flatten(value.shape, target));
  const v = inner.value(term);
  const at = inner.let("at", address);
  scope.buffer(value.id, "read");
  inner.push({
    kind: "store",
    buffer: out.name,
    index: at,
    value: kCall("add", value.dtype, { op: "load", dtype: value.dtype, buffer: out.name, index: at }, v),
  });
  if (guard) {
    run.block.push({ kind: "if", condition: run.block.value(guard), then: inner.statements, else: [] });
  }
  run.close();
  return finish(scope, [], top.statements, [value]);
}
