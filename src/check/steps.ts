import type { Span } from "../diagnostics/span.js";
import type { Run } from "../ir/arrange.js";
import * as ir from "../ir/expr.js";
import type { Index } from "../ir/expr.js";
import { Poly, ZERO } from "../ir/poly.js";
import type { EquationStatement, Expression, IndexBinding, RecStatement, Target } from "../parser/ast.js";
import { printExpression } from "../parser/print.js";
import { mentionsName } from "../parser/walk.js";
import { subscript } from "./access.js";
import { markSource } from "./index-sizes.js";
import { withIndices, type Context } from "./context.js";
import { suggest } from "../diagnostics/suggest.js";
import { numberOf } from "./initialisers.js";
import { readIn, shiftFrom } from "./reads.js";
import { sizeOf } from "./sizes.js";
import { showSize } from "./term.js";

/** One `rec` of those around an equation. */
export interface Level {
  readonly index: Index;
  readonly run: Run;
  readonly condition: Expression | undefined;
  /** This one and those around it, outermost first. */
  readonly path: readonly Level[];
}
/** One equation of a `rec`: the entries at t + shift (in each level), or those at a fixed place in the last of its levels. */
export interface Entry {
  readonly statement: EquationStatement;
  /** Without the subscripts of the levels. */
  readonly target: Target;
  /** Which of the statement's results, where it takes several. */
  readonly result: number | null;
  /** Levels in whose steps the right side stands. */
  readonly levels: readonly Level[];
  readonly shifts: readonly number[];
  readonly base: { readonly level: number; readonly place: Poly } | null;
  /** Axes of the right side that are coordinates of levels further in. */
  readonly free: number;
}
export interface Quantity {
  readonly name: string;
  readonly levels: readonly Level[];
  readonly shifts: readonly number[];
  readonly step: Entry;
  readonly bases: readonly Entry[];
  readonly sizes: readonly Poly[];
}

export function runOf(statement: RecStatement, context: Context, outer: Level | null): Level | null {
  const first = sizeOf(statement.range.lo, context);
  const last = sizeOf(statement.range.hi, context);
  const checkpoint = policyOf(statement, context);
  if (!first || !last || checkpoint === null) return null;
  // T..0 and T-1..0 run downwards: so does what falls as the dims grow.
  const backwards = first.sub(last);
  const growing = backwards.terms.filter((t) => t.atoms.length > 0);
  const down = (growing.length ? growing : backwards.terms).every((t) => t.num > 0) && !backwards.isZero;
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
  const name = statement.index.text;
  const level = {
    index: ir.freshIndex(name, hi, lo),
    run: { name, lo, hi, direction: down ? (-1 as const) : (1 as const), checkpoint, span: statement.span },
    condition: statement.condition,
    path: [] as Level[],
  };
  markSource(level.index, { kind: "written", span: statement.range.span });
  level.path = [...(outer?.path ?? []), level];
  return level;
}
/** How much the backward pass stores; null after an error. */
function policyOf({ checkpoint }: RecStatement, context: Context): Run["checkpoint"] | null {
  if (!checkpoint) return "auto";
  const { policy } = checkpoint;
  if (typeof policy === "string") return policy;
  const { report } = context.session;
  const steps = report.silently(() => numberOf(policy, context));
  if (steps !== null && Number.isInteger(steps) && steps >= 1) return steps;
  return report.add("GRAD3006", policy.span, {
    wanted: "`sqrt`, `none` or a whole number of steps",
    found: printExpression(policy),
  });
}

/** The equations of a `rec` and of those within it; null after an error. */
export function entriesOf(
  statement: RecStatement,
  context: Context,
  levels: readonly Level[],
  misplaced: Set<string> = new Set<string>(),
): Entry[] | null {
  const { report } = context.session;
  const inside = withIndices(
    context,
    levels.map((l) => l.index),
  );
  const entries: Entry[] = [];
  let failed = false;
  for (const each of statement.body) {
    if (each.kind === "rec") {
      const level = runOf(each, context, levels[levels.length - 1] ?? null);
      const inner = level && entriesOf(each, context, [...levels, level], misplaced);
      if (inner) entries.push(...inner);
      else failed = true;
      continue;
    }
    if (each.kind !== "equation" || each.role === "loss") {
      const kind = each.kind === "equation" ? "loss" : each.kind;
      report.add(
        "GRAD2019",
        each.span,
        { kind, where: "a `rec`" },
        kind === "loss" ? { help: "a loss stands behind the `rec`, and may read all of its entries" } : {},
      );
      failed = true;
      continue;
    }
    for (const [k, target] of each.targets.entries()) {
      const entry = entryOf(each, target, levels, inside, misplaced);
      if (entry) entries.push({ ...entry, result: each.targets.length > 1 ? k : null });
      else failed = true;
    }
  }
  return failed ? null : entries;
}

