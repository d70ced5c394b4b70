import type { DType } from "../ir/expr.js";
import { Poly } from "../ir/poly.js";
import type { CallExpression, FunctionStatement, NameExpression, Name, SourceFile } from "../parser/ast.js";
import { isDType } from "../ir/dtypes.js";
import { Scope, type Context } from "./context.js";
import { inlined } from "./inline.js";
import { sizeOf } from "./sizes.js";
import { valueTerm } from "./term.js";
import { checkOptimizer } from "./train.js";

/**
 * Functions, layers and optimizers are read where they are called. Those that nothing of the file calls are read once
 * for sizes and arguments of which no more is known than their types, so that a library is checked too; nothing of
 * that stays but the errors.
 */
export function checkUncalled(file: SourceFile, context: Context): void {
  const { session } = context;
  for (const statement of file.statements) {
    if (statement.kind === "optimizer" && !session.called.has(statement))
      session.generically(() => checkOptimizer(statement, context));
    if ((statement.kind === "fn" || statement.kind === "layer") && !session.called.has(statement))
      session.generically(() => callGenerically(statement, context));
  }
}

function callGenerically(declaration: FunctionStatement, context: Context): void {
  const { session } = context;
  const binding = context.scope.lookup(declaration.name.text);
  // A second one of a name is not this one.
  if (binding?.kind !== "function" || binding.declaration !== declaration) return;
  const scope = new Scope(context.scope);
  const named = (name: Name): NameExpression => ({
    kind: "name",
    name: name.text,
    prime: false,
    span: name.span,
  });
  for (const { text } of declaration.sizes) scope.bind(text, { kind: "size", poly: Poly.dim(text) });
  const inner: Context = { ...context, scope, home: { scope: new Scope(scope), prefix: "", outer: null } };
  for (const { name, type } of declaration.parameters) {
    const value =
      "sizes" in type && isDType(type.dtype.text)
        ? leafOf(
            name.text,
            type.dtype.text,
            type.sizes.map((s) => sizeOf(s, inner)),
          )
        : null;
    scope.bind(
      name.text,
      value === null ? { kind: "poison" } : { kind: "term", term: valueTerm(session.values.get(value)) },
    );
  }
  const call: CallExpression = {
    kind: "call",
    callee: declaration.name,
    sizes: declaration.sizes.map((name) => ({ name, value: named(name) })),
    args: declaration.parameters.map(({ name }) => ({ value: named(name), span: name.span })),
    span: declaration.name.span,
  };
  inlined(call, binding, { ...inner, owner: declaration.name.text });

  function leafOf(name: string, dtype: DType, sizes: readonly (Poly | null)[]): number | null {
    const shape = sizes.flatMap((s) => s ?? []);
    return shape.length < sizes.length
      ? null
      : session.values.define(name, dtype, shape, { kind: "leaf", role: "input" });
  }
}
