import * as ir from "../ir/expr.js";
import type { Index, ValueId } from "../ir/expr.js";
import { Poly, ZERO } from "../ir/poly.js";
import type { EquationStatement, RecStatement, Target } from "../parser/ast.js";
import { subscript } from "./access.js";
import { Scope, withIndices, type Context, type Recurrence } from "./context.js";
import { elaborate } from "./elaborate.js";
import { duplicate, equationTerm, type Body, type Declared } from "./equations.js";
import { numberOf } from "./initialisers.js";
import { sizeOf } from "./sizes.js";
import { bodyOver, showSize, valueTerm, type Term } from "./term.js";

/** One equation of a `rec`: the entries at t + shift, or the one at a fixed place. */
interface Entry {
  readonly statement: EquationStatement;
  /** Without the axis of the recurrence. */
  readonly target: Target;
  readonly at:
    { readonly kind: "step"; readonly shift: number } | { readonly kind: "base"; readonly place: Poly };
}
interface Quantity {
  readonly name: string;
  readonly shift: number;
  readonly step: Entry;
  readonly bases: readonly Entry[];
  readonly size: Poly;
}

/**
 * `rec t in lo..hi { … }`: base entries and step of a quantity become one equation that chooses by its coordinate,
 * and reads itself at earlier ones. Which equations really run in a circle is found later (items.ts).
 */
export function elaborateRecurrence(statement: RecStatement, context: Context, body: Body): void {
  const { session } = context;
  const { report, values } = session;
  const run = runOf(statement, context);
  const entries = run && entriesOf(statement, context, run.index);
  const quantities = run && entries && quantitiesOf(entries, run.recurrence, context);
  if (!run || !quantities) return;
  const { index, recurrence } = run;

  const scope = new Scope(context.scope);
  const outer: Context = { ...context, scope };
  const inside: Context = {
    ...withIndices(outer, [index], [statement.index.text]),
    times: new Map([...context.times, [index, recurrence]]),
  };
  const contextOf = (entry: Entry): Context => ({
    ...(entry.at.kind === "step" ? inside : outer),
    owner: `${body.prefix}${entry.target.name.text}`,
  });

  // Shapes first: a quantity's entries are read before its equation is known. Each round settles what it can.
  for (const { name } of quantities) scope.bind(name, { kind: "poison" });
  const declared = new Map<string, Declared>();
  const ids = new Map<string, ValueId>();
  const declare = ({ name, size, step, shift }: Quantity, { dtype, shape }: Declared): void => {
    const id = values.define(
      `${body.prefix}${name}`,
      dtype,
      [size, ...shape],
      { kind: "equation", axes: [], operator: null, body: ir.constant(0, dtype) },
      { span: step.target.span },
    );
    scope.bind(name, { kind: "term", term: valueTerm(values.get(id)) });
    declared.set(name, { dtype, shape });
    ids.set(name, id);
    session.timeAxes.set(id, { index, axis: 0, shift });
  };
  for (let grown = true; grown;) {
    grown = false;
    for (const quantity of quantities) {
      if (declared.has(quantity.name)) continue;
      for (const entry of [...quantity.bases, quantity.step]) {
        const found = session.speculate(() =>
          equationTerm(entry.target, entry.statement.value, contextOf(entry)),
        );
        if (!found) continue;
        declare(quantity, { dtype: found.dtype, shape: found.axes.map((a) => a.hi) });
        grown = true;
        break;
      }
    }
    if (grown) continue;
    // What reads only itself has no entry to begin with; ranges on the left say its shape. Such values are floats.
    for (const quantity of quantities) {
      const shape = declared.has(quantity.name) ? null : writtenShape(quantity, outer);
      if (!shape) continue;
      declare(quantity, { dtype: "f32", shape });
      grown = true;
      break;
    }
  }
  session.recurrences.set(index, recurrence);

  const before = report.diagnostics.length;
  for (const quantity of quantities) {
    const { name } = quantity;
    const known = declared.get(name);
    const termOf = (entry: Entry): Term | null =>
      equationTerm(entry.target, entry.statement.value, contextOf(entry), known);
    const bases = quantity.bases.map(termOf);
    const step = termOf(quantity.step);
    const id = ids.get(name);
    if (known && id !== undefined && step && bases.every((b) => b !== null))
      define(quantity, id, known, step, bases, index, recurrence, context);
    const term = id !== undefined && step ? valueTerm(values.get(id)) : null;
    body.define(quantity.step.target, term, quantity.step.statement);
  }
  const open = quantities.filter((q) => !declared.has(q.name));
  if (open.length > 0 && report.diagnostics.length === before)
    report.add("GRAD2007", statement.span, { names: open.map((q) => q.name).join(", ") });
}

