import {
  alignment,
  shuffledBytes,
  type Instruction,
  type WasmFunction,
  type WasmModule,
} from "./instruction.js";

/** The module in the text format, folded; what the encoder writes, for a reader and for other assemblers. */
export function printWat(module: WasmModule): string {
  const imports = module.imports.map(
    ({ name, arity }) =>
      `  (import "host" "${name}" (func $host.${name}${" (param f64)".repeat(arity)} (result f64)))\n`,
  );
  const memory = `  (import "env" "memory" (memory ${module.isShared ? "1 65536 shared" : "1"}))\n`;
  const functions = module.functions.map(functionText).join("\n");
  return `${functions.includes(MARK) ? MARKED : ""}(module\n${imports.join("")}${memory}${functions})\n`;
}

const MARK = "(nop)";
const MARKED = `;; ${MARK} marks a product that is added without being rounded first where the engine has relaxed_madd.\n`;

function functionText(fn: WasmFunction): string {
  const head = [
    `(func $${fn.name}`,
    ...fn.exports.map((name) => `(export "${name}")`),
    ...fn.parameters.map((p) => `(param $${p.name} ${p.type})`),
    ...(fn.result ? [`(result ${fn.result})`] : []),
  ].join(" ");
  const notes = fn.notes.map((n) => `  ;; ${n}\n`).join("");
  const locals = fn.locals.map((l) => `    (local $${l.name} ${l.type})\n`).join("");
  return `${notes}  ${head}\n${locals}${fn.body.map((i) => `${statement(i, "    ")}\n`).join("")}  )\n`;
}

function statement(i: Instruction, indent: string): string {
  const inner = `${indent}  `;
  const lines = (list: readonly Instruction[]): string =>
    list.map((s) => `\n${statement(s, inner)}`).join("");
  switch (i.kind) {
    case "comment":
      return `${indent};; ${i.text}`;
    case "loop":
      return `${indent}(loop $${i.label}${lines(i.body)})`;
    case "if": {
      const arm = (name: string, list: readonly Instruction[]): string =>
        `\n${inner}(${name}${list.map((s) => `\n${statement(s, `${inner}  `)}`).join("")})`;
      const result = i.result ? ` (result ${i.result})` : "";
      return `${indent}(if${result} ${expression(i.condition)}${arm("then", i.then)}${i.else.length ? arm("else", i.else) : ""})`;
    }
    default:
      return `${indent}${expression(i)}`;
  }
}

function expression(i: Instruction): string {
  const list = (args: readonly Instruction[]): string => args.map((a) => ` ${expression(a)}`).join("");
  switch (i.kind) {
    case "op": {
      const memory = alignment(i.op) !== undefined && i.offset ? ` offset=${i.offset}` : "";
      const immediates = i.picks ? shuffledBytes(i.picks) : i.lane === undefined ? [] : [i.lane];
      return `(${[i.op + memory, ...immediates].join(" ")}${list(i.args)})`;
    }
    case "const":
      return `(${i.type}.const ${numberText(i.value)})`;
    case "lanes":
      return `(v128.const ${i.type} ${i.values.map(numberText).join(" ")})`;
    case "get":
      return `(local.get $${i.local})`;
    case "set":
    case "tee":
      return `(local.${i.kind} $${i.local} ${expression(i.value)})`;
    case "call":
      return `(call $${i.fn}${list(i.args)})`;
    case "br_if":
      return `(br_if $${i.label} ${expression(i.condition)})`;
    default:
      return statement(i, "").replace(/\n\s*/g, " ");
  }
}

function numberText(value: number): string {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  return Object.is(value, -0) ? "-0" : String(value);
}
