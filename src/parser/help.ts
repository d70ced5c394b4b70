import { tokenMatcher, type IToken } from "chevrotain";
import type { DiagnosticExtras } from "../diagnostics/diagnostic.js";
import type { Span } from "../diagnostics/span.js";
import { AxisOperatorName, Fn, Import, Name, Optimizer, Rec, ReducerName } from "./vocabulary.js";
import { isReservedWord, isTypeName, REDUCERS } from "./words.js";

/** Where a text stops following the grammar. */
export interface Fault {
  readonly expected: string;
  readonly token: IToken;
  readonly span: Span;
  /** The token before, and the one before the bracket that is open. */
  readonly last: IToken | undefined;
  readonly caller: IToken | undefined;
  /** Whether the token before is the name behind `output`. */
  readonly isOutput: boolean;
  /** The comma that lacks before `x: f32`. */
  readonly entry: { readonly span: Span; readonly text: string } | undefined;
  /** `: i32[N]` before a `=`, where an equation is begun. */
  readonly annotation: { readonly dtype: string; readonly span: Span } | undefined;
}

/** Words with which other languages begin a statement, and what does their work here. */
const OTHER_WORDS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    def: "a function is written `fn f(x: f32) -> y: f32 { y = … }`",
    func: "a function is written `fn f(x: f32) -> y: f32 { y = … }`",
    function: "a function is written `fn f(x: f32) -> y: f32 { y = … }`",
    for: "nothing loops here: an equation holds for all its indices, `sum[i] x[i]` adds, `rec t in 0..T { … }` goes step by step",
    while: "a loop that stops is `rec t in 0..T while condition { … }`",
    return: "a function's results are named, and defined by equations",
    class: "what owns params is a `layer`",
    print: "`output y` gives a value to the caller",
    minimize: "a loss is lowered by `train l with sgd(rate = 0.1)`",
    minimise: "a loss is lowered by `train l with sgd(rate = 0.1)`",
    maximize: "`train` lowers a loss: that of `-l` where `l` is to grow",
    maximise: "`train` lowers a loss: that of `-l` where `l` is to grow",
  }),
);
/** After which the name of a function or the like stands. */
export const DEFINING_WORDS: ReadonlySet<string> = new Set(["def", "func", "function", "class"]);
/** What other languages call a declaration's word. */
export const DECLARING_WORDS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    parameter: "param",
    parameters: "param",
    weight: "param",
    weights: "param",
    variable: "param",
    constant: "const",
    dimension: "dim",
    dimensions: "dim",
    size: "dim",
  }),
);
/** Words that other languages put before an equation. */
export const NEEDLESS_WORDS: ReadonlySet<string> = new Set(["let", "var", "val", "auto"]);

/** What a statement's word wants next. */
export function wantedAfter(word: IToken): string {
  if (word.tokenType === Import) return "`{`";
  const what =
    word.tokenType === Rec
      ? "an index"
      : word.tokenType === Fn || word.tokenType === Optimizer
        ? "its name"
        : "a name";
  return `${what} after \`${word.image}\``;
}

const SLICE =
  "there are no slices: an index ranges over the part, `y[i in 0..5] = x[i]`; axes at the end that have no subscript stay whole, `A[i]`";

/** How a reducer or axis operator is written. */
export const operatorExample = (name: string, isReducer: boolean): string =>
  isReducer ? `\`${name}[i] x[i]\`` : `\`p[i] = ${name}[i] x[i]\``;

/** The likely mend. Cases stand from the particular to the general. */
export function faultHelp(fault: Fault): DiagnosticExtras {
  const { expected, token, annotation } = fault;
  const found = token.image;
  if (annotation && (expected === "`=`" || expected.startsWith("an operator"))) {
    const { dtype, span } = annotation;
    return {
      help: `an equation has the type of its right side, and writes none${dtype === "f32" ? "" : `; \`${dtype}(…)\` converts`}`,
      fix: { span, text: "" },
    };
  }
  if (found === "if" && /a declaration/.test(expected))
    return { help: "`if` chooses between values: `y = if c then a else b`" };
  if (isReservedWord(found) && /a name|its name|a declaration|an index/.test(expected))
    return { help: `\`${found}\` is reserved: take another name` };
  const help = expected.startsWith("an operator") ? afterOperand : HELP.get(expected);
  return help?.({ ...fault, found, before: fault.last?.image ?? "" }) ?? {};
}

