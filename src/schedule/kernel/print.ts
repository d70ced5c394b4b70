import {
  entriesOf,
  type KExpr,
  type Kernel,
  type Place,
  type ScheduledEntry,
  type ScheduledModule,
  type Statement,
} from "./ir.js";
import { blockEnd } from "./grid.js";

/**
 * Kernel IR as text, with as few brackets as its own precedence needs:
 *
 *   kernel NAME(BUFFER: ACCESS DTYPE, …; SIZE, …)
 *     // the equations computed
 *     grid FIRST <= VARIABLE < EXTENT step N, … {
 *       let NAME: DTYPE = EXPRESSION
 *       for VARIABLE in LO..HI { … }
 *     }
 */
export function printKernel(kernel: Kernel): string {
  const buffers = kernel.buffers.map((b) => `${b.name}: ${b.access} ${b.dtype}`).join(", ");
  const sizes = kernel.sizes.map((s) => s.name).join(", ");
  const grid = kernel.grid
    .map(
      (g) => `${g.first ? `${text(g.first)} <= ` : ""}${g.variable} < ${text(g.extent)}${stepText(g.step)}`,
    )
    .join(", ");
  return [
    `kernel ${kernel.name}(${buffers}${sizes ? `; ${sizes}` : ""})`,
    ...kernel.notes.map((note) => `  // ${note}`),
    `  grid ${grid || "once"} {`,
    ...kernel.grid.flatMap(blockEnd).flatMap((s) => indented([s]).map((line) => `  ${line}`)),
    ...kernel.body.flatMap((s) => statementLines(s).map((line) => `    ${line}`)),
    "  }",
    ...(kernel.after.length
      ? ["  after {", ...indented(kernel.after).map((line) => `  ${line}`), "  }"]
      : []),
    "",
  ].join("\n");
}

const stepText = (step: number | KExpr): string =>
  step === 1 ? "" : ` step ${typeof step === "number" ? step : text(step)}`;
const indented = (list: readonly Statement[]): string[] =>
  list.flatMap((s) => statementLines(s).map((line) => `  ${line}`));

function statementLines(s: Statement): string[] {
  switch (s.kind) {
    case "comment":
      return [`// ${s.text}`];
    case "let":
      return [`let ${s.name}: ${s.value.dtype} = ${text(s.value)}`];
    case "var":
      return [`var ${s.name}: ${s.init.dtype} = ${text(s.init)}`];
    case "assign":
      return [`${s.name} = ${text(s.value)}`];
    case "store":
      return [`${s.buffer}[${text(s.index)}] = ${text(s.value)}`];
    case "product": {
      const place = (p: Place): string => `${p.buffer}[${text(p.index)}]`;
      return [
        `product ${s.rows}x${s.columns} ${place(s.into)} = ${place(s.left)} * ${place(s.right)} over ${text(s.count)}`,
      ];
    }
    case "if":
      return [
        `if ${text(s.condition)} {`,
        ...indented(s.then),
        ...(s.else.length ? ["} else {", ...indented(s.else)] : []),
        "}",
      ];
    case "loop": {
      const [from, to] = s.direction === 1 ? [s.lo, s.hi] : [s.hi, s.lo];
      return [
        `for ${s.variable} in ${text(from)}..${text(to)}${stepText(s.step)} {`,
        ...indented(s.body),
        "}",
      ];
    }
  }
}

/** Operators from the loosest on. */
const LEVELS = [["or"], ["and"], ["not"], ["eq", "ne", "lt", "le"], ["add", "sub"], ["mul", "div", "rem"]];
const SIGNS: Readonly<Record<string, string>> = {
  or: "or",
  and: "and",
  eq: "==",
  ne: "!=",
  lt: "<",
  le: "<=",
  add: "+",
  sub: "-",
  mul: "*",
  div: "/",
  rem: "%",
};
const ATOM = LEVELS.length;

const text = (e: KExpr): string => leveled(e).text;
const within = (e: KExpr, least: number): string => {
  const { text: inner, level } = leveled(e);
  return level >= least ? inner : `(${inner})`;
};
function leveled(e: KExpr): { readonly text: string; readonly level: number } {
  switch (e.op) {
    case "constant": {
      const number = Object.is(e.value, -0) ? "-0" : String(e.value);
      return {
        text: e.dtype === "bool" ? (e.value ? "true" : "false") : number,
        level: number.startsWith("-") ? ATOM - 1 : ATOM,
      };
    }
    case "variable":
      return { text: e.name, level: ATOM };
    case "load":
      return { text: `${e.buffer}[${text(e.index)}]`, level: ATOM };
    case "cast":
      return { text: `${e.dtype}(${text(e.arg)})`, level: ATOM };
    case "select":
      return { text: `if ${text(e.condition)} then ${text(e.then)} else ${text(e.else)}`, level: -1 };
    case "address":
    case "call": {
      const [a, b] = e.args;
      const sign = SIGNS[e.fn];
      const level = LEVELS.findIndex((names) => names.includes(e.fn));
      if (a && e.fn === "neg") return { text: `-${within(a, ATOM)}`, level: ATOM - 1 };
      if (a && e.fn === "not") return { text: `not ${within(a, level)}`, level };
      if (sign === undefined || !a || !b)
        return { text: `${e.fn}(${e.args.map(text).join(", ")})`, level: ATOM };
      // Relations do not chain.
      const first = within(a, level === 3 ? level + 1 : level);
      return { text: [first, ...e.args.slice(1).map((x) => within(x, level + 1))].join(` ${sign} `), level };
    }
  }
}

/** Kernel IR as text. */
export function printModule(module: ScheduledModule): string {
  return [...module.kernels.values()].map(printKernel).join("\n");
}

/** The launches of every entry point with the tensors that they read and write. */
export function printPlan(module: ScheduledModule): string {
  const name = (id: number): string => module.program.values.get(id)?.name ?? `?${id}`;
  const entry = (title: string, e: ScheduledEntry): string => {
    const launches = e.launches.map((l) => {
      const kernel = module.kernels.get(l.kernel);
      const list = l.tensors.flatMap((t, k) => {
        const access = kernel?.buffers[k]?.access;
        return access === "scratch" || access === "shared"
          ? []
          : [`${access === "read" ? "" : "→ "}${name(t)}`];
      });
      return `  ${l.kernel}(${list.join(", ")})`;
    });
    const updates = e.updates.map((u) => `  ${name(u.leaf)} := ${name(u.value)}`);
    return [`${title}: ${e.launches.length} kernels`, ...launches, ...updates].join("\n");
  };
  return `${entriesOf(module)
    .map(([title, e]) => entry(title, e))
    .join("\n\n")}\n`;
}
