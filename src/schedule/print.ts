import type { KExpr, Kernel, ScheduledEntry, ScheduledModule, Statement } from "./kernel-ir.js";

/** Kernel IR as text. */
export function printModule(module: ScheduledModule): string {
  return [...module.kernels.values()].map(printKernel).join("\n");
}

export function printKernel(kernel: Kernel): string {
  const buffers = kernel.buffers.map((b) => `${b.name}: ${b.access} ${b.dtype}`).join(", ");
  const sizes = kernel.sizes.map((s) => s.name).join(", ");
  const grid = kernel.grid
    .map((g) => `${g.variable} < ${exprText(g.extent)}${g.step === 1 ? "" : ` step ${g.step}`}`)
    .join(", ");
  return `kernel ${kernel.name}(${buffers}${sizes ? `; ${sizes}` : ""}) grid (${grid}) { // ${kernel.notes.join("; ")}\n${kernel.body.map((s) => statementText(s, "  ")).join("")}}\n`;
}
function statementText(s: Statement, indent: string): string {
  const block = (list: readonly Statement[]): string =>
    list.map((x) => statementText(x, `${indent}  `)).join("");
  switch (s.kind) {
    case "comment":
      return `${indent}// ${s.text}\n`;
    case "let":
      return `${indent}let ${s.name} = ${exprText(s.value)}\n`;
    case "var":
      return `${indent}var ${s.name} = ${exprText(s.init)}\n`;
    case "assign":
      return `${indent}${s.name} = ${exprText(s.value)}\n`;
    case "store":
      return `${indent}${s.buffer}[${exprText(s.index)}] = ${exprText(s.value)}\n`;
    case "if":
      return `${indent}if ${exprText(s.condition)} {\n${block(s.then)}${indent}}${s.else.length ? ` else {\n${block(s.else)}${indent}}` : ""}\n`;
    case "loop":
      return `${indent}for ${s.variable} in ${s.direction === 1 ? `${exprText(s.lo)}..${exprText(s.hi)}` : `${exprText(s.hi)}..${exprText(s.lo)}`}${s.step === 1 ? "" : ` step ${s.step}`} {\n${block(s.body)}${indent}}\n`;
  }
}
const SIGNS: Readonly<Record<string, string>> = {
  add: "+",
  sub: "-",
  mul: "*",
  div: "/",
  lt: "<",
  le: "<=",
  eq: "==",
  ne: "!=",
  and: "and",
  or: "or",
};
function exprText(e: KExpr): string {
  switch (e.op) {
    case "constant":
      return e.dtype === "bool" ? (e.value ? "true" : "false") : String(e.value);
    case "variable":
      return e.name;
    case "load":
      return `${e.buffer}[${exprText(e.index)}]`;
    case "cast":
      return `${e.dtype}(${exprText(e.arg)})`;
    case "select":
      return `(if ${exprText(e.condition)} then ${exprText(e.then)} else ${exprText(e.else)})`;
    case "address":
    case "call": {
      const args = e.args.map(exprText);
      const sign = SIGNS[e.fn];
      return sign && args.length === 2 ? `(${args.join(` ${sign} `)})` : `${e.fn}(${args.join(", ")})`;
    }
  }
}

/** The launches of every entry point with the tensors that they read and write. */
export function printPlan(module: ScheduledModule): string {
  const name = (id: number): string => module.program.values.get(id)?.name ?? `?${id}`;
  const entry = (title: string, e: ScheduledEntry): string => {
    const launches = e.launches.map((l) => {
      const kernel = module.kernels.get(l.kernel);
      const list = l.tensors.map((t, k) => `${kernel?.buffers[k]?.access === "read" ? "" : "→ "}${name(t)}`);
      return `  ${l.kernel}(${list.join(", ")})`;
    });
    const updates = e.updates.map((u) => `  ${name(u.leaf)} := ${name(u.value)}`);
    return [`${title}: ${e.launches.length} kernels`, ...launches, ...updates].join("\n");
  };
  return `${[
    entry("forward", module.forward),
    ...[...module.backward].map(([loss, e]) => entry(`backward ${loss}`, e)),
    ...[...module.step].map(([loss, e]) => entry(`step ${loss}`, e)),
  ].join("\n\n")}\n`;
}
