import type { Run } from "../ir/arrange.js";
import * as ir from "../ir/expr.js";
import type { Index } from "../ir/expr.js";
import { Poly, ZERO } from "../ir/poly.js";
import type {
  EquationStatement,
  Expression,
  RecStatement,
  SubscriptExpression,
  Target,
} from "../parser/ast.js";
import { printExpression } from "../parser/print.js";
import { subscript } from "./access.js";
import { withIndices, type Context } from "./context.js";
import { elaborate } from "./elaborate.js";
import { duplicate } from "./equations.js";
import { numberOf } from "./initialisers.js";
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
  const policy = statement.checkpoint?.policy;
  const checkpoint =
    policy === undefined
      ? ("auto" as const)
      : typeof policy === "string"
        ? policy
        : numberOf(policy, context);
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
  level.path = [...(outer?.path ?? []), level];
  return level;
}

/** The equations of a `rec` and of those within it; null after an error. */
export function entriesOf(
  statement: RecStatement,
  context: Context,
  levels: readonly Level[],
): Entry[] | null {
  const { report } = context.session;
  const inside = withIndices(
    context,
    levels.map((l) => l.index),
    levels.map((l) => l.index.name),
  );
  const entries: Entry[] = [];
  let failed = false;
  for (const each of statement.body) {
    if (each.kind === "rec") {
      const level = runOf(each, context, levels[levels.length - 1] ?? null);
      const inner = level && entriesOf(each, context, [...levels, level]);
      if (inner) entries.push(...inner);
      else failed = true;
      continue;
    }
    if (each.kind !== "equation") {
      report.add("GRAD2019", each.span, { kind: each.kind, where: "a `rec`" });
      failed = true;
      continue;
    }
    for (const [k, target] of each.targets.entries()) {
      const entry = entryOf(each, target, levels, inside);
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
): Omit<Entry, "result"> | null {
  const { report } = context.session;
  const indices = target.indices ?? [];
  const shifts: number[] = [];
  for (const [k, level] of levels.entries()) {
    const own = indices[k];
    const name = level.index.name;
    if (!own || own.range)
      return report.add("GRAD3006", target.span, {
        wanted: `an entry such as \`${target.name.text}[${levels.map((l) => l.index.name).join(", ")}, …]\``,
        found: `\`${target.name.text}\` without the step`,
      });
    const place = subscript(own.index, context, elaborate);
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
      if (second) duplicate(name, second.target.span, context);
      else if (span)
        report.add("GRAD3006", span, { wanted: `a step for \`${name}\``, found: "base entries only" });
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
    entry.levels.map((l) => l.index.name),
  );
  if (!own || own.range)
    return context.session.report.add("GRAD3006", entry.target.span, {
      wanted: `an entry at a fixed place of the inner \`rec\``,
      found: `\`${entry.target.name.text}\` without it`,
    });
  const place = subscript(own.index, inside, elaborate);
  return place && { ...entry, target: { ...entry.target, indices: rest }, base: { level, place } };
}

/** Whether any step reads another entry of a quantity than the one that the step makes: without it none is needed before. */
function isReadEarlier(name: string, k: number, step: Entry, entries: readonly Entry[]): boolean {
  const target = step.statement.targets.find((t) => t.name === step.target.name);
  const place = target?.indices?.[k]?.index;
  const own = place && printExpression(place);
  const reads = (node: unknown): boolean => {
    if (typeof node !== "object" || node === null) return false;
    if (Array.isArray(node)) return node.some(reads);
    const found = node as Partial<SubscriptExpression>;
    if (found.kind === "subscript" && found.base?.kind === "name" && found.base.name === name) {
      const at = found.subscripts?.[k];
      if (at && printExpression(at) !== own) return true;
    }
    return Object.values(node).some(reads);
  };
  return entries.some((e) => reads(e.statement.value));
}
/** Size of the axis of one level; its base entries cover exactly what no step makes. Null after an error. */
function sizeAlong(
  name: string,
  { run: { lo, hi, direction } }: Level,
  k: number,
  step: Entry,
  bases: readonly Entry[],
  entries: readonly Entry[],
  context: Context,
): Poly | null {
  const { report } = context.session;
  const own = bases.filter((b) => b.base?.level === k);
  const shift = step.shifts[k] ?? 0;
  const start = direction === 1 ? ZERO : hi.add(shift);
  const end = direction === 1 ? lo.add(shift) : start.add(own.length);
  const places = own.map((b) => b.base?.place.sub(start).constant);
  const count = end.sub(start).constant;
  const covered =
    places.every(
      (p, n) => p !== undefined && p >= 0 && places.indexOf(p) === n && (count === undefined || p < count),
    ) &&
    (count === own.length || (own.length === 0 && !isReadEarlier(name, k, step, entries)));
  if (!covered)
    return report.add("GRAD3014", own[0]?.target.span ?? step.target.span, {
      name,
      wanted: `${showSize(start)}..${showSize(end)}`,
      given: own.length,
    });
  if (direction === 1 && (count ?? 0) < 0)
    return report.add("GRAD3005", step.target.span, {
      text: `${showSize(lo.add(shift))}, the first entry of \`${name}\`,`,
    });
  return direction === 1 ? hi.add(shift) : end;
}
