import type { Expr, Index, ValueId } from "./expr.js";
import { freshIndex } from "./expr.js";
import { DTYPES, ExprParser, isDType, type TextScope } from "./parse-expr.js";
import { Poly } from "./poly.js";
import type {
  Alignment,
  AxisOperator,
  BindingCheck,
  Definition,
  Derivative,
  DimDeclaration,
  Initialiser,
  Item,
  Leaf,
  Operator,
  Program,
  RecurrenceGroup,
  Reducer,
  TrainStep,
  Value,
} from "./program.js";
import { IrTextError, TextLine } from "./text-tokens.js";

export { IrTextError } from "./text-tokens.js";

const ROLES: readonly Leaf["role"][] = ["input", "param", "state", "optimizer", "const"];
const REDUCERS: readonly Reducer[] = [
  "sum",
  "prod",
  "max",
  "min",
  "any",
  "all",
  "argmax",
  "argmin",
  "logsumexp",
];
const ALONG: readonly AxisOperator[] = ["softmax", "log_softmax", "cumsum", "cumprod"];
const MODES: readonly Derivative["mode"][] = ["grad", "jvp", "vjp", "jacobian"];
const CHECKS: readonly BindingCheck["kind"][] = ["non-negative", "integer", "zero"];
const FANS = ["he_normal", "he_uniform", "glorot_normal", "glorot_uniform", "orthogonal", "eye"] as const;
const oneOf = <T extends string>(list: readonly T[], text: string): T | undefined =>
  list.find((known) => known === text);

/**
 * IR text, a line for each thing; `printProgram(parseProgram(text))` is the text again.
 *
 *   dim B | dim I = 784 | dim P = (poly) / (poly) | dim Q = floor(poly) / (poly) | … root(poly) / (poly) least 1
 *   check KIND poly CODE "message"
 *   ROLE %name: dtype[poly, …] [in poly..poly] [= init]
 *   %name: dtype[poly, …] = [[i: range, …]] [reducer[i: range, … | expr] | along[i | expr]] expr [where $1 = expr; …]
 *   %name: … = scatter[i: range, … | expr] [poly, …] += expr | reshape(%x) | grad(%l, %x) … | custom(%x) …
 *   rec NAME poly..poly [down] [checkpoint C] { … } along %name@axis+shift …
 *   output|loss NAME = %name | gradient LOSS NAME = %name
 *   train LOSS with OPTIMIZER(arg: %leaf = number, …) { %leaf := %name … } | %state := %name
 *
 * Expressions are described in parse-expr.ts. Definitions are read after all declarations, so members of a recurrence
 * may read each other. @throws IrTextError with line and column
 */
export function parseProgram(text: string): Program {
  return new ProgramParser(text).program();
}

interface Pending {
  readonly id: ValueId;
  readonly line: TextLine;
  readonly position: number;
}

class ProgramParser {
  private readonly lines: TextLine[];
  private at = 0;
  private readonly dims: DimDeclaration[] = [];
  private readonly dimNames = new Set<string>();
  private readonly values = new Map<ValueId, Value>();
  private readonly byName = new Map<string, ValueId>();
  private readonly pending: Pending[] = [];
  private readonly rest: {
    checks: BindingCheck[];
    outputs: { name: string; value: ValueId }[];
    losses: string[];
    gradients: { loss: string; wrt: string; value: ValueId }[];
    trains: TrainStep[];
    stateUpdates: { leaf: ValueId; value: ValueId }[];
  } = { checks: [], outputs: [], losses: [], gradients: [], trains: [], stateUpdates: [] };

  constructor(text: string) {
    this.lines = text
      .split("\n")
      .flatMap((line, k) => (line.trim() === "" ? [] : [new TextLine(line, k + 1)]));
  }

  program(): Program {
    const items = this.items(() => this.at >= this.lines.length);
    for (const { id, line, position } of this.pending) {
      line.seek(position);
      const value = this.values.get(id);
      if (!value) continue;
      const definition = this.definition(line, value);
      line.end();
      this.values.set(id, { ...value, definition });
    }
    return { dims: this.dims, values: this.values, items, ...this.rest };
  }

  private items(done: () => boolean): Item[] {
    const items: Item[] = [];
    while (!done()) {
      const line = this.lines[this.at++];
      if (!line) break;
      const item = this.statement(line);
      if (item !== null) items.push(item);
    }
    return items;
  }

