import type { DiagnosticExtras } from "../diagnostics/diagnostic.js";
import type { Span } from "../diagnostics/span.js";
import { quoted } from "../diagnostics/page.js";
import { didYouMean, suggest } from "../diagnostics/suggest.js";
import type {
  DimStatement,
  FunctionStatement,
  ImportStatement,
  SourceFile,
  Statement,
} from "../parser/ast.js";
import { Poly } from "../ir/poly.js";
import { parse } from "../parser/parse.js";
import { declaredNames } from "../parser/walk.js";
import { STD_SOURCES } from "../std/sources.js";
import { Scope, type Context, type Session } from "./context.js";
import { isReserved, reportReserved } from "./reserved.js";
import { declareConst, declareDims } from "./declarations.js";
import { declarable, duplicate } from "./declarable.js";
import { checkOptimizerSignature, checkSignature } from "./signatures.js";
import { functionElsewhere } from "./elsewhere.js";
import { libraryOf } from "./unknown.js";
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
      checkOptimizerSignature(statement, context);
      if (declarable(statement.name, context))
        context.scope.bind(
          statement.name.text,
          { kind: "optimizer", declaration: statement, scope: context.scope },
          statement.name.span,
        );
    } else if (statement.kind === "fn" || statement.kind === "layer") {
      checkSignature(statement, context);
      if (declarable(statement.name, context))
        context.scope.bind(
          statement.name.text,
          { kind: "function", declaration: statement, scope: context.scope },
          statement.name.span,
        );
    }
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
  if (loading.includes(name)) {
    report.add("GRAD2020", fromSpan, { files: quoted(loading.slice(loading.indexOf(name))) });
    return fail();
  }
  if (source === null) {
    report.add("GRAD2010", fromSpan, { specifier: from }, notFound(from, fromSpan));
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
      const own = declaredIn(file, name.text);
      const elsewhere = libraryOf(name.text);
      report.unknownName(
        `function, layer, optimizer or const in "${from}" called`,
        name.text,
        name.span,
        own || elsewhere ? [] : module.visible(),
        own
          ? {
              help: "only functions, layers, optimizers and consts are imported, never the other file's model",
              related: [{ message: `\`${name.text}\` is ${own.what} there`, span: own.span }],
            }
          : elsewhere
            ? `"${elsewhere}" has one`
            : (functionElsewhere(name.text) ?? importable(module)),
      );
      scope.bind(local.text, { kind: "poison" }, local.span);
      continue;
    }
    if (isReserved(local.text)) {
      reportReserved(local, context);
      continue;
    }
    if (scope.own(local.text)) {
      duplicate(local.text, local.span, context, {
        help: `import it by another name: \`${name.text} as …\``,
      });
      continue;
    }
    const foreign = found.kind === "function" ? foreignUse(found.declaration, owned, module) : undefined;
    if (foreign) {
      const own = declaredIn(file, foreign);
      report.add(
        "GRAD2017",
        name.span,
        { name: name.text, uses: foreign },
        {
          help: "what a function needs of a model are arguments of its own",
          ...(own ? { related: [{ message: `\`${foreign}\` is ${own.what} there`, span: own.span }] } : {}),
        },
      );
      scope.bind(local.text, { kind: "poison" }, local.span);
    } else scope.bind(local.text, found, local.span);
  }
}

/** What was likely meant by a specifier that leads nowhere. */
function notFound(from: string, span: Span): DiagnosticExtras {
  const near = suggest(from, Object.keys(STD_SOURCES)) ?? suggest(`std/${from}`, Object.keys(STD_SOURCES));
  if (near !== undefined) return { help: didYouMean(near), fix: { span, text: `"${near}"` } };
  if (/^\.\.?\//.test(from)) return { help: "a path is taken from the file that imports it" };
  if (from.startsWith("std/"))
    return { help: `the library's files are ${Object.keys(STD_SOURCES).join(", ")}` };
  return {
    help: `a file is imported by a path that begins with a dot: \`./${from}\``,
    fix: { span, text: `"./${from}"` },
  };
}

/** A declaration of another file that cannot be imported, and what it is. */
function declaredIn(
  file: SourceFile,
  name: string,
): { readonly what: string; readonly span: Span } | undefined {
  for (const s of file.statements) {
    const found = s.kind === "const" ? undefined : declaredNames(s).find((n) => n.text === name);
    const what = s.kind === "equation" ? (s.role === "value" ? "an equation" : s.role) : s.kind;
    if (found)
      return {
        what: what.includes(" ") ? what : `${/^[aeiou]/.test(what) ? "an" : "a"} ${what}`,
        span: found.span,
      };
  }
  return undefined;
}

function loadModule(file: SourceFile, session: Session, loading: readonly string[]): Scope {
  const scope = new Scope();
  const context = fileContext(session, scope);
  for (const statement of file.statements)
    if (statement.kind === "import") importNames(statement, context, loading);
  const valued = file.statements.map((s) => (s.kind === "dim" ? { ...s, dims: s.dims.filter(isNumber) } : s));
  declareModuleDims(valued, context);
  for (const statement of file.statements) if (statement.kind === "const") declareConst(statement, context);
  declareFunctions(file.statements, context);
  return scope;
}
const isNumber = ({ value }: DimStatement["dims"][number]): boolean => value?.kind === "number";
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

/** What belongs to a file's own model: not consts, nor dims that are numbers. */
function ownNames(file: SourceFile): Set<string> {
  const names = file.statements.flatMap((s) => {
    if (s.kind === "const") return [];
    return s.kind === "dim" ? s.dims.filter((d) => !isNumber(d)).map((d) => d.name) : declaredNames(s);
  });
  return new Set(names.map((name) => name.text));
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

/** What there is to import. */
function importable(module: Scope): string | undefined {
  const names = [...module.visible()].filter((name) => module.own(name)?.kind === "function");
  return names.length > 0 && names.length <= 40 ? `it has ${names.join(", ")}` : undefined;
}
