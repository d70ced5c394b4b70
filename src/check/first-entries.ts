import type { Expr, Index, ReadExpr, ValueId } from "../ir/expr.js";
import { constant, read, readsOf, rewriter } from "../ir/expr.js";
import { overOwnIndices } from "../ir/fresh.js";
import { Poly } from "../ir/poly.js";
import type { Value } from "../ir/program.js";
import type { Context } from "./context.js";
import type { LeadingAxes } from "./leading-axes.js";
import type { DeclaredQuantity } from "./quantities.js";
import { showSize, type Term } from "./term.js";
import type { Quantity } from "./steps.js";

/** A quantity of a recurrence, its right sides read. */
export interface Made {
  readonly quantity: Quantity;
  readonly known: DeclaredQuantity;
  readonly step: Term;
  readonly bases: readonly (Term | null)[];
}

/**
 * Base entries that are read within the recurrence itself, as `y[0]` is in `x[0] = sin(y[0])`: each is a value of its
 * own, without the axis of the level whose base it is, so that it follows from no step. It has the quantity's other
 * coordinates.
 */
export class FirstEntries {
  private readonly made = new Map<Quantity, Map<number, ValueId>>();

  constructor(
    private readonly quantities: readonly Made[],
    private readonly points: LeadingAxes,
    since: ValueId,
    private readonly context: Context,
  ) {
    const { values } = context.session;
    const inside: Value[] = [];
    for (let id = since; id < values.mark(); id++) inside.push(...[values.byId.get(id) ?? []].flat());
    const bodies = [
      ...inside.flatMap(({ definition: d }) =>
        d.kind === "equation" ? [d.body, ...(d.operator?.guard ? [d.operator.guard] : [])] : [],
      ),
      ...quantities.flatMap((q) => [q.step.body, ...q.bases.flatMap((b) => b?.body ?? [])]),
    ];
    for (const node of readsOf(bodies)) {
      const found = this.baseOf(node);
      if (found) this.reserve(found.of, found.base, found.axis);
    }
    if (this.made.size === 0) return;
    for (const { id, definition } of inside) {
      if (definition.kind !== "equation") continue;
      const { operator, body } = definition;
      const guard = operator?.guard ? this.rewritten(operator.guard) : null;
      values.replace(id, {
        definition: {
          ...definition,
          operator: operator && { ...operator, guard },
          body: this.rewritten(body),
        },
      });
    }
  }

  /** The same, with base entries read from their own values. */
  readonly rewritten = (e: Expr): Expr => (this.made.size === 0 ? e : this.toOwn.expr(e));
  private readonly toOwn = rewriter({
    read: (node) => {
      const found = this.baseOf(node);
      const id = found && this.made.get(found.of.quantity)?.get(found.base);
      return id === undefined
        ? undefined
        : read(
            id,
            node.subscripts.filter((_, k) => k !== found?.axis),
            node.dtype,
          );
    },
  });

  /**
   * What a base entry is, over the axes that it has; read from its own value if it has one, which is so defined.
   */
  define({ quantity }: Made, base: number, axes: readonly Index[], body: Expr): Expr {
    const id = this.made.get(quantity)?.get(base);
    if (id === undefined) return body;
    this.context.session.values.replace(id, {
      definition: overOwnIndices({ kind: "equation", axes, operator: null, body }),
    });
    return read(
      id,
      axes.map((a) => Poly.index(a)),
      body.dtype,
    );
  }

  /** The base entry that a read is of, and the axis that says so. */
  private baseOf(node: ReadExpr): { of: Made; base: number; axis: number } | undefined {
    const of = this.quantities.find((q) => q.known.id === node.value);
    if (!of) return undefined;
    for (const [base, entry] of of.quantity.bases.entries()) {
      if (!entry.base) continue;
      const axis = this.points.axes.length + entry.base.level;
      if (node.subscripts[axis]?.equals(entry.base.place)) return { of, base, axis };
    }
    return undefined;
  }

  private reserve({ quantity, known }: Made, base: number, axis: number): void {
    const own = this.made.get(quantity) ?? new Map<number, ValueId>();
    this.made.set(quantity, own);
    const place = quantity.bases[base]?.base?.place;
    if (own.has(base) || !place) return;
    const { values } = this.context.session;
    const whole = values.get(known.id);
    const id = values.define(
      `${whole.name}.${showSize(place)}`,
      known.dtype,
      whole.shape.filter((_, k) => k !== axis),
      { kind: "equation", axes: [], operator: null, body: constant(0, known.dtype) },
      { span: quantity.bases[base]?.target.span ?? quantity.step.target.span },
    );
    this.context.session.runAsDoes(known.id, id, (own) =>
      own === axis ? undefined : own > axis ? own - 1 : own,
    );
    own.set(base, id);
  }
}