  private statement(line: TextLine): Item | null {
    const { next } = line;
    if (next.kind === "value") {
      if (line.peek(1)?.text === ":=") {
        this.rest.stateUpdates.push(this.update(line));
        return null;
      }
      return this.equation(line);
    }
    const word = line.take("name", "a statement");
    const role = oneOf(ROLES, word);
    if (role) {
      this.leaf(line, role);
      return null;
    }
    switch (word) {
      case "dim":
        this.dim(line);
        return null;
      case "check":
        this.check(line);
        return null;
      case "rec":
        return this.group(line);
      case "output":
      case "loss": {
        const name = line.takeName("a name");
        line.expect("=");
        this.rest.outputs.push({ name, value: this.reference(line) });
        if (word === "loss") this.rest.losses.push(name);
        break;
      }
      case "gradient": {
        const loss = line.takeName("a loss");
        const wrt = line.takeName("a name");
        line.expect("=");
        this.rest.gradients.push({ loss, wrt, value: this.reference(line) });
        break;
      }
      case "train":
        this.rest.trains.push(this.train(line));
        return null;
      default:
        line.fail(`\`${word}\` begins no statement`, next);
    }
    line.end();
    return null;
  }

  private dim(line: TextLine): void {
    const name = line.take("name", "a name");
    if (this.dimNames.has(name)) line.fail(`dim ${name} is declared twice`);
    let declared: DimDeclaration = { name };
    if (line.accept("=")) {
      const floor = line.accept("floor");
      const root = !floor && line.accept("root");
      if (line.next.kind === "number") declared = { name, default: this.natural(line) };
      else {
        line.expect("(");
        const numerator = this.sizes(line).poly();
        for (const sign of [")", "/", "("]) line.expect(sign);
        const divisor = this.sizes(line).poly();
        line.expect(")");
        const least = line.accept("least") ? { least: this.natural(line) } : {};
        declared = { name, definition: { numerator, divisor, floor, ...(root && { root }), ...least } };
      }
    }
    line.end();
    this.dims.push(declared);
    this.dimNames.add(name);
  }
  private check(line: TextLine): void {
    const { next } = line;
    let word = line.take("name", "a kind of check");
    if (line.accept("-")) word += `-${line.take("name", "a kind of check")}`;
    const kind = oneOf(CHECKS, word) ?? line.fail(`there is no check \`${word}\``, next);
    const poly = this.sizes(line).poly();
    const code = line.take("name", "a code");
    const message = String(JSON.parse(line.take("string", "a message")));
    line.end();
    this.rest.checks.push({ poly, kind, code, message });
  }
  private leaf(line: TextLine, role: Leaf["role"]): void {
    const declared = this.declare(line);
    let leaf: Leaf = { kind: "leaf", role };
    if (line.accept("in")) {
      const lo = this.sizes(line).poly();
      line.expect("..");
      leaf = { ...leaf, range: { lo, hi: this.sizes(line).poly() } };
    }
    if (line.accept("=")) leaf = { ...leaf, init: this.initialiser(line) };
    line.end();
    this.values.set(declared.id, { ...declared, definition: leaf });
  }
  private initialiser(line: TextLine): Initialiser {
    const { next } = line;
    const kind = line.take("name", "an initialiser");
    line.expect("(");
    const fan = oneOf(FANS, kind);
    if (fan) {
      const fanIn = line.is(")") ? undefined : this.sizes(line).poly();
      line.expect(")");
      return fanIn ? { kind: fan, fanIn } : { kind: fan };
    }
    const numbers = this.sizes(line).list(")", () => this.signed(line));
    const [a = 0, b = 0] = numbers;
    if (kind === "fill") return { kind, value: a };
    if (kind === "values") return { kind, data: numbers };
    if (kind === "normal" || kind === "uniform") return { kind, a, b };
    return line.fail(`there is no initialiser \`${kind}\``, next);
  }
  /** As JavaScript writes it. */
  private signed(line: TextLine): number {
    const negative = line.accept("-");
    const size = line.accept("Infinity")
      ? Infinity
      : line.accept("NaN")
        ? NaN
        : Number(line.take("number", "a number"));
    return negative ? -size : size;
  }
  /** `+1`, `-1` or nothing. */
  private shift(line: TextLine): number {
    if (line.accept("-")) return -this.natural(line);
    return line.accept("+") ? this.natural(line) : 0;
  }
  private natural(line: TextLine): number {
    return Number(line.take("number", "a number"));
  }

