import type {
  Argument,
  Expression,
  FunctionStatement,
  FunctionTypeSyntax,
  IndexBinding,
  Parameter,
  RangeSyntax,
  SourceFile,
  Statement,
  Target,
  TypeSyntax,
} from "./ast.js";
import { COMPARISON, LEVELS, NOT, PAD, POSTFIX, POWER, PRODUCT, SUM, TERM } from "./precedence.js";

/** A tree as source text with no more brackets than its meaning needs. Comments that are not docs are not in the tree. */
export function printFile(file: SourceFile): string {
  return file.statements.map((statement) => `${printStatement(statement)}\n`).join("");
}

const list = <T>(items: readonly T[], print: (item: T) => string): string => items.map(print).join(", ");
const initial = (value: Expression | undefined): string => (value ? ` = ${printExpression(value)}` : "");
const doc = (text: string | undefined, indent: string): string =>
  text === undefined
    ? ""
    : text
        .split("\n")
        .map((line) => `${indent}///${line ? ` ${line}` : ""}\n`)
        .join("");

function printStatement(node: Statement, indent = ""): string {
  switch (node.kind) {
    case "dim":
      return `${doc(node.doc, indent)}${indent}dim ${list(node.dims, (d) => `${d.name.text}${initial(d.value)}`)}`;
    case "input":
    case "param":
    case "state":
    case "const":
      return entries(node, indent);
    case "equation": {
      const role = node.role === "value" ? "" : `${node.role} `;
      return `${doc(node.doc, indent)}${indent}${role}${list(node.targets, target)} = ${printExpression(node.value)}`;
    }
    case "output":
      return `${indent}output ${list(node.names, (n) => n.text)}`;
    case "train": {
      const args = node.args.length ? `(${list(node.args, argument)})` : "";
      return `${indent}train ${node.loss.text} with ${node.optimizer.text}${args}${node.params ? ` for ${list(node.params, (n) => n.text)}` : ""}`;
    }
    case "check":
      return `${indent}check ${node.loss.text} at { ${list(node.values, (v) => `${v.name.text} = ${printExpression(v.value)}`)} }`;
    case "import":
      return `${indent}import { ${list(node.names, (n) => (n.as ? `${n.name.text} as ${n.as.text}` : n.name.text))} } from "${node.from}"`;
    case "rec": {
      const policy = node.checkpoint?.policy;
      const checkpoint =
        policy === undefined ? "" : ` checkpoint ${typeof policy === "string" ? policy : size(policy)}`;
      const condition = node.condition ? ` while ${printExpression(node.condition)}` : "";
      return `${indent}rec ${node.index.text} in ${range(node.range)}${checkpoint}${condition} ${block(node.body, indent)}`;
    }
    case "fn":
    case "layer":
      return callable(node, indent);
    case "optimizer":
      return `${doc(node.doc, indent)}${indent}optimizer ${node.name.text}(${list(node.parameters, parameter)}) for ${node.param.text}, ${node.gradient.text} ${block(node.body, indent)}`;
  }
}

type Entries = Extract<Statement, { kind: "input" | "param" | "state" | "const" }>;
type Entry = {
  readonly name: { readonly text: string };
  readonly type?: TypeSyntax;
  readonly range?: RangeSyntax;
  readonly value?: Expression;
  readonly doc?: string;
};

/** One statement for each doc: entries that share theirs stay together. */
function entries(node: Entries, indent: string): string {
  const groups: Entry[][] = [];
  for (const item of node.items as readonly Entry[]) {
    const last = groups[groups.length - 1];
    if (last && last[0]?.doc === item.doc) last.push(item);
    else groups.push([item]);
  }
  const entry = (e: Entry): string =>
    `${e.name.text}${e.type ? `: ${tensor(e.type)}` : ""}${e.range ? ` in ${range(e.range)}` : ""}${initial(e.value)}`;
  const [first, ...rest] = groups.map((group) => ({ doc: group[0]?.doc, text: list(group, entry) }));
  const more = rest.map((group) => `,\n${doc(group.doc, `${indent}  `)}${indent}  ${group.text}`).join("");
  return `${doc(first?.doc, indent)}${indent}${node.kind} ${first?.text ?? ""}${more}`;
}

function block(statements: readonly Statement[], indent: string): string {
  const inner = statements.map((s) => `${printStatement(s, `${indent}  `)}\n`).join("");
  return `{\n${inner}${indent}}`;
}
function callable(node: FunctionStatement, indent: string): string {
  const sizes = node.sizes.length ? `<${list(node.sizes, (n) => n.text)}>` : "";
  const head = `${doc(node.doc, indent)}${indent}${node.kind} ${node.name.text}${sizes}(${list(node.parameters, parameter)})`;
  if (isExpression(node.body)) return `${head} = ${printExpression(node.body)}`;
  const results = list(node.results ?? [], (r) => `${r.name.text}: ${tensor(r.type)}`);
  const adjoint = node.adjoint;
  const tail = adjoint
    ? ` adjoint(${list(adjoint.cotangents, (n) => n.text)}) -> (${list(adjoint.results, (n) => n.text)}) ${block(adjoint.body, indent)}`
    : "";
  return `${head} -> ${node.results?.length === 1 ? results : `(${results})`} ${block(node.body, indent)}${tail}`;
}
const isExpression = (body: readonly Statement[] | Expression): body is Expression => "kind" in body;

