import type {
  EquationStatement,
  Expression,
  Name,
  NameExpression,
  ReducerExpression,
  Statement,
  Target,
} from "./ast.js";

/** The direct parts of an expression, in source order; sizes, ranges and indices on their own are no parts. */
export function partsOf(node: Expression): readonly Expression[] {
  switch (node.kind) {
    case "number":
    case "boolean":
    case "name":
      return [];
    case "subscript":
      return [node.base, ...node.subscripts];
    case "call":
      return node.args.map((a) => a.value);
    case "binary":
      return [node.left, node.right];
    case "unary":
      return [node.operand];
    case "if":
      return [node.condition, node.then, node.else];
    case "reducer":
    case "axis":
      return node.guard ? [node.guard, node.body] : [node.body];
    case "list":
      return node.items;
  }
}

/** Expressions and all that stands in them, each before its parts, in source order. As deep as the tree may be. */
export function* nodesIn(...roots: readonly Expression[]): Iterable<Expression> {
  const stack = [...roots].reverse();
  for (let node = stack.pop(); node; node = stack.pop()) {
    yield node;
    stack.push(...[...partsOf(node)].reverse());
  }
}

/** Whether a name stands in an expression, outside of the reducers that bind it anew. */
export function mentionsName(node: Expression, name: string): boolean {
  const stack = [node];
  for (let next = stack.pop(); next; next = stack.pop()) {
    if (next.kind === "name" && next.name === name) return true;
    if (next.kind === "reducer" && binds(next, name)) continue;
    stack.push(...partsOf(next));
  }
  return false;
}

export const binds = ({ indices }: ReducerExpression, index: string): boolean =>
  indices.some(({ name }) => name.text === index);

/** The first reducer in some expressions that binds an index of this name. */
export function reducerOver(index: string, ...roots: readonly Expression[]): ReducerExpression | undefined {
  for (const node of nodesIn(...roots)) if (node.kind === "reducer" && binds(node, index)) return node;
  return undefined;
}

/** What a scope knows a name by: `m'` is one of its own. */
export function scopeName({ name, prime }: Pick<NameExpression | Target, "name" | "prime">): string {
  const text = typeof name === "string" ? name : name.text;
  return prime ? `${text}'` : text;
}

/** The names that a statement gives to values or sizes; those in a block are its own. */
export function declaredNames(statement: Statement): readonly Name[] {
  switch (statement.kind) {
    case "dim":
      return statement.dims.map((d) => d.name);
    case "input":
    case "param":
    case "state":
    case "const":
      return statement.items.map((i) => i.name);
    case "equation":
      return statement.targets.map((t) => t.name);
    default:
      return [];
  }
}

/** Every equation of a file, also those in blocks. */
export function equationsIn(statements: readonly Statement[]): EquationStatement[] {
  return statements.flatMap((s) => {
    if (s.kind === "equation") return [s];
    if (s.kind === "rec" || s.kind === "optimizer") return equationsIn(s.body);
    if (s.kind !== "fn" && s.kind !== "layer") return [];
    return [...("kind" in s.body ? [] : equationsIn(s.body)), ...equationsIn(s.adjoint?.body ?? [])];
  });
}
