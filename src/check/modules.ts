import type { FunctionStatement, ImportStatement, SourceFile, Statement } from "../parser/ast.js";
import { Poly } from "../ir/poly.js";
import { parse } from "../parser/parse.js";
import { STD_SOURCES } from "../std/sources.js";
import { Scope, type Context, type Session } from "./context.js";
import { declareConst, declareDims, declarable } from "./declarations.js";
import { namesOfFunction } from "./order.js";

/** The scope around every file: the optimizers of std/optim. */
export function rootScope(session: Session): Scope {
  const scope = new Scope();
  const source = STD_SOURCES["std/optim"];
  if (source === undefined) return scope;
  const { file } = parse(source, "std/optim");
  const outer = moduleScope(file, session, new Scope());
  for (const statement of file.statements)
    if (statement.kind === "optimizer")
      scope.bind(
        statement.name.text,
        { kind: "optimizer", declaration: statement, scope: outer },
        statement.name.span,
      );
  return scope;
}

/** What an imported file's functions see of it: functions, optimizers, consts and dims with values. */
function moduleScope(file: SourceFile, session: Session, parent: Scope): Scope {
  const scope = new Scope(parent);
  const context = fileContext(session, scope);
  for (const statement of file.statements) if (statement.kind === "const") declareConst(statement, context);
  declareFunctions(file.statements, context);
  return scope;
}
export function fileContext(session: Session, scope: Scope): Context {
  return {
    session,
    scope,
    bound: [],
    path: [],
    facts: [],
    owner: "",
    home: { scope, prefix: "", outer: null },
    times: new Map(),
    given: [],
  };
}

export function declareFunctions(statements: readonly Statement[], context: Context): void {
  for (const statement of statements) {
    if (statement.kind === "optimizer") {
      if (declarable(statement.name, context))
        context.scope.bind(
          statement.name.text,
          { kind: "optimizer", declaration: statement, scope: context.scope },
          statement.name.span,
        );
    } else if ((statement.kind === "fn" || statement.kind === "layer") && declarable(statement.name, context))
      context.scope.bind(
        statement.name.text,
        { kind: "function", declaration: statement, scope: context.scope },
        statement.name.span,
      );
  }
}

/** The name of an imported file: beside its importer where the specifier is relative, so that imports nest. */
export function importedName(specifier: string, importer: string): string {
  if (!/^\.\.?\//.test(specifier)) return specifier;
  const parts = importer.split("/").slice(0, -1);
  for (const part of specifier.split("/")) {
    const above = parts.at(-1);
    if (part === ".." && above !== undefined && above !== ".." && above !== "") parts.pop();
    else if (part !== ".") parts.push(part);
  }
  return parts.join("/");
}

/** `import { rk4, norm as rms } from "std/ode"`; `loading` holds the files on the way here. */
export function importNames(statement: ImportStatement, context: Context, loading: readonly string[]): void {
  const { session, scope } = context;
  const { report } = session;
  const { from, fromSpan } = statement;
  const fail = (): void => {
    for (const { name, as } of statement.names) scope.bind((as ?? name).text, { kind: "poison" }, name.span);
  };
  const importer = statement.span.file;
  const name = importedName(from, importer);
  const source = STD_SOURCES[from] ?? session.source(from, importer);
  if (source === null || loading.includes(name)) {
    report.add(
      "GRAD2010",
      fromSpan,
      { specifier: from },
      loading.includes(name) ? { help: "files import each other in a circle" } : {},
    );
    return fail();
  }
  const { file, diagnostics } = parse(source, name);
  if (diagnostics.some((d) => d.severity === "error")) {
    report.diagnostics.push(...diagnostics);
    return fail();
  }
  const module = loadModule(file, session, [...loading, name]);
  const owned = ownNames(file);
  for (const { name, as } of statement.names) {
    const found = module.own(name.text);
    const local = as ?? name;
    if (!found) {
      report.unknownName(
        `function, layer, optimizer or const in "${from}" called`,
        name.text,
        name.span,
        module.visible(),
      );
      scope.bind(local.text, { kind: "poison" }, local.span);
      continue;
    }
    if (scope.own(local.text)) {
      report.add("GRAD2002", local.span, { name: local.text }, { help: `import { ${name.text} as … }` });
      continue;
    }
    const foreign = found.kind === "function" ? foreignUse(found.declaration, owned, module) : undefined;
    if (foreign) {
      report.add("GRAD2017", name.span, { name: name.text, uses: foreign });
      scope.bind(local.text, { kind: "poison" }, local.span);
    } else scope.bind(local.text, found, local.span);
  }
}

function loadModule(file: SourceFile, session: Session, loading: readonly string[]): Scope {
  const scope = new Scope();
  const context = fileContext(session, scope);
  for (const statement of file.statements)
    if (statement.kind === "import") importNames(statement, context, loading);
  const valued = file.statements.map((s) =>
    s.kind === "dim" ? { ...s, dims: s.dims.filter((d) => d.value?.kind === "number") } : s,
  );
  declareModuleDims(valued, context);
  for (const statement of file.statements) if (statement.kind === "const") declareConst(statement, context);
  declareFunctions(file.statements, context);
  return scope;
}
/** Dims with values are constants of an imported file. */
function declareModuleDims(statements: readonly Statement[], context: Context): void {
  const before = context.session.dims.length;
  const [first] = statements;
  if (first) declareDims(statements, first.span, {}, context);
  for (const dim of context.session.dims.splice(before)) {
    const term =
      dim.default === undefined ? undefined : ({ kind: "size", poly: Poly.constant(dim.default) } as const);
    if (term) context.scope.bind(dim.name, term);
  }
}

function ownNames(file: SourceFile): Set<string> {
  const names = new Set<string>();
  for (const statement of file.statements) {
    if (statement.kind === "input" || statement.kind === "param" || statement.kind === "state")
      for (const item of statement.items) names.add(item.name.text);
    if (statement.kind === "equation") for (const target of statement.targets) names.add(target.name.text);
    if (statement.kind === "dim")
      for (const dim of statement.dims) if (dim.value?.kind !== "number") names.add(dim.name.text);
  }
  return names;
}
function foreignUse(
  declaration: FunctionStatement,
  owned: ReadonlySet<string>,
  module: Scope,
  seen = new Set<string>(),
): string | undefined {
  if (seen.has(declaration.name.text)) return undefined;
  seen.add(declaration.name.text);
  for (const name of namesOfFunction(declaration)) {
    if (owned.has(name)) return name;
    const called = module.own(name);
    const deeper =
      called?.kind === "function" ? foreignUse(called.declaration, owned, module, seen) : undefined;
    if (deeper) return deeper;
  }
  return undefined;
}