/** The sizes of the axes after the first, where every one has its range written. */
function writtenShape({ step, bases }: Quantity, context: Context): Poly[] | null {
  for (const { target } of [step, ...bases]) {
    const sizes = (target.indices ?? []).map(
      ({ range }) => range && context.session.speculate(() => sizeOf(range.hi, context)),
    );
    if (sizes.every((s) => s instanceof Poly)) return sizes;
  }
  return null;
}

function runOf(statement: RecStatement, context: Context): { index: Index; recurrence: Recurrence } | null {
  const { report } = context.session;
  if (statement.condition) return report.unsupported("`rec … while`", statement.condition.span);
  if (context.bound.length > 0)
    return report.unsupported("a recurrence in a function that is called under indices", statement.span);
  const first = sizeOf(statement.range.lo, context);
  const last = sizeOf(statement.range.hi, context);
  const policy = statement.checkpoint?.policy;
  const checkpoint =
    policy === undefined
      ? ("auto" as const)
      : typeof policy === "string"
        ? policy
        : numberOf(policy, context);
  if (!first || !last || checkpoint === null) return null;
  // T..0 runs downwards.
  const backwards = first.sub(last);
  const down = !backwards.isZero && backwards.terms.every((t) => t.num > 0);
  const [lo, hi] = down ? [last, first] : [first, last];
  const extent = hi.sub(lo);
  if (!extent.terms.every((t) => t.num > 0))
    context.session.require(
      "non-negative",
      extent,
      "GRAD3008",
      `${showSize(lo)}..${showSize(hi)} ends before it starts`,
      statement.range.span,
    );
  const index = ir.freshIndex(statement.index.text, hi, lo);
  return {
    index,
    recurrence: {
      name: statement.index.text,
      lo,
      hi,
      direction: down ? -1 : 1,
      checkpoint,
      span: statement.span,
    },
  };
}

function entriesOf(statement: RecStatement, context: Context, index: Index): Entry[] | null {
  const { report } = context.session;
  const inside = withIndices(context, [index], [statement.index.text]);
  const entries: Entry[] = [];
  let failed = false;
  const fail = (): void => void (failed = true);
  for (const each of statement.body) {
    const [target] = each.kind === "equation" ? each.targets : [];
    if (each.kind !== "equation" || each.targets.length !== 1 || !target) {
      report.unsupported(
        each.kind === "rec"
          ? "a `rec` in a `rec`"
          : each.kind === "equation"
            ? "a call with several results in a `rec`"
            : `\`${each.kind}\` in a \`rec\``,
        each.span,
      );
      fail();
      continue;
    }
    const [first, ...rest] = target.indices ?? [];
    if (!first || first.range) {
      report.add("GRAD3006", target.span, {
        wanted: `an entry such as \`${target.name.text}[${statement.index.text}, …]\``,
        found: `\`${target.name.text}\` without the step`,
      });
      fail();
      continue;
    }
    const place = subscript(first.index, inside, elaborate);
    const shift = place?.sub(Poly.index(index));
    if (!place || !shift) fail();
    else if (!place.indices.has(index))
      entries.push({ statement: each, target: { ...target, indices: rest }, at: { kind: "base", place } });
    else if (shift.constant !== undefined)
      entries.push({
        statement: each,
        target: { ...target, indices: rest },
        at: { kind: "step", shift: shift.constant },
      });
    else {
      report.add("GRAD3006", first.span, {
        wanted: `${statement.index.text} plus a constant`,
        found: showSize(place),
      });
      fail();
    }
  }
  return failed ? null : entries;
}

