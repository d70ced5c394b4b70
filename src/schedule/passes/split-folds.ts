import { equationOf } from "../../ir/equation.js";
import type { Index, ReadExpr, ValueId } from "../../ir/expr.js";
import { read } from "../../ir/expr.js";
import type { Fresh } from "../../ir/fresh.js";
import { overOwnIndices } from "../../ir/fresh.js";
import { groupedIds } from "../../ir/items.js";
import { Poly } from "../../ir/poly.js";
import type { Equation, Item, Program, Value } from "../../ir/program.js";
import { readsOfEquation } from "../../ir/reach.js";
import { isPositional } from "../../ir/reducers.js";

/**
 * Folds of a product's results to one number (a loss, a norm) become folds of each row and a fold of these: a row is
 * folded by the kernel that makes it, while it is in the cache. `remembered` holds the values made before, so that
 * every entry point has the same.
 * @param packedRowsOf the batch and row indices of a product over packed operands
 */
export function splitFolds(
  program: Program,
  packedRowsOf: (equation: Equation) => readonly Index[] | null,
  fresh: Fresh,
  remembered: Map<string, Value>,
): Program {
  const grouped = groupedIds(program);
  const values = new Map(program.values);
  const plain = (id: ValueId): Equation | null => (grouped.has(id) ? null : equationOf(program, id));
  const known = new Map<ValueId, readonly number[] | null>();
  /** Of a product, and of what follows from it entry by entry: which axes are its rows and batch. */
  const rowAxes = (id: ValueId): readonly number[] | null => {
    const found = known.get(id);
    if (found !== undefined) return found;
    const equation = plain(id);
    const rows = equation && packedRowsOf(equation);
    const axes = rows
      ? rows.map((i) => equation.axes.indexOf(i))
      : equation && !equation.operator
        ? (readsOfEquation(equation)
            .filter((node) => isOwnEntry(node, equation))
            .map((node) => rowAxes(node.value))
            .find((of) => of !== null) ?? null)
        : null;
    known.set(id, axes);
    return axes;
  };
  const items = program.items.flatMap((item): Item[] => {
    const value = typeof item === "number" ? values.get(item) : undefined;
    const equation = value && plain(value.id);
    if (!value || !equation || equation.axes.length > 0 || !mayBeSplit(equation)) return [item];
    const rows = readsOfEquation(equation)
      .map((node) => rowsOf(node, equation, rowAxes(node.value)))
      .find((of) => of !== null);
    if (!rows) return [item];
    const [of, whole] = split(equation, rows);
    const key = `${value.id} ${equation.body.id}`;
    const part = remembered.get(key) ?? {
      ...value,
      id: fresh.id(),
      name: fresh.name(`${value.name}_rows`),
      dtype: equation.body.dtype,
      shape: rows.map((i) => i.hi),
      definition: overOwnIndices(of),
    };
    remembered.set(key, part);
    values.set(part.id, part);
    values.set(value.id, { ...value, definition: overOwnIndices(whole(part)) });
    return [part.id, value.id];
  });
  return { ...program, values, items };
}

const isOwnEntry = (node: ReadExpr, { axes }: Equation): boolean =>
  node.subscripts.length === axes.length && node.subscripts.every((s, k) => s.asIndex === axes[k]);

/** A fold whose parts can be folded again. */
function mayBeSplit({ operator }: Equation): boolean {
  return operator?.kind === "reduce" && operator.guard === null && !isPositional(operator.reducer);
}

/** The indices of a fold that run over the rows of what it reads entry by entry, where others run over the columns. */
function rowsOf(
  node: ReadExpr,
  { operator }: Equation,
  axes: readonly number[] | null,
): readonly Index[] | null {
  if (!axes || operator?.kind !== "reduce") return null;
  const read = node.subscripts.map((s) => s.asIndex);
  const isEntry = read.every((i) => i && i.lo.isZero && operator.indices.includes(i));
  if (!isEntry || new Set(read).size < read.length) return null;
  const rows = axes.flatMap((k) => read[k] ?? []);
  return rows.length < operator.indices.length && rows.length > 0 ? rows : null;
}

function split(equation: Equation, rows: readonly Index[]): readonly [Equation, (part: Value) => Equation] {
  const { operator, body } = equation;
  if (operator?.kind !== "reduce") return [equation, () => equation];
  const rest = operator.indices.filter((i) => !rows.includes(i));
  return [
    { ...equation, axes: rows, operator: { ...operator, indices: rest } },
    (part) => ({
      ...equation,
      operator: { ...operator, indices: rows },
      body: read(
        part.id,
        rows.map((i) => Poly.index(i)),
        body.dtype,
      ),
    }),
  ];
}