function entryOf(
  statement: EquationStatement,
  target: Target,
  levels: readonly Level[],
  context: Context,
  misplaced: Set<string>,
): Omit<Entry, "result"> | null {
  const { report } = context.session;
  const indices = target.indices ?? [];
  const shifts: number[] = [];
  for (const [k, level] of levels.entries()) {
    const own = indices[k];
    const name = level.index.name;
    if (!own || own.range || isOtherAxis(own.index, name, context)) {
      // Where the step's own entry is misplaced, its base entries are as well.
      if (!misplaced.has(target.name.text)) reportMisplaced(target, k, levels, context);
      misplaced.add(target.name.text);
      return null;
    }
    const place = subscript(own.index, context);
    const shift = place?.sub(Poly.index(level.index));
    if (!place || !shift) return null;
    if (!place.indices.has(level.index)) {
      const rest = { ...target, indices: indices.slice(k + 1) };
      return {
        statement,
        target: rest,
        levels: levels.slice(0, k),
        shifts,
        base: { level: k, place },
        free: 0,
      };
    }
    if (shift.constant === undefined)
      return report.add("GRAD3006", own.span, { wanted: `${name} plus a constant`, found: showSize(place) });
    shifts.push(shift.constant);
  }
  return {
    statement,
    target: { ...target, indices: indices.slice(levels.length) },
    levels,
    shifts,
    base: null,
    free: 0,
  };
}

/** An index that nothing around binds stands where the step does. */
function isOtherAxis(node: Expression, step: string, { scope }: Context): boolean {
  if (node.kind !== "name" || node.name === step || scope.lookup(node.name)) return false;
  return node.name.length < 3 || suggest(node.name, scope.visible()) === undefined;
}
function reportMisplaced(target: Target, k: number, levels: readonly Level[], context: Context): void {
  const indices = target.indices ?? [];
  const name = target.name.text;
  const step = levels[k]?.index.name ?? "";
  const isStep = ({ index }: IndexBinding): boolean =>
    mentionsName(index, step) ||
    index.kind === "number" ||
    (index.kind === "name" && context.scope.lookup(index.name)?.kind === "size");
  const place = indices.findIndex((binding, n) => n > k && !binding.range && isStep(binding));
  const moved = indices[place];
  const others = indices.slice(k).filter((binding) => binding !== moved);
  const entry = (at: string): string =>
    `\`${name}[${[...indices.slice(0, k), at, ...others].map((i) => (typeof i === "string" ? i : printExpression(i.index))).join(", ")}]\``;
  context.session.report.add(
    "GRAD3006",
    target.span,
    {
      wanted: `an entry such as \`${name}[${levels.map((l) => l.index.name).join(", ")}, …]\``,
      found: indices.length ? "another axis first" : `\`${name}\` without the step`,
    },
    {
      help: moved
        ? `the axis of the steps comes first, here and where \`${name}\` is read: ${entry(printExpression(moved.index))}`
        : `the axis of the steps comes first: a step makes ${entry(`${step} + 1`)}, and a base entry is ${entry("0")}`,
    },
  );
}

export function quantitiesOf(entries: readonly Entry[], context: Context): Quantity[] | null {
  const { report } = context.session;
  const made: Quantity[] = [];
  let failed = false;
  for (const name of new Set(entries.map((e) => e.target.name.text))) {
    const all = entries.filter((e) => e.target.name.text === name);
    const depth = Math.max(...all.map((e) => e.levels.length));
    const found = all.map((e) => (e.base || e.levels.length === depth ? e : baseOfInner(e, context)));
    const own = found.flatMap((e) => e ?? []);
    if (own.length < all.length) {
      failed = true;
      continue;
    }
    const [step, second] = own.filter((e) => e.base === null);
    const bases = own.filter((e) => e.base !== null);
    const [first] = own;
    if (second || !step || !first) {
      const span = (second ?? first)?.target.span;
      if (second && step) report.definedTwice(name, second.target.span, step.target.span);
      else if (span)
        report.add(
          "GRAD3006",
          span,
          { wanted: `a step for \`${name}\``, found: "base entries only" },
          { help: `a step makes \`${name}[t + 1, …]\` of earlier entries` },
        );
      failed = true;
      continue;
    }
    const sizes = step.levels.map((level, k) => sizeAlong(name, level, k, step, bases, entries, context));
    if (sizes.some((s) => s === null)) failed = true;
    else
      made.push({
        name,
        levels: step.levels,
        shifts: step.shifts,
        step,
        // The right side of a base entry has an axis for each level further in.
        bases: bases.map((b) => ({ ...b, free: step.levels.length - 1 - (b.base?.level ?? 0) })),
        sizes: sizes.flatMap((s) => s ?? []),
      });
  }
  return failed ? null : made;
}

