import { components } from "../ir/components.js";
import type { Expression, FunctionStatement, RecStatement, Statement } from "../parser/ast.js";
import { declaredNames, partsOf, scopeName } from "../parser/walk.js";

type Shadow = { readonly name: string; readonly next: Shadow } | null;
const shadows = (shadow: Shadow, name: string): boolean => {
  for (let s = shadow; s; s = s.next) if (s.name === name) return true;
  return false;
};

/** Names that an expression takes from around it; indices bound inside are left out. */
export function namesIn(roots: readonly Expression[], bound: Iterable<string>, into: Set<string>): void {
  let outer: Shadow = null;
  for (const name of bound) outer = { name, next: outer };
  const stack: { node: Expression; shadow: Shadow }[] = roots.map((node) => ({ node, shadow: outer }));
  for (let top = stack.pop(); top; top = stack.pop()) {
    const { node } = top;
    let { shadow } = top;
    if (node.kind === "name") {
      if (!shadows(shadow, node.name)) into.add(scopeName(node));
      // `m.W` belongs to what made `m`.
      const [owner] = node.name.split(".", 1);
      if (owner !== undefined && owner !== node.name && !shadows(shadow, owner)) into.add(owner);
      continue;
    }
    if (node.kind === "call") {
      if (!shadows(shadow, node.callee.text)) into.add(node.callee.text);
      for (const { value } of node.sizes) stack.push({ node: value, shadow });
    }
    if (node.kind === "reducer") {
      for (const { name, range } of node.indices) {
        if (range) stack.push({ node: range.lo, shadow }, { node: range.hi, shadow });
        shadow = { name: name.text, next: shadow };
      }
    }
    for (const part of partsOf(node)) stack.push({ node: part, shadow });
  }
}

/** Names that a statement defines, and those that it takes from around it. */
export interface Unit<S> {
  readonly statement: S;
  readonly defines: readonly string[];
  readonly uses: ReadonlySet<string>;
}

export function unitOf<S extends Statement>(statement: S): Unit<S> {
  const uses = new Set<string>();
  return { statement, defines: collect(statement, uses), uses };
}
function collect(statement: Statement, uses: Set<string>): string[] {
  switch (statement.kind) {
    case "equation": {
      for (const target of statement.targets) {
        const names: string[] = [];
        for (const { index, range } of target.indices ?? []) {
          if (range) namesIn([range.lo, range.hi], [], uses);
          if (index.kind === "name") names.push(index.name);
        }
        namesIn([statement.value], names, uses);
      }
      return statement.targets.map(scopeName);
    }
    case "rec":
      return collectRec(statement, uses);
    case "param":
    case "state":
      return declaredNames(statement).map((name) => name.text);
    default:
      return [];
  }
}
function collectRec(statement: RecStatement, uses: Set<string>): string[] {
  namesIn([statement.range.lo, statement.range.hi], [], uses);
  const inner = new Set<string>();
  const defines = [...new Set(statement.body.flatMap((s) => collect(s, inner)))];
  if (statement.condition) namesIn([statement.condition], [], inner);
  for (const name of inner) if (name !== statement.index.text && !defines.includes(name)) uses.add(name);
  return defines;
}

/** Names that a function takes from its file. */
export function namesOfFunction(declaration: FunctionStatement): Set<string> {
  const found = new Set<string>();
  const { body } = declaration;
  const own = new Set<string>([
    ...declaration.sizes.map((s) => s.text),
    ...declaration.parameters.map((p) => p.name.text),
  ]);
  for (const parameter of declaration.parameters) if (parameter.value) namesIn([parameter.value], [], found);
  if (isBlock(body)) {
    const inner = new Set<string>();
    for (const statement of body) for (const name of collect(statement, inner)) own.add(name);
    for (const name of inner) found.add(name);
  } else namesIn([body], [], found);
  for (const name of own) found.delete(name);
  return found;
}
export const isBlock = (body: FunctionStatement["body"]): body is readonly Statement[] => Array.isArray(body);

/** An order in which definitions come before uses, and the circles that have none. */
export function arrangeUnits<U extends Unit<unknown>>(
  units: readonly U[],
  through: (name: string) => Iterable<string>,
): { order: U[]; circles: U[][] } {
  const definedBy = new Map<string, U>();
  for (const unit of units)
    for (const name of unit.defines) if (!definedBy.has(name)) definedBy.set(name, unit);
  const targets = (unit: U): U[] => {
    const found = new Set<U>();
    const seen = new Set<string>();
    const work = [...unit.uses];
    for (let name = work.pop(); name !== undefined; name = work.pop()) {
      if (seen.has(name)) continue;
      seen.add(name);
      const definer = definedBy.get(name);
      if (definer) found.add(definer);
      work.push(...through(name));
    }
    return [...found];
  };
  const found = components(units, targets);
  return {
    order: found.flatMap((c) => (c.circular ? [] : c.members)),
    circles: found.filter((c) => c.circular).map((c) => c.members),
  };
}
