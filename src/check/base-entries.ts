import type { Span } from "../diagnostics/span.js";
import type { Expression, IndexBinding } from "../parser/ast.js";
import { printExpression } from "../parser/print.js";
import { nodesIn } from "../parser/walk.js";
import { Scope, type Context } from "./context.js";
import type { Declared } from "./equation-term.js";
import { sizeByUse } from "./ranges.js";
import type { Entry, Quantity } from "./steps.js";
import { showSize } from "./term.js";

/**
 * What is wrong with the base entries of a quantity beside its step, as one mistake: fewer axes than the step's left
 * side has indices, or indices without ranges that nothing else says. Whether there was any.
 */
export function reportBaseEntries(
  quantity: Quantity,
  known: Declared | undefined,
  context: Context,
): boolean {
  const { name, step, bases } = quantity;
  const { report } = context.session;
  const wanted = step.target.indices?.length ?? 0;
  for (const base of bases) {
    const own = (base.target.indices ?? []).slice(base.free);
    const isNumber = isScalar(base.statement.value, context);
    const rank = isNumber ? own.length : known?.shape.length;
    if (rank !== undefined && rank < wanted) {
      const axes = rank === 1 ? "1 axis" : `${rank === 0 ? "no" : rank} axes`;
      report.add(
        "GRAD3014",
        base.target.span,
        { name, text: `${shown(base)} has ${axes} beside the step's, ${shown(step)} has ${wanted}` },
        { help: `an index for each axis: \`${withRanges(base, step, context)}\`` },
      );
      return true;
    }
    const open = own.find(({ range }) => !range);
    if (known || !isNumber || open?.index.kind !== "name") continue;
    const text = withRanges(base, step, context);
    report.add(
      "GRAD2005",
      open.span,
      { name: open.index.name },
      {
        help: `a number says no ranges: write \`${text} = ${printExpression(base.statement.value)}\``,
        ...(text.includes("SIZE") ? {} : { fix: { span: targetSpan(base), text } }),
      },
    );
    return true;
  }
  return false;
}

/** Whether a right side is one number, whatever the indices are. */
function isScalar(value: Expression, { scope }: Context): boolean {
  for (const node of nodesIn(value)) {
    const binding = node.kind === "name" ? scope.lookup(node.name) : undefined;
    if (node.kind === "call" || node.kind === "subscript" || node.kind === "list") return false;
    if (node.kind === "name" && binding?.kind !== "size" && node.name !== "pi" && node.name !== "inf") {
      if (binding?.kind !== "term" || binding.term.axes.length > 0) return false;
    }
  }
  return true;
}

const written = ({ statement, target }: Entry): readonly IndexBinding[] =>
  statement.targets.find(({ name }) => name === target.name)?.indices ?? [];
const targetSpan = ({ statement, target }: Entry): Span =>
  statement.targets.find(({ name }) => name === target.name)?.span ?? target.span;
const shown = (entry: Entry): string =>
  `\`${entry.target.name.text}[${written(entry)
    .map(({ index }) => printExpression(index))
    .join(", ")}]\``;

/** The entry with the step's indices, and with their ranges as far as the step says them. */
function withRanges(base: Entry, step: Entry, context: Context): string {
  const places = written(base).slice(
    0,
    written(base).length - (base.target.indices?.length ?? 0) + base.free,
  );
  // The quantity itself has the wrong axes.
  const scope = new Scope(context.scope);
  scope.bind(base.target.name.text, { kind: "poison" });
  const indices = (step.target.indices ?? []).map(({ index, range }) => {
    const text = printExpression(index);
    if (range) return `${text} in ${printExpression(range.lo)}..${printExpression(range.hi)}`;
    const size = sizeByUse(text, [step.statement.value], { ...context, scope });
    return `${text} in 0..${size ? showSize(size) : "SIZE"}`;
  });
  return `${base.target.name.text}[${[...places.map(({ index }) => printExpression(index)), ...indices].join(", ")}]`;
}
