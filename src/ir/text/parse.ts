import type { ValueId } from "../expr.js";
import { parseDefinition } from "./parse-definition.js";
import { TextNames } from "./names.js";
import type {
  BindingCheck,
  DimDeclaration,
  Initialiser,
  Item,
  Leaf,
  Program,
  RecurrenceGroup,
  TimeAxis,
  TrainStep,
} from "../program.js";
import { IrTextError, oneOf, TextLine } from "./tokens.js";

export { IrTextError } from "./tokens.js";

const ROLES: readonly Leaf["role"][] = ["input", "param", "state", "optimizer", "const"];
const CHECKS: readonly BindingCheck["kind"][] = ["non-negative", "integer", "zero"];
const FANS = ["he_normal", "he_uniform", "glorot_normal", "glorot_uniform", "orthogonal", "eye"] as const;

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
  private readonly names = new TextNames();
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
    // One may be worked out from another that comes later.
    for (const line of this.lines) {
      const name = line.is("dim") ? line.peek(1) : undefined;
      if (name?.kind === "name") this.names.dims.add(name.text);
    }
  }

  program(): Program {
    const items = this.items(() => this.at >= this.lines.length);
    for (const { id, line, position } of this.pending) {
      line.seek(position);
      const value = this.names.values.get(id);
      if (!value) continue;
      this.names.values.set(id, { ...value, definition: parseDefinition(line, value, this.names) });
    }
    return { dims: this.dims, values: this.names.values, items, ...this.rest };
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
        this.rest.outputs.push({ name, value: this.names.reference(line) });
        if (word === "loss") this.rest.losses.push(name);
        break;
      }
      case "gradient": {
        const loss = line.takeName("a loss");
        const wrt = line.takeName("a name");
        line.expect("=");
        this.rest.gradients.push({ loss, wrt, value: this.names.reference(line) });
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
    if (this.dims.some((d) => d.name === name)) line.fail(`dim ${name} is declared twice`);
    let declared: DimDeclaration = { name };
    if (line.accept("=")) {
      const floor = line.accept("floor");
      const root = !floor && line.accept("root");
      if (line.next.kind === "number") declared = { name, default: line.natural() };
      else {
        line.expect("(");
        const numerator = this.names.sizes(line).poly();
        for (const sign of [")", "/", "("]) line.expect(sign);
        const divisor = this.names.sizes(line).poly();
        line.expect(")");
        const least = line.accept("least") ? { least: line.natural() } : {};
        declared = { name, definition: { numerator, divisor, floor, ...(root && { root }), ...least } };
      }
    }
    line.end();
    this.dims.push(declared);
  }
  private check(line: TextLine): void {
    const { next } = line;
    let word = line.take("name", "a kind of check");
    if (line.accept("-")) word += `-${line.take("name", "a kind of check")}`;
    const kind = oneOf(CHECKS, word) ?? line.fail(`there is no check \`${word}\``, next);
    const poly = this.names.sizes(line).poly();
    const code = line.take("name", "a code");
    const message = String(JSON.parse(line.take("string", "a message")));
    line.end();
    this.rest.checks.push({ poly, kind, code, message });
  }
  private leaf(line: TextLine, role: Leaf["role"]): void {
    const declared = this.names.declare(line);
    let leaf: Leaf = { kind: "leaf", role };
    if (line.accept("in")) {
      const lo = this.names.sizes(line).poly();
      line.expect("..");
      leaf = { ...leaf, range: { lo, hi: this.names.sizes(line).poly() } };
    }
    if (line.accept("=")) leaf = { ...leaf, init: this.initialiser(line) };
    line.end();
    this.names.values.set(declared.id, { ...declared, definition: leaf });
  }
  private initialiser(line: TextLine): Initialiser {
    const { next } = line;
    const kind = line.take("name", "an initialiser");
    line.expect("(");
    const fan = oneOf(FANS, kind);
    if (fan) {
      const fanIn = line.is(")") ? undefined : this.names.sizes(line).poly();
      line.expect(")");
      return fanIn ? { kind: fan, fanIn } : { kind: fan };
    }
    const numbers = line.list(")", () => line.signed());
    const [a = 0, b = 0] = numbers;
    if (kind === "fill") return { kind, value: a };
    if (kind === "values") return { kind, data: numbers };
    if (kind === "normal" || kind === "uniform") return { kind, a, b };
    return line.fail(`there is no initialiser \`${kind}\``, next);
  }

  private equation(line: TextLine): ValueId {
    const { id } = this.names.declare(line);
    line.expect("=");
    this.pending.push({ id, line, position: line.position });
    return id;
  }
  private update(line: TextLine): { leaf: ValueId; value: ValueId } {
    const leaf = this.names.reference(line);
    line.expect(":=");
    const value = this.names.reference(line);
    line.end();
    return { leaf, value };
  }

  private group(line: TextLine): RecurrenceGroup {
    const name = line.takeName("a name");
    const from = this.names.sizes(line).poly();
    line.expect("..");
    const to = this.names.sizes(line).poly();
    const down = line.accept("down");
    let checkpoint: RecurrenceGroup["checkpoint"] = "auto";
    if (line.accept("checkpoint"))
      checkpoint = line.accept("sqrt") ? "sqrt" : line.accept("none") ? "none" : line.natural();
    line.expect("{");
    line.end();
    const items = this.items(() => this.lines[this.at]?.is("}") ?? true);
    const close = this.lines[this.at++];
    if (!close) throw new IrTextError("the recurrence is not closed", line.number, 1);
    close.expect("}");
    close.expect("along");
    const time = new Map<ValueId, TimeAxis>();
    while (close.next.kind === "value") {
      const id = this.names.reference(close);
      close.expect("@");
      time.set(id, { axis: close.natural(), shift: close.shift() });
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
    const args = line.list(")", () => {
      const name = line.take("name", "an argument");
      line.expect(":");
      const leaf = this.names.reference(line);
      line.expect("=");
      return { name, leaf, value: line.signed() };
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
}