function quantitiesOf(
  entries: readonly Entry[],
  { lo, hi, direction }: Recurrence,
  context: Context,
): Quantity[] | null {
  const { report } = context.session;
  const made: Quantity[] = [];
  let failed = false;
  for (const name of new Set(entries.map((e) => e.target.name.text))) {
    const own = entries.filter((e) => e.target.name.text === name);
    const steps = own.filter((e) => e.at.kind === "step");
    const bases = own.filter((e) => e.at.kind === "base");
    const [step, second] = steps;
    const [first] = own;
    if (second || !step || step.at.kind !== "step" || !first) {
      const span = (second ?? first)?.target.span;
      if (second) duplicate(name, second.target.span, context);
      else if (span)
        report.add("GRAD3006", span, { wanted: `a step for \`${name}\``, found: "base entries only" });
      failed = true;
      continue;
    }
    const { shift } = step.at;
    const start = direction === 1 ? ZERO : hi.add(shift);
    const end = direction === 1 ? lo.add(shift) : start.add(bases.length);
    const places = bases.map((b) => (b.at.kind === "base" ? b.at.place.sub(start).constant : undefined));
    const count = end.sub(start).constant;
    const covered =
      places.every(
        (p, k) => p !== undefined && p >= 0 && places.indexOf(p) === k && (count === undefined || p < count),
      ) &&
      (bases.length === 0 || count === bases.length);
    if (!covered) {
      report.add("GRAD3006", bases[0]?.target.span ?? step.target.span, {
        wanted: `base entries for exactly ${showSize(start)}..${showSize(end)} of \`${name}\``,
        found: `${bases.length}`,
      });
      failed = true;
    } else if (direction === 1 && (count ?? 0) < 0) {
      report.add("GRAD3005", step.target.span, {
        text: `${showSize(lo.add(shift))}, the first entry of \`${name}\`,`,
      });
      failed = true;
    } else made.push({ name, shift, step, bases, size: direction === 1 ? hi.add(shift) : end });
  }
  return failed ? null : made;
}

function define(
  quantity: Quantity,
  id: ValueId,
  known: Declared,
  step: Term,
  bases: readonly (Term | null)[],
  index: Index,
  { lo, direction }: Recurrence,
  context: Context,
): void {
  const { values } = context.session;
  const coordinate = ir.freshIndex(index.name, quantity.size);
  const axes = step.axes.map((a) => ir.freshIndex(a.name, a.hi));
  const here = ir.indexValue(Poly.index(coordinate));
  const shifted = Poly.index(coordinate).sub(quantity.shift);
  let body = ir.rewriter({ index: (i) => (i === index ? shifted : undefined) }).expr(bodyOver(step, axes));
  // Entries that no step makes, where nothing reads them at an earlier step.
  const from = lo.add(quantity.shift);
  const unmade = bases.length === 0 || direction === -1;
  if (unmade && !from.isZero)
    body = ir.select(ir.compare("le", ir.indexValue(from), here), body, ir.constant(0, known.dtype));
  for (const [k, base] of [...bases].reverse().entries()) {
    const entry = quantity.bases[bases.length - 1 - k];
    if (base && entry?.at.kind === "base")
      body = ir.select(ir.compare("eq", here, ir.indexValue(entry.at.place)), bodyOver(base, axes), body);
  }
  values.replace(id, { definition: { kind: "equation", axes: [coordinate, ...axes], operator: null, body } });
}