function parameter(node: Parameter): string {
  return `${node.name.text}: ${"parameters" in node.type ? functionType(node.type) : tensor(node.type)}${initial(node.value)}`;
}
function functionType(node: FunctionTypeSyntax): string {
  return `fn(${list(node.parameters, tensor)}) -> ${node.results.length === 1 ? list(node.results, tensor) : `(${list(node.results, tensor)})`}`;
}
const tensor = (node: TypeSyntax): string =>
  `${node.dtype.text}${node.sizes.length ? `[${list(node.sizes, size)}]` : ""}`;
const range = (node: RangeSyntax): string => `${size(node.lo)}..${size(node.hi)}`;
const binding = (node: IndexBinding): string =>
  `${size(node.index)}${node.range ? ` in ${range(node.range)}` : ""}`;
const target = (node: Target): string =>
  `${node.name.text}${node.prime ? "'" : ""}${node.indices ? `[${list(node.indices, binding)}]` : ""}`;
const argument = (node: Argument): string =>
  `${node.name ? `${node.name.text} = ` : ""}${printExpression(node.value)}`;

// ------------------------------------------------------------------------------------------------- expressions

export const printExpression = (node: Expression): string => at(node, 0);
/** Where only sizes stand: comparisons and looser are bracketed. */
const size = (node: Expression): string => at(node, SUM);

/** How loosely an expression's text binds, read from outside. */
function levelOf(node: Expression): number {
  switch (node.kind) {
    case "if":
      return 0;
    case "binary":
      return LEVELS[node.operator];
    case "unary":
      return node.operator === "not" ? NOT : TERM;
    case "reducer":
      return TERM;
    case "axis":
      // Nothing of a product may follow it without brackets.
      return TERM;
    default:
      return POSTFIX;
  }
}
function at(node: Expression, level: number): string {
  const text = print(node);
  return levelOf(node) < level ? `(${text})` : text;
}

function print(node: Expression): string {
  switch (node.kind) {
    case "number":
      return numberText(node.value, node.integer);
    case "boolean":
      return String(node.value);
    case "name":
      return `${node.name}${node.prime ? "'" : ""}`;
    case "subscript":
      return `${node.base.kind === "number" ? `(${print(node.base)})` : at(node.base, POSTFIX)}[${list(node.subscripts, printExpression)}]`;
    case "call": {
      const sizes = node.sizes.length
        ? `<${list(node.sizes, (s) => `${s.name.text} = ${size(s.value)}`)}>`
        : "";
      return `${node.callee.text}${sizes}${node.axis ? `[${node.axis.text}]` : ""}(${list(node.args, argument)})`;
    }
    case "list":
      return `[${list(node.items, printExpression)}]`;
    case "if":
      return `if ${printExpression(node.condition)} then ${printExpression(node.then)} else ${printExpression(node.else)}`;
    case "unary":
      if (node.operator === "not") return `not ${at(node.operand, NOT)}`;
      // -a % b means -(a % b), which not every reader knows.
      if (node.operand.kind === "binary" && node.operand.operator === "%") return `-(${print(node.operand)})`;
      return `-${at(node.operand, TERM)}`;
    case "reducer": {
      const indices = list(node.indices, (i) => `${i.name.text}${i.range ? ` in ${range(i.range)}` : ""}`);
      return `${node.reducer}[${indices}${guard(node.guard)}] ${at(node.body, TERM)}`;
    }
    case "axis":
      return `${node.operator}[${node.index.text}${guard(node.guard)}] ${at(node.body, POWER)}`;
    case "binary":
      return binary(node);
  }
}
const guard = (node: Expression | undefined): string => (node ? ` | ${printExpression(node)}` : "");

type Binary = Extract<Expression, { kind: "binary" }>;

/** A run of one level is deep to the left, perhaps by a million: it is walked, not recursed into. */
function binary(node: Binary): string {
  const level = LEVELS[node.operator];
  if (node.operator === "^") return `${at(node.left, POWER + 1)}^${rightOperand(node.right, POWER)}`;
  const parts: string[] = [];
  let left: Expression = node;
  while (left.kind === "binary" && LEVELS[left.operator] === level) {
    // A reducer takes the rest of its product, so only the last factor may be one without brackets.
    const last = level === PRODUCT && parts.length === 0;
    parts.push(` ${left.operator} ${rightOperand(left.right, level + 1, last)}`);
    // Comparisons do not chain.
    const next: Expression = left.left;
    left = next;
    if (level === COMPARISON) break;
  }
  return `${at(left, level === COMPARISON || level === PAD ? level + 1 : level)}${parts.reverse().join("")}`;
}
/** On the right of a product a minus needs no brackets before a factor; elsewhere the level decides. */
function rightOperand(node: Expression, level: number, lastFactor = false): string {
  if (lastFactor && (node.kind === "reducer" || node.kind === "axis")) return print(node);
  if (level < POWER || node.kind !== "unary" || node.operator !== "-") return at(node, level);
  return `-${rightOperand(node.operand, level, lastFactor)}`;
}

/** As short as reads back to the same number; integers keep to digits, others to a point or an exponent. */
function numberText(value: number, integer: boolean): string {
  if (value === Infinity) return integer ? "9".repeat(400) : "1e999";
  if (integer) return BigInt(value).toString();
  const text = String(value);
  return /[.e]/.test(text) ? text.replace("e+", "e") : `${text}.0`;
}
