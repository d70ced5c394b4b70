import type { Expr, Index, ValueId } from "../expr.js";
import { freshIndex } from "../expr.js";
import type { ExprParser } from "./parse-expr.js";
import type { TextNames } from "./names.js";
import { Poly } from "../poly.js";
import type {
  Alignment,
  AxisOperator,
  Definition,
  Derivative,
  Operator,
  Reducer,
  Value,
} from "../program.js";
import { REDUCERS } from "../reducers.js";
import { oneOf, type TextLine } from "./tokens.js";

const REDUCER_NAMES = Object.keys(REDUCERS) as Reducer[];
const ALONG: readonly AxisOperator[] = ["softmax", "log_softmax", "cumsum", "cumprod"];
const MODES: readonly Derivative["mode"][] = ["grad", "jvp", "vjp", "jacobian"];

/** What stands behind `%name: type =`, to the line's end. @throws IrTextError */
export function parseDefinition(line: TextLine, value: Value, names: TextNames): Definition {
  const definition = new DefinitionParser(line, names).definition(value);
  line.end();
  return definition;
}

class DefinitionParser {
  /** The indices in scope, from the outermost on. */
  private readonly indices = new Map<string, Index>();

  constructor(
    private readonly line: TextLine,
    private readonly names: TextNames,
  ) {}

  definition(value: Value): Definition {
    const { line } = this;
    const { next } = line;
    const bracket = line.peek(1)?.text;
    if (bracket === "[" && next.text === "scatter") return this.scatter();
    if (bracket !== "(") return this.equation(value);
    const mode = oneOf(MODES, next.text);
    if (mode) return this.derivative(mode);
    if (next.text === "custom") return this.custom();
    if (next.text !== "reshape") return this.equation(value);
    const [of = -1] = this.references();
    return { kind: "reshape", of };
  }
  /** `word(%a, %b)` */
  private references(): ValueId[] {
    const { line } = this;
    line.take("name", "a word");
    line.expect("(");
    return line.list(")", () => this.names.reference(line));
  }

  private derivative(mode: Derivative["mode"]): Derivative {
    const { line, names } = this;
    const { next } = line;
    const [of, wrt, direction = null] = this.references();
    if (of === undefined || wrt === undefined) return line.fail(`\`${mode}\` wants two values`, next);
    const batch = line.accept("batch") ? line.natural() : 0;
    const aligned: Alignment[] = [];
    while (line.accept("aligned")) {
      const from = line.natural();
      line.expect(":");
      aligned.push({ batch: from, axis: line.natural(), offset: line.shift() });
    }
    const given: ValueId[] = [];
    while (line.accept("given")) given.push(names.reference(line));
    return { kind: "derivative", mode, of, wrt, direction, batch, aligned, given };
  }
  private custom(): Definition {
    const { line, names } = this;
    const [of = -1] = this.references();
    const [cotangent = -1] = this.references();
    const args: ValueId[] = [];
    const adjoints: (ValueId | null)[] = [];
    if (line.next.kind === "value")
      do {
        args.push(names.reference(line));
        line.expect("<-");
        adjoints.push(line.accept("0") ? null : names.reference(line));
      } while (line.accept(","));
    return { kind: "custom", of, args, cotangent, adjoints };
  }

  private scatter(): Definition {
    const { line } = this;
    line.take("name", "scatter");
    line.expect("[");
    const domain = this.ranges();
    const inner = this.withShared();
    const guard = this.guard(inner);
    line.expect("[");
    const target = line.list("]", () => inner.poly());
    line.expect("+=");
    return { kind: "scatter", domain, guard, target, body: this.body(inner) };
  }
  private equation({ name, shape }: Value): Definition {
    const { line } = this;
    let axes: Index[] = [];
    if (line.accept("[")) {
      axes = this.ranges();
      line.expect("]");
    }
    if (axes.length !== shape.length)
      line.fail(`%${name} has ${shape.length} sizes, and its equation ${axes.length} axes`);
    const { operator, inner } = this.operator();
    return { kind: "equation", axes, operator, body: this.body(inner) };
  }
  /** What stands before the body, and how the body is read. */
  private operator(): { readonly operator: Operator | null; readonly inner: ExprParser } {
    const { line } = this;
    const word = line.peek(1)?.text === "[" ? line.next.text : "";
    const reducer = oneOf(REDUCER_NAMES, word);
    const name = oneOf(ALONG, word);
    if (!reducer && !name) return { operator: null, inner: this.withShared() };
    line.take("name", "an operator");
    line.expect("[");
    if (reducer) {
      const indices = this.ranges();
      const inner = this.withShared();
      return { operator: { kind: "reduce", reducer, indices, guard: this.guard(inner) }, inner };
    }
    const place = line.next;
    const index = this.indices.get(line.take("name", "an index"));
    if (!index || !name) return line.fail("the operator works along one of the axes", place);
    const inner = this.withShared();
    return { operator: { kind: "along", name, index, guard: this.guard(inner) }, inner };
  }
  /** `| expr]`, or nothing before the bracket. */
  private guard(inner: ExprParser): Expr | null {
    const guard = this.line.accept("|") ? inner.expr() : null;
    this.line.expect("]");
    return guard;
  }
  /** The body; the clause behind it has been read. */
  private body(inner: ExprParser): Expr {
    const body = inner.expr();
    if (this.line.is("where")) this.line.toEnd();
    return body;
  }

  /** `i: hi, j: lo..hi`; a range may mention the indices before it. */
  private ranges(): Index[] {
    const { line, indices } = this;
    const found: Index[] = [];
    if (line.is("|") || line.is("]")) return found;
    do {
      const place = line.next;
      const name = line.take("name", "an index");
      if (indices.has(name)) line.fail(`two indices are called \`${name}\``, place);
      line.expect(":");
      const parser = this.names.expressions(line, indices);
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
  private withShared(): ExprParser {
    const { line } = this;
    const shared = new Map<string, Expr>();
    const inner = this.names.expressions(line, this.indices, shared);
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
}