  /** `%name: dtype[sizes]` */
  private declare(line: TextLine): Value {
    const { next } = line;
    const name = line.take("value", "a value").slice(1);
    if (this.byName.has(name)) line.fail(`%${name} is defined twice`, next);
    line.expect(":");
    const type = line.next;
    const dtype = line.take("name", "a type");
    if (!isDType(dtype)) line.fail(`\`${dtype}\` is no type; types are ${DTYPES.join(", ")}`, type);
    const sizes = this.sizes(line);
    const shape = line.accept("[") ? sizes.list("]", () => sizes.poly()) : [];
    const id = this.values.size + 1;
    const value: Value = { id, name, dtype, shape, definition: { kind: "leaf", role: "const" } };
    this.values.set(id, value);
    this.byName.set(name, id);
    return value;
  }
  private equation(line: TextLine): ValueId {
    const { id } = this.declare(line);
    line.expect("=");
    this.pending.push({ id, line, position: line.position });
    return id;
  }
  private reference(line: TextLine): ValueId {
    const { next } = line;
    const name = line.take("value", "a value");
    return this.byName.get(name.slice(1)) ?? line.fail(`there is no value \`${name}\``, next);
  }
  private update(line: TextLine): { leaf: ValueId; value: ValueId } {
    const leaf = this.reference(line);
    line.expect(":=");
    const value = this.reference(line);
    line.end();
    return { leaf, value };
  }

  private group(line: TextLine): RecurrenceGroup {
    const name = line.takeName("a name");
    const from = this.sizes(line).poly();
    line.expect("..");
    const to = this.sizes(line).poly();
    const down = line.accept("down");
    let checkpoint: RecurrenceGroup["checkpoint"] = "auto";
    if (line.accept("checkpoint"))
      checkpoint = line.accept("sqrt") ? "sqrt" : line.accept("none") ? "none" : this.natural(line);
    line.expect("{");
    line.end();
    const items = this.items(() => this.lines[this.at]?.is("}") ?? true);
    const close = this.lines[this.at++];
    if (!close) throw new IrTextError("the recurrence is not closed", line.number, 1);
    close.expect("}");
    close.expect("along");
    const time = new Map<ValueId, { axis: number; shift: number }>();
    while (close.next.kind === "value") {
      const id = this.reference(close);
      close.expect("@");
      time.set(id, { axis: this.natural(close), shift: this.shift(close) });
    }
    close.end();
    const [lo, hi] = down ? [to, from] : [from, to];
    return { kind: "recurrence", name, lo, hi, direction: down ? -1 : 1, time, items, checkpoint };
  }
  private train(line: TextLine): TrainStep {
    const loss = line.takeName("a loss");
    line.expect("with");
    const optimizer = line.takeName("an optimizer");
    line.expect("(");
    const args = this.sizes(line).list(")", () => {
      const name = line.take("name", "an argument");
      line.expect(":");
      const leaf = this.reference(line);
      line.expect("=");
      return { name, leaf, value: this.signed(line) };
    });
    line.expect("{");
    line.end();
    const updates: { leaf: ValueId; value: ValueId }[] = [];
    for (;;) {
      const inner = this.lines[this.at++];
      if (!inner) throw new IrTextError("the train step is not closed", line.number, 1);
      if (inner.accept("}")) {
        inner.end();
        return { loss, optimizer, args, updates };
      }
      updates.push(this.update(inner));
    }
  }

  private scope(
    indices: ReadonlyMap<string, Index>,
    shared: ReadonlyMap<string, Expr> = new Map(),
  ): TextScope {
    return {
      indices,
      dims: this.dimNames,
      shared,
      value: (name) => {
        const value = this.values.get(this.byName.get(name) ?? -1);
        return value && { id: value.id, dtype: value.dtype, rank: value.shape.length };
      },
    };
  }
  private sizes(line: TextLine): ExprParser {
    return new ExprParser(line, this.scope(new Map()));
  }