/** `D[i + 1, 0]` beside the steps of a `rec` within: the base entry of that one in each step of this one. */
function baseOfInner(entry: Entry, context: Context): Entry | null {
  const [own, ...rest] = entry.target.indices ?? [];
  const level = entry.levels.length;
  const inside = withIndices(
    context,
    entry.levels.map((l) => l.index),
  );
  if (!own || own.range)
    return context.session.report.add("GRAD3006", entry.target.span, {
      wanted: `an entry at a fixed place of the inner \`rec\``,
      found: `\`${entry.target.name.text}\` without it`,
    });
  const place = subscript(own.index, inside);
  return place && { ...entry, target: { ...entry.target, indices: rest }, base: { level, place } };
}

/** Whether any step reads another entry of a quantity than the one that the step makes: without it none is needed before. */
function isReadEarlier(name: string, k: number, step: Entry, entries: readonly Entry[]): boolean {
  const target = step.statement.targets.find((t) => t.name === step.target.name);
  const place = target?.indices?.[k]?.index;
  const own = place && printExpression(place);
  const isOther = (subscripts: readonly Expression[]): boolean => {
    const at = subscripts[k];
    return at !== undefined && printExpression(at) !== own;
  };
  return entries.some((e) => readIn(e.statement.value, name, isOther) !== undefined);
}
/** Size of the axis of one level; its base entries cover exactly what no step makes. Null after an error. */
function sizeAlong(
  name: string,
  { index, run }: Level,
  k: number,
  step: Entry,
  bases: readonly Entry[],
  entries: readonly Entry[],
  context: Context,
): Poly | null {
  const { report } = context.session;
  const { lo, hi, direction } = run;
  const own = bases.filter((b) => b.base?.level === k);
  const shift = step.shifts[k] ?? 0;
  const start = direction === 1 ? ZERO : hi.add(shift);
  const end = direction === 1 ? lo.add(shift) : start.add(own.length);
  const places = own.map((b) => b.base?.place.sub(start).constant);
  const count = end.sub(start).constant;
  const fits = (p: number | undefined, n: number): boolean =>
    p !== undefined && p >= 0 && places.indexOf(p) === n && (count === undefined || p < count);
  const isCovered =
    places.every(fits) &&
    (count === own.length || (own.length === 0 && !isReadEarlier(name, k, step, entries)));
  if (!isCovered) {
    const ahead = readAhead(name, k, run, shift, step);
    if (ahead)
      return report.add(
        "GRAD3015",
        ahead,
        { name },
        {
          help:
            direction === 1
              ? `\`rec ${index.name} in ${showSize(hi)}..${showSize(lo)}\` goes from the end to the start`
              : `\`${index.name}\` goes down: \`rec ${index.name} in ${showSize(lo)}..${showSize(hi)}\` goes up`,
        },
      );
    const entry = (place: Poly): string =>
      `\`${name}[${[...Array<string>(k).fill("…"), showSize(place)].join(", ")}]\``;
    const wrong = own.find((_, n) => !fits(places[n], n));
    if (wrong?.base) {
      const twice = places.indexOf(wrong.base.place.sub(start).constant) !== own.indexOf(wrong);
      return report.add("GRAD3014", wrong.target.span, {
        name,
        text: twice
          ? `${entry(wrong.base.place)} is given twice`
          : `${entry(wrong.base.place)} is given, but base entries are ${showSize(start)}..${showSize(end)}: the steps make the others`,
      });
    }
    const missing = Array.from({ length: Math.min(count ?? 1, 9) }, (_, n) => n).filter(
      (n) => !places.includes(n),
    );
    return report.add(
      "GRAD3014",
      step.target.span,
      {
        name,
        text: `${missing.map((n) => entry(start.add(n))).join(", ")} ${missing.length === 1 ? "is" : "are"} missing, which no step makes`,
      },
      { help: `in the block: ${missing.map((n) => `${entry(start.add(n)).slice(0, -1)} = …\``).join(", ")}` },
    );
  }
  if (direction === 1 && (count ?? 0) < 0)
    return report.add("GRAD3005", step.target.span, {
      text: `the first entry that the steps of \`${name}\` make is ${showSize(lo.add(shift))}: entries count from 0`,
    });
  return direction === 1 ? hi.add(shift) : end;
}

/** A read in a step of an entry that a later step makes. */
function readAhead(
  name: string,
  k: number,
  { name: index, direction }: Run,
  shift: number,
  step: Entry,
): Span | undefined {
  return readIn(step.statement.value, name, (subscripts) => {
    const found = shiftFrom(index, subscripts[k]);
    return found !== undefined && (found - shift) * direction > 0;
  });
}
