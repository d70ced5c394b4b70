import { quoted } from "../diagnostics/page.js";
import type { Run } from "../ir/arrange.js";
import * as ir from "../ir/expr.js";
import type { Expr, Index } from "../ir/expr.js";
import { Poly } from "../ir/poly.js";
import type { RecStatement } from "../parser/ast.js";
import { reportBaseEntries } from "./base-entries.js";
import { Scope, withIndices, type Context, elaborate } from "./context.js";
import { equationTerm, severalTerms, type Declared, type Destination } from "./equation-term.js";
import { FirstEntries, type Made } from "./first-entries.js";
import { lift } from "./lift.js";
import { visibleAxes, type LeadingAxes } from "./leading-axes.js";
import { declareQuantities, type EntryRead } from "./quantities.js";
import { sizeOf } from "./sizes.js";
import { entriesOf, quantitiesOf, runOf, type Entry, type Level, type Quantity } from "./steps.js";
import { bodyOver, describe, valueTerm, type Term } from "./term.js";

/**
 * `rec t in lo..hi { … }`: base entries and step of a quantity become one equation that chooses by its coordinate,
 * and reads itself at earlier ones. A quantity of a `rec` within a `rec` has a coordinate for each of them. Under
 * indices (a function that is mapped) every quantity has an axis for each of these in front. Which equations really
 * run in a circle is found later (ir/arrange.ts).
 */
export function elaborateRecurrence(statement: RecStatement, context: Context, into: Destination): void {
  const { session } = context;
  const { report, values } = session;
  const run = runOf(statement, context, null);
  const entries = run && entriesOf(statement, context, [run]);
  const quantities = entries && quantitiesOf(entries, context);
  if (!quantities) return;

  const scope = new Scope(context.scope);
  const outer: Context = { ...context, scope };
  const points = visibleAxes(context);
  /** Where an entry's right side stands: in the steps of the levels around it. */
  const contextOf = (levels: readonly Level[], name: string): Context => ({
    ...withIndices(
      outer,
      levels.map((l) => l.index),
    ),
    times: new Map([...context.times, ...levels.map((l): [Index, Run] => [l.index, l.run])]),
    owner: `${into.prefix}${name}`,
  });
  const byResult = quantities
    .flatMap((q) => [q.step, ...q.bases])
    .sort((a, b) => (a.result ?? 0) - (b.result ?? 0));
  type Results = Map<Entry, readonly Term[] | null>;
  /** Under the name of the first target, where that stands in the same steps; `known` holds those read before. */
  const resultsOf = (entry: Entry, known: Results): readonly Term[] | null => {
    const first =
      byResult.find((e) => e.statement === entry.statement && e.levels.length === entry.levels.length) ??
      entry;
    const { statement: equation, target, levels } = first;
    if (!known.has(first))
      known.set(first, severalTerms(equation, target, contextOf(levels, target.name.text)));
    return known.get(first) ?? null;
  };
  const readOf = (entry: Entry, known?: Declared, results: Results = new Map()): EntryRead | null => {
    const { statement: equation, target, result } = entry;
    if (result !== null) {
      const term = resultsOf(entry, results)?.[result];
      return term ? { term, flexible: false } : null;
    }
    const inside = contextOf(entry.levels, target.name.text);
    const { term, flexible } = equationTerm(target, equation.value, inside, known);
    return term && { term, flexible };
  };
  // A call is made once for all of its results: a layer is one instance, with one set of params.
  const results: Results = new Map();
  const termOf = (entry: Entry, known?: Declared): Term | null => readOf(entry, known, results)?.term ?? null;

  const since = values.mark();
  const declared = declareQuantities(quantities, {
    scope,
    session,
    prefix: into.prefix,
    points,
    readOf,
    writtenShape: (quantity) => writtenShape(quantity, outer),
  });

  const before = report.diagnostics.length;
  const alive = new Map<Level, (context: Context) => Expr>();
  for (const level of new Set(quantities.flatMap((q) => q.levels))) {
    const found = level.condition && aliveAt(level, contextOf(level.path, `${level.index.name}.alive`));
    if (found) alive.set(level, found);
  }
  const made: Made[] = [];
  for (const quantity of quantities) {
    const { name } = quantity;
    const known = declared.get(name);
    if (reportBaseEntries(quantity, known, outer)) {
      into.define(quantity.step.target, null, quantity.step.statement, quantity.sizes);
      continue;
    }
    const bases = quantity.bases.map((entry) => termOf(entry, wholeShape(known, entry, quantity)));
    // Without its base entries a shape is a guess.
    const isGuess = bases.includes(null) && known?.shape.length === 0;
    const step = isGuess ? null : termOf(quantity.step, known);
    if (known && step && bases.every((b) => b !== null)) made.push({ quantity, known, step, bases });
    const term = known && step ? valueTerm(values.get(known.id), points.lead) : null;
    into.define(quantity.step.target, term, quantity.step.statement, quantity.sizes);
  }
  const first = new FirstEntries(made, points, since, context);
  for (const each of made)
    define(
      each,
      points,
      first,
      (level) => alive.get(level)?.(contextOf(level.path, each.quantity.name)),
      context,
    );
  const open = quantities.filter((q) => !declared.has(q.name));
  if (open.length > 0 && report.diagnostics.length === before)
    report.add("GRAD2007", statement.index.span, { names: quoted(open.map((q) => q.name)) });
}

/** The axes beyond the coordinates where an entry's left side writes all of their ranges; else null. */
function writtenShape({ step, bases }: Quantity, context: Context): Poly[] | null {
  for (const { target, free } of [step, ...bases]) {
    const sizes = (target.indices ?? [])
      .slice(free)
      .map(({ range }) => range && context.session.speculate(() => sizeOf(range.hi, context)));
    if (sizes.every((s) => s instanceof Poly)) return sizes;
  }
  return null;
}