  private definition(line: TextLine, value: Value): Definition {
    const { next } = line;
    const called = line.peek(1)?.text === "(";
    const mode = called ? oneOf(MODES, next.text) : undefined;
    if (mode) return this.derivative(line, mode);
    if (called && next.text === "reshape") {
      const [of = -1] = this.references(line);
      return { kind: "reshape", of };
    }
    if (called && next.text === "custom") return this.custom(line);
    if (next.text === "scatter" && line.peek(1)?.text === "[") return this.scatter(line);
    return this.body(line, value);
  }
  /** `word(%a, %b)` */
  private references(line: TextLine): ValueId[] {
    line.take("name", "a word");
    line.expect("(");
    return this.sizes(line).list(")", () => this.reference(line));
  }
  private derivative(line: TextLine, mode: Derivative["mode"]): Derivative {
    const { next } = line;
    const [of, wrt, direction = null] = this.references(line);
    if (of === undefined || wrt === undefined) line.fail(`\`${mode}\` wants two values`, next);
    const batch = line.accept("batch") ? this.natural(line) : 0;
    const aligned: Alignment[] = [];
    while (line.accept("aligned")) {
      const from = this.natural(line);
      line.expect(":");
      aligned.push({ batch: from, axis: this.natural(line), offset: this.shift(line) });
    }
    const given: ValueId[] = [];
    while (line.accept("given")) given.push(this.reference(line));
    return { kind: "derivative", mode, of, wrt, direction, batch, aligned, given };
  }
  private custom(line: TextLine): Definition {
    const [of = -1] = this.references(line);
    const [cotangent = -1] = this.references(line);
    const args: ValueId[] = [];
    const adjoints: (ValueId | null)[] = [];
    if (line.next.kind === "value")
      do {
        args.push(this.reference(line));
        line.expect("<-");
        adjoints.push(line.accept("0") ? null : this.reference(line));
      } while (line.accept(","));
    return { kind: "custom", of, args, cotangent, adjoints };
  }

  private scatter(line: TextLine): Definition {
    const indices = new Map<string, Index>();
    line.take("name", "scatter");
    line.expect("[");
    const domain = this.ranges(line, indices);
    const inner = this.withShared(line, indices);
    const guard = line.accept("|") ? inner.expr() : null;
    line.expect("]");
    line.expect("[");
    const target = inner.list("]", () => inner.poly());
    line.expect("+=");
    const body = inner.expr();
    this.skipShared(line);
    return { kind: "scatter", domain, guard, target, body };
  }
  private body(line: TextLine, value: Value): Definition {
    const indices = new Map<string, Index>();
    let axes: Index[] = [];
    if (line.accept("[")) {
      axes = this.ranges(line, indices);
      line.expect("]");
    }
    if (axes.length !== value.shape.length)
      line.fail(`%${value.name} has ${value.shape.length} sizes, and its equation ${axes.length} axes`);
    const word = line.peek(1)?.text === "[" ? line.next.text : "";
    const reducer = oneOf(REDUCERS, word);
    const along = oneOf(ALONG, word);
    let operator: Operator | null = null;
    let inner: ExprParser;
    if (reducer || along) {
      line.take("name", "an operator");
      line.expect("[");
      if (reducer) {
        const reduced = this.ranges(line, indices);
        inner = this.withShared(line, indices);
        const guard = line.accept("|") ? inner.expr() : null;
        operator = { kind: "reduce", reducer, indices: reduced, guard };
      } else {
        const place = line.next;
        const index = indices.get(line.take("name", "an index"));
        if (!index || !along) line.fail("the operator works along one of the axes", place);
        inner = this.withShared(line, indices);
        const guard = line.accept("|") ? inner.expr() : null;
        operator = { kind: "along", name: along, index, guard };
      }
      line.expect("]");
    } else inner = this.withShared(line, indices);
    const body = inner.expr();
    this.skipShared(line);
    return { kind: "equation", axes, operator, body };
  }
  /** `i: hi, j: lo..hi`; a range may mention the indices before it. */
  private ranges(line: TextLine, indices: Map<string, Index>): Index[] {
    const found: Index[] = [];
    if (line.is("|") || line.is("]")) return found;
    do {
      const place = line.next;
      const name = line.take("name", "an index");
      if (indices.has(name)) line.fail(`two indices are called \`${name}\``, place);
      line.expect(":");
      const parser = new ExprParser(line, this.scope(indices));
      const first = parser.poly();
      const index = line.accept("..")
        ? freshIndex(name, parser.poly(), first)
        : freshIndex(name, first, Poly.constant(0));
      indices.set(name, index);
      found.push(index);
    } while (line.accept(","));
    return found;
  }

  /** Reads the `where` clause at the line's end, so that the names in it are known before. */
  private withShared(line: TextLine, indices: ReadonlyMap<string, Index>): ExprParser {
    const shared = new Map<string, Expr>();
    const inner = new ExprParser(line, this.scope(indices, shared));
    const where = line.find("where");
    if (where === undefined) return inner;
    const here = line.position;
    line.seek(where + 1);
    do {
      const name = line.take("shared", "a shared name");
      line.expect("=");
      shared.set(name, inner.expr());
    } while (line.accept(";"));
    line.end();
    line.seek(here);
    return inner;
  }
  /** The clause has been read. */
  private skipShared(line: TextLine): void {
    if (line.is("where")) line.toEnd();
  }
}
