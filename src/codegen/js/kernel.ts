import { invariant } from "../../diagnostics/invariant.js";
import { isFloat } from "../../ir/expr.js";
import { castJs } from "../../ir/scalar/cast.js";
import { SCALARS } from "../../ir/scalar/table.js";
import type { KExpr, Kernel, Statement } from "../../schedule/kernel-ir.js";
import { addressText, atom, bracketed, Lines, type Piece } from "../text.js";

/** A kernel as a function over typed arrays: buffers, then sizes. Floats compute in double and round when stored. */
export function printJsKernel(kernel: Kernel): string {
  const out = new Lines();
  for (const note of kernel.notes) out.add(`// ${note}`);
  const parameters = [...kernel.buffers.map((b) => identifier(b.name)), ...kernel.sizes.map((s) => identifier(s.name))];
  out.block(`function ${kernel.name}(${parameters.join(", ")}) {`, () => {
    const nest = (k: number): void => {
      const loop = kernel.grid[k];
      if (!loop) {
        printStatements(out, kernel.body);
        return;
      }
      const v = identifier(loop.variable);
      out.block(`for (let ${v} = 0; ${v} < ${text(loop.extent)}; ${loop.step === 1 ? `${v}++` : `${v} += ${loop.step}`}) {`, () => nest(k + 1));
    };
    nest(0);
  });
  return out.toString();
}

const WORDS = new Set("arguments await break case catch class const continue debugger default delete do else enum eval export extends false finally for function if implements import in instanceof interface let new null package private protected public return static super switch this throw true try typeof var void while with yield Math Infinity NaN".split(" "));
const identifier = (name: string): string => (WORDS.has(name) ? `${name}$` : name);

function printStatements(out: Lines, statements: readonly Statement[]): void {
  for (const s of statements) {
    switch (s.kind) {
      case "comment":
        out.add(`// ${s.text}`);
        break;
      case "let":
        out.add(`const ${identifier(s.name)} = ${text(s.value)};`);
        break;
      case "var":
        out.add(`let ${identifier(s.name)} = ${text(s.init)};`);
        break;
      case "assign":
        out.add(assignment(s.name, s.value));
        break;
      case "store":
        out.add(`${identifier(s.buffer)}[${text(s.index)}] = ${text(s.value)};`);
        break;
      case "if":
        out.block(`if (${text(s.condition)}) {`, () => printStatements(out, s.then), s.else.length ? "} else {" : "}");
        if (s.else.length) out.block("", () => printStatements(out, s.else));
        break;
      case "loop": {
        const v = identifier(s.variable);
        const up = s.direction === 1;
        const step = s.step === 1 ? (up ? `${v}++` : `${v}--`) : up ? `${v} += ${s.step}` : `${v} -= ${s.step}`;
        // A bound that takes a computation is worked out once.
        const simple = s.hi.op === "constant" || s.hi.op === "variable";
        const head = up ? `for (let ${v} = ${text(s.lo)}${simple ? "" : `, ${v}End = ${text(s.hi)}`}; ${v} < ${simple ? text(s.hi) : `${v}End`}; ${step}) {` : `for (let ${v} = ${text(s.hi)} - 1; ${v} >= ${text(s.lo)}; ${step}) {`;
        out.block(head, () => printStatements(out, s.body));
        break;
      }
    }
  }
}

function assignment(name: string, value: KExpr): string {
  const v = identifier(name);
  if (value.op === "call" && value.fn === "add" && isFloat(value.dtype) && value.args[0]?.op === "variable" && value.args[0].name === name && value.args[1]) return `${v} += ${text(value.args[1])};`;
  return `${v} = ${text(value)};`;
}

const text = (e: KExpr): string => piece(e).text;
function piece(e: KExpr): Piece {
  switch (e.op) {
    case "constant":
      if (e.dtype === "bool") return atom(e.value ? "true" : "false");
      return e.value < 0 || Object.is(e.value, -0) ? { text: Object.is(e.value, -0) ? "-0" : String(e.value), strength: 0 } : atom(String(e.value));
    case "variable":
      return atom(identifier(e.name));
    case "load":
      return atom(e.dtype === "bool" ? `(${identifier(e.buffer)}[${text(e.index)}] !== 0)` : `${identifier(e.buffer)}[${text(e.index)}]`);
    case "address":
      return addressText(e, piece, (fn, args) => `Math.${fn}(${args.join(", ")})`);
    case "cast":
      return atom(castJs(e.arg.dtype, e.dtype, bracketed(piece(e.arg), 3)));
    case "select":
      return { text: `${bracketed(piece(e.condition), 1)} ? ${bracketed(piece(e.then), 1)} : ${bracketed(piece(e.else), 1)}`, strength: 0 };
    case "call": {
      const [a, b] = e.args;
      if (isFloat(e.dtype) && a && b) {
        if (e.fn === "add") return { text: `${bracketed(piece(a), 1)} + ${bracketed(piece(b), 2)}`, strength: 1 };
        if (e.fn === "sub") return { text: `${bracketed(piece(a), 1)} - ${bracketed(piece(b), 2)}`, strength: 1 };
        if (e.fn === "mul") return { text: `${bracketed(piece(a), 2)} * ${bracketed(piece(b), 3)}`, strength: 2 };
        if (e.fn === "div") return { text: `${bracketed(piece(a), 2)} / ${bracketed(piece(b), 3)}`, strength: 2 };
      }
      const entry = SCALARS[e.fn];
      invariant(entry, `scalar function ${e.fn} is in the table`);
      const dtype = e.args[e.args.length - 1]?.dtype ?? e.dtype;
      return atom(entry.js.expression(e.args.map((x) => bracketed(piece(x), 3)), dtype));
    }
  }
}