/** What a base entry's right side must have: the coordinates of inner levels are axes of its own. */
function wholeShape(known: Declared | undefined, entry: Entry, quantity: Quantity): Declared | undefined {
  if (!known) return undefined;
  const inner = quantity.sizes.slice(quantity.sizes.length - entry.free);
  return { dtype: known.dtype, shape: entry.free ? [...inner, ...known.shape] : known.shape };
}

/**
 * `while condition`: whether the step is still made, as a value of its own that follows from the step before. It is
 * tested on entries already made, and no more once it has failed.
 */
function aliveAt(level: Level, context: Context): ((at: Context) => Expr) | null {
  const { session } = context;
  const { values, report } = session;
  const { condition, index, run } = level;
  if (!condition) return null;
  const found = elaborate(condition, context);
  if (!found) return null;
  if (found.dtype !== "bool" || found.axes.length > 0)
    return report.add("GRAD3006", condition.span, {
      wanted: "one condition for the step",
      found: describe(found),
    });
  const always = lift(context, "test", found, null, "bool", condition.span, [index]);
  const axis = always.lead.findIndex((p) => p.equals(Poly.index(index)));
  const { shape, id: test } = values.get(always.id);
  const axes = shape.map((size, k) => ir.freshIndex(k === axis ? index.name : `i${k}`, size));
  const here = axes.map((a) => Poly.index(a));
  const time = here[axis] ?? Poly.constant(0);
  const id = values.define(
    `${context.owner}`,
    "bool",
    shape,
    { kind: "equation", axes, operator: null, body: ir.constant(0, "bool") },
    { span: condition.span },
  );
  const first = run.direction === 1 ? run.lo : run.hi.sub(1);
  const previous = here.map((p, k) => (k === axis ? p.sub(run.direction) : p));
  const tested = ir.read(test, here, "bool");
  const never = ir.constant(0, "bool");
  const still = ir.select(
    ir.compare("eq", ir.indexValue(time), ir.indexValue(first)),
    tested,
    ir.select(ir.read(id, previous, "bool"), tested, never),
  );
  const started = ir.compare("le", ir.indexValue(run.lo), ir.indexValue(time));
  const body = run.lo.isZero ? still : ir.select(started, still, never);
  values.replace(id, { definition: { kind: "equation", axes, operator: null, body } });
  session.runAsDoes(always.id, id);
  return () => ir.read(id, always.lead, "bool");
}

function define(
  made: Made,
  points: LeadingAxes,
  first: FirstEntries,
  aliveIn: (level: Level) => Expr | undefined,
  context: Context,
): void {
  const { values } = context.session;
  const { quantity, known, step, bases } = made;
  const { id, dtype, shape } = known;
  const { levels, shifts, sizes } = quantity;
  const coordinates = sizes.map((size, k) => ir.freshIndex(levels[k]?.index.name ?? "t", size));
  const axes = shape.map((size, k) => ir.freshIndex(step.axes[k]?.name ?? `i${k}`, size));
  const at = (k: number): Poly => Poly.index(coordinates[k] ?? ir.freshIndex("t", Poly.constant(0)));
  /** From the steps' numbers to coordinates, from the indices around to axes. */
  const numbers = ir.rewriter({
    index: (i) => {
      const k = levels.findIndex((l) => l.index === i);
      return k >= 0 ? at(k).sub(shifts[k] ?? 0) : points.renamed.get(i);
    },
  });
  const expr = (e: Expr): Expr => first.rewritten(numbers.expr(e));
  let body = expr(bodyOver(step, axes));
  for (let k = levels.length - 1; k >= 0; k--) {
    const level = levels[k];
    const shift = shifts[k] ?? 0;
    if (!level) continue;
    const { run } = level;
    const here = ir.indexValue(at(k));
    const own = quantity.bases.flatMap((entry, n) =>
      entry.base?.level === k ? [{ place: entry.base.place, n, term: bases[n] }] : [],
    );
    const from = run.lo.add(shift);
    const start = run.direction === 1 ? from : run.hi.sub(1).add(shift);
    const alive = aliveIn(level);
    if (alive) {
      // After the condition has failed, entries repeat the last one.
      const leading = points.axes.map((a) => Poly.index(a));
      const earlier = coordinates.map((c, n) => (n === k ? Poly.index(c).sub(run.direction) : Poly.index(c)));
      const last = ir.read(id, [...leading, ...earlier, ...axes.map((a) => Poly.index(a))], dtype);
      const repeated = own.length
        ? last
        : ir.select(ir.compare("eq", here, ir.indexValue(start)), ir.constant(0, dtype), last);
      body = ir.select(expr(alive), body, repeated);
    }
    // Entries that no step makes, where nothing reads them at an earlier step.
    if ((own.length === 0 || run.direction === -1) && !from.isZero)
      body = ir.select(ir.compare("le", ir.indexValue(from), here), body, ir.constant(0, dtype));
    for (const { place, n, term } of [...own].reverse()) {
      if (!term) continue;
      const others = [...points.axes, ...coordinates.filter((_, c) => c !== k), ...axes];
      const entry = expr(bodyOver(term, [...coordinates.slice(k + 1), ...axes]));
      body = ir.select(
        ir.compare("eq", here, ir.indexValue(place)),
        first.define(made, n, others, entry),
        body,
      );
    }
  }
  const started = points.started.reduce<Expr | null>((all, c) => (all ? ir.and(all, c) : c), null);
  if (started) body = ir.select(started, body, ir.constant(0, dtype));
  values.replace(id, {
    definition: { kind: "equation", axes: [...points.axes, ...coordinates, ...axes], operator: null, body },
  });
}
