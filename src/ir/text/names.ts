import { DTYPES, isDType } from "../dtypes.js";
import type { Expr, Index, ValueId } from "../expr.js";
import { ExprParser, type TextScope } from "./parse-expr.js";
import type { Value } from "../program.js";
import type { TextLine } from "./tokens.js";

/** The dims and values that a program in IR text has declared so far. */
export class TextNames {
  readonly dims = new Set<string>();
  readonly values = new Map<ValueId, Value>();
  private readonly byName = new Map<string, ValueId>();

  /** `%name: dtype[sizes]`. What it is defined as is not known yet. */
  declare(line: TextLine): Value {
    const { next } = line;
    const name = line.take("value", "a value").slice(1);
    if (this.byName.has(name)) line.fail(`%${name} is defined twice`, next);
    line.expect(":");
    const type = line.next;
    const dtype = line.take("name", "a type");
    if (!isDType(dtype)) line.fail(`\`${dtype}\` is no type; types are ${DTYPES.join(", ")}`, type);
    const sizes = this.sizes(line);
    const shape = line.accept("[") ? line.list("]", () => sizes.poly()) : [];
    const id = this.values.size + 1;
    const value: Value = { id, name, dtype, shape, definition: { kind: "leaf", role: "const" } };
    this.values.set(id, value);
    this.byName.set(name, id);
    return value;
  }
  /** `%name` of a value that is declared. */
  reference(line: TextLine): ValueId {
    const { next } = line;
    const name = line.take("value", "a value");
    return this.byName.get(name.slice(1)) ?? line.fail(`there is no value \`${name}\``, next);
  }

  /** Expressions of dims alone. */
  sizes(line: TextLine): ExprParser {
    return this.expressions(line, new Map());
  }
  expressions(
    line: TextLine,
    indices: ReadonlyMap<string, Index>,
    shared: ReadonlyMap<string, Expr> = new Map(),
  ): ExprParser {
    const scope: TextScope = {
      indices,
      dims: this.dims,
      shared,
      value: (name) => {
        const value = this.values.get(this.byName.get(name) ?? -1);
        return value && { id: value.id, dtype: value.dtype, rank: value.shape.length };
      },
    };
    return new ExprParser(line, scope);
  }
}