/** With the texts of the token that is not fitting and of the one before. */
interface Seen extends Fault {
  readonly found: string;
  readonly before: string;
}
type Help = (seen: Seen) => DiagnosticExtras | undefined;

const isReducer = (token: IToken | undefined): token is IToken =>
  token !== undefined && tokenMatcher(token, ReducerName);
const isAxisOperator = (token: IToken | undefined): token is IToken =>
  token !== undefined && tokenMatcher(token, AxisOperatorName);

const indexHelp: Help = ({ caller }) =>
  isReducer(caller) || isAxisOperator(caller)
    ? { help: `an index names the axis: ${operatorExample(caller.image, isReducer(caller))}` }
    : undefined;

/** By what was expected. */
const HELP: ReadonlyMap<string, Help> = new Map<string, Help>([
  [
    "`=`",
    ({ found, before, span }) => {
      const meant = OTHER_WORDS.get(before);
      if (meant !== undefined) return { help: meant };
      if (found === "==") return { help: "an equation has one `=`", fix: { span, text: "=" } };
      if (/^[-+*/%^@]$/.test(found))
        return { help: "nothing is changed in place: give the new value a name of its own" };
      if (found === ":")
        return {
          help: "an equation is written `y = …`, a declaration `input y: f32[N]` or `param y: f32[N]`",
        };
      return undefined;
    },
  ],
  [
    "`]`",
    ({ found, before, span, last, caller }) => {
      if (found === ":") return { help: SLICE };
      if (found === "=" && last && tokenMatcher(last, Name))
        return { help: `a range is written \`${before} in 0..N\``, fix: { span, text: " in " } };
      if (isAxisOperator(caller) && found === ",")
        return { help: `\`${caller.image}\` works along one index` };
      if (isReducer(caller) || isAxisOperator(caller))
        return { help: `a guard stands after a bar: \`${caller.image}[i | i > 0] …\`` };
      return undefined;
    },
  ],
  ["an index", indexHelp],
  ["a name", indexHelp],
  [
    "`)`",
    ({ found, caller }) =>
      found === ".." && isReducer(caller)
        ? { help: `a reducer has its indices in square brackets: \`${caller.image}[i in 0..N] x[i]\`` }
        : undefined,
  ],
  [
    "`:`",
    ({ before }) =>
      isTypeName(before) ? resultHelp(before) : { help: "it has a type: `x: f32` or `x: f32[N, M]`" },
  ],
  [
    "`->` or `=`",
    () => ({ help: "results are named: `fn f(x: f32) -> y: f32 { y = … }`, or `fn f(x: f32) = …`" }),
  ],
  [
    "`with`",
    ({ found, before }) => ({
      help:
        before === "with"
          ? `the loss stands first: \`train l with ${found}(…)\`, of \`loss l = …\``
          : "an optimizer is named: `train loss with adam(rate = 1e-3)`",
    }),
  ],
  ["`at`", () => ({ help: "a check is written `check loss at { x = 1, loss = 2 }`" })],
  ["`in`", () => ({ help: "steps have a range: `rec t in 0..T { … }`" })],
  ["`..`", () => ({ help: "a range is written `0..N`" })],
  [
    "`{`",
    ({ before }) => (before === "import" ? { help: 'write `import { name } from "std/ode"`' } : undefined),
  ],
  ["`then`", () => ({ help: "write `if condition then a else b`" })],
  ["`else`", () => ({ help: "`if` is an expression and always has an `else`" })],
  [
    "a declaration or an equation",
    ({ found }) => (found === "}" ? { help: "no `{` is open here" } : undefined),
  ],
  ["a subscript", ({ found }) => (found === ":" ? { help: SLICE } : undefined)],
  [
    "a name or a number after the dot",
    ({ found }) => {
      if (found === "(") return { help: "functions work entry by entry: `relu(x)`" };
      return /^[*/^]$/.test(found)
        ? { help: `\`${found}\` works entry by entry: write it without the dot` }
        : undefined;
    },
  ],
  [
    "an expression",
    ({ found, before }) => {
      if (found === ":") return { help: SLICE };
      if (found === "|") return { help: "an absolute value is written `abs(x)`" };
      if (before === ".." && found === "=")
        return { help: "ranges are half open: `0..N + 1` goes up to and with N" };
      if (before === ".." && found === ".") return { help: "a range is written `0..N`" };
      if (before === "=" && found === ">")
        return { help: "at least is `>=`; a function has a name: `fn f(x: f32) = …`" };
      if (found === "+") return { help: "a number is positive without a sign" };
      return undefined;
    },
  ],
]);
const resultHelp = (dtype: string): DiagnosticExtras => ({
  help: `a result has a name: \`-> y: ${dtype}\``,
});

