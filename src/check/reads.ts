import { encloses, type Span } from "../diagnostics/span.js";
import type { Expression, SourceFile, Statement } from "../parser/ast.js";
import { equationsIn, partsOf } from "../parser/walk.js";

/** Whether a read is the one looked for, by its subscripts; one without any is of the whole. */
type Wrong = (subscripts: readonly Expression[]) => boolean;

/** The first such read of a name in an expression, of the part that lies within a place. */
export function readIn(
  root: Expression,
  name: string,
  wrong: Wrong,
  within: Span = root.span,
): Span | undefined {
  const stack: Expression[] = [root];
  for (let node = stack.pop(); node; node = stack.pop()) {
    const isInside = encloses(within, node.span);
    if (isInside && node.kind === "subscript" && node.base.kind === "name" && node.base.name === name) {
      if (wrong(node.subscripts)) return node.span;
      stack.push(...[...node.subscripts].reverse());
      continue;
    }
    if (isInside && node.kind === "name" && node.name === name && wrong([])) return node.span;
    stack.push(...[...partsOf(node)].reverse());
  }
  return undefined;
}

/** The same in what stands at a place, or on the right of the equation whose left side is there. */
export function readOf(file: SourceFile, place: Span, name: string, wrong: Wrong): Span | undefined {
  if (place.file !== file.span.file) return undefined;
  const equation = equationsIn(file.statements).find((e) => encloses(e.span, place));
  const whole = equation?.value ?? conditionAt(file.statements, place);
  return whole && readIn(whole, name, wrong, encloses(whole.span, place) ? place : whole.span);
}
/** The first such read in a block. */
export function readWithin(file: SourceFile, block: Span, name: string, wrong: Wrong): Span | undefined {
  if (block.file !== file.span.file) return undefined;
  for (const { value, span } of equationsIn(file.statements)) {
    const found = encloses(block, span) ? readIn(value, name, wrong) : undefined;
    if (found) return found;
  }
  return undefined;
}
function conditionAt(statements: readonly Statement[], place: Span): Expression | undefined {
  for (const s of statements) {
    if (s.kind !== "rec") continue;
    if (s.condition && encloses(s.condition.span, place)) return s.condition;
    const inner = conditionAt(s.body, place);
    if (inner) return inner;
  }
  return undefined;
}

/** The constant in `t + constant`; undefined for anything else. */
export function shiftFrom(index: string, node: Expression | undefined): number | undefined {
  if (node?.kind === "name") return node.name === index ? 0 : undefined;
  if (node?.kind !== "binary" || (node.operator !== "+" && node.operator !== "-")) return undefined;
  const [left, right] = [shiftFrom(index, node.left), shiftFrom(index, node.right)];
  if (left !== undefined && node.right.kind === "number")
    return node.operator === "+" ? left + node.right.value : left - node.right.value;
  return right !== undefined && node.operator === "+" && node.left.kind === "number"
    ? right + node.left.value
    : undefined;
}
