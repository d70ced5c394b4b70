import type { DiagnosticExtras } from "../diagnostics/diagnostic.js";
import { quoted } from "../diagnostics/page.js";
import type { Span } from "../diagnostics/span.js";
import type { Expression, Statement } from "../parser/ast.js";
import { nodesIn } from "../parser/walk.js";
import type { Context } from "./context.js";
import type { Unit } from "./order.js";

/** Reports equations that define each other in a circle, once, with the way round. */
export function reportCircle(
  circle: readonly Unit<Statement>[],
  through: (name: string) => Iterable<string>,
  context: Context,
): void {
  const way = shortestWay(circle, through);
  const [first] = way;
  if (!first) return;
  const names = way.map(({ unit }) => unit.defines[0] ?? "");
  const [name = ""] = names;
  const { report } = context.session;
  const span =
    first.unit.statement.kind === "equation" ? targetSpan(first.unit.statement) : first.unit.statement.span;
  const related = way.flatMap(({ unit, by }, k) => {
    const next = names[(k + 1) % names.length] ?? "";
    const use = useOf(unit.statement, by);
    const how =
      by === next
        ? `\`${names[k]}\` reads \`${next}\``
        : `\`${names[k]}\` reads \`${next}\` by way of \`${by}\``;
    return use ? [{ message: `${how} here`, span: use }] : [];
  });
  report.add("GRAD2007", span, { names: quoted(names) }, { related, ...circleHelp(way.length, name) });
}
const circleHelp = (length: number, name: string): DiagnosticExtras =>
  length === 1
    ? {
        help: `nothing is changed in place: a new value has a name of its own, a state's next value is \`${name}' = …\`, and steps stand in a \`rec\``,
      }
    : {};
const targetSpan = (statement: Extract<Statement, { kind: "equation" }>): Span =>
  statement.targets[0]?.span ?? statement.span;

interface Step {
  readonly unit: Unit<Statement>;
  /** The name in it by which it reads the next. */
  readonly by: string;
}
/** From the first of them that can be come back to, the fewest steps round. */
function shortestWay(
  circle: readonly Unit<Statement>[],
  through: (name: string) => Iterable<string>,
): Step[] {
  const definer = new Map(circle.flatMap((unit) => unit.defines.map((name) => [name, unit] as const)));
  const stepsFrom = (unit: Unit<Statement>): { next: Unit<Statement>; by: string }[] =>
    [...unit.uses].flatMap((by) =>
      [...reached(by, through)].flatMap((name) => {
        const next = definer.get(name);
        return next ? [{ next, by }] : [];
      }),
    );
  const [start] = circle;
  if (!start) return [];
  const before = new Map<Unit<Statement>, Step>();
  const queue = [start];
  for (let unit = queue.shift(); unit; unit = queue.shift())
    for (const { next, by } of stepsFrom(unit)) {
      if (next === start) {
        const way: Step[] = [{ unit, by }];
        for (let step = before.get(unit); step; step = before.get(step.unit)) way.unshift(step);
        return way;
      }
      if (before.has(next)) continue;
      before.set(next, { unit, by });
      queue.push(next);
    }
  return [];
}
/** A name, and those that a function of this name takes from its file. */
function reached(name: string, through: (name: string) => Iterable<string>): Set<string> {
  const found = new Set([name]);
  for (const each of found) for (const inner of through(each)) found.add(inner);
  return found;
}

/** Where a statement uses a name first. */
export function useOf(statement: Statement, name: string): Span | undefined {
  const plain = name.replace(/'$/, "");
  for (const node of nodesIn(...expressionsIn(statement))) {
    if (node.kind === "name" && (node.name === plain || node.name.startsWith(`${plain}.`))) return node.span;
    if (node.kind === "call" && node.callee.text === plain) return node.callee.span;
  }
  return undefined;
}
function expressionsIn(statement: Statement): Expression[] {
  if (statement.kind === "equation") return [statement.value];
  if (statement.kind !== "rec") return [];
  return [...(statement.condition ? [statement.condition] : []), ...statement.body.flatMap(expressionsIn)];
}