/** Where an operand is complete, and no operator or end follows. */
function afterOperand({ found, before, token, last, entry, isOutput }: Seen): DiagnosticExtras | undefined {
  if (found === ":")
    return {
      help: "only what is given or trained has a written type: `input x: f32[N]`, `param W: f32[N, M]`",
    };
  if (before === "=" || found === ">") return undefined;
  if (found === "(" && /^[fiu]\d\d$/.test(before))
    return { help: `sizes stand in square brackets: \`${before}[…]\`` };
  if (found === "if") return { help: "a choice is written `if condition then a else b`" };
  if (found === "{" && before.endsWith("_"))
    return { help: `an index stands in square brackets: \`${before.slice(0, -1)}[i] …\`` };
  if (before === "lambda" || before === "fun")
    return { help: `a function has a name and types: \`fn f(${found}: f32) = …\`` };
  if (entry) return { help: "entries of a declaration stand with commas between them", fix: entry };
  if (found === "[") return { help: "a declaration has a type: `param W: f32[N, M]`" };
  if (found === "{" && isTypeName(before)) return { help: `a result has a name: \`-> y: ${before}\`` };
  if (found === ")" || found === "]") return { help: `no \`${found === ")" ? "(" : "["}\` is open here` };
  if (found === "where") return { help: "a reducer's guard stands in its brackets: `sum[i | i > 0] x[i]`" };
  if (found === "(" && isOutput)
    return { help: `an output is a name or an equation: \`output y = ${before}(…)\`` };
  if (found === "(" && before === ")")
    return {
      help: "a product is written with `*`; a call has one list of arguments, sizes stand before it: `dense<O = 64>(x)`",
    };
  if (found === ".")
    return {
      help: "values have no members: a function is called, `relu(x)`, a transpose is written `A[j, i]`",
    };
  if (found === "|")
    return { help: "an absolute value is written `abs(x)`, a function is called: `relu(x)`" };
  if (before === "]" && tokenMatcher(token, Name))
    return { help: `a product is written with \`*\`; reducers are ${REDUCERS.join(", ")}` };
  const [, reducer, index] = /^([a-z]+)_(\w+)$/.exec(before) ?? [];
  if (REDUCERS.some((r) => r === reducer))
    return { help: `an index stands in square brackets: \`${reducer}[${index}] ${found}…\`` };
  if (last && tokenMatcher(last, Name) && tokenMatcher(token, Name))
    return {
      help: `a product is written \`${before} * ${found}\`, a call \`${before}(${found})\`; a reducer's index stands in square brackets, \`sum[i] x[i]\``,
    };
  if (tokenMatcher(token, Name) || found === "(")
    return {
      help: "a product is written with `*`; a reducer's index in square brackets, `sum[i] x[i]`",
    };
  return undefined;
}
