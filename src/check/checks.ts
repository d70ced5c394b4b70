import type { Span } from "../diagnostics/span.js";
import type { ValueId } from "../ir/expr.js";
import type { CheckStatement } from "../parser/ast.js";
import type { Context } from "./context.js";
import { nestedNumbers, type Numbers } from "./initialisers.js";
import { showSize } from "./term.js";
import { declaredHere } from "./report.js";
import { unknownLoss } from "./unknown.js";

/** A `check` declaration: numbers by the name that they are given to, or expected of. */
export interface CheckedValues {
  readonly loss: string;
  readonly span: Span;
  readonly dims: ReadonlyMap<string, number>;
  readonly inputs: ReadonlyMap<string, Numbers>;
  /** Of params and states. */
  readonly leaves: ReadonlyMap<string, Numbers>;
  /** Of outputs and losses. */
  readonly expected: ReadonlyMap<string, Numbers>;
}

/**
 * Names of dims, inputs, params and states are given, those of outputs and losses expected; shapes and types are theirs.
 * What has an error, which is told, may be missing.
 */
export function readCheck(
  statement: CheckStatement,
  results: { readonly losses: ReadonlyMap<string, ValueId>; readonly outputs: ReadonlyMap<string, ValueId> },
  /** Losses, also those with an error. */
  declared: readonly string[],
  context: Context,
): CheckedValues {
  const { report, values, dims } = context.session;
  const read = {
    loss: statement.loss.text,
    span: statement.span,
    dims: new Map<string, number>(),
    inputs: new Map<string, Numbers>(),
    leaves: new Map<string, Numbers>(),
    expected: new Map<string, Numbers>(),
  };
  const leaves = new Map(
    [...values.byId.values()].flatMap((v) =>
      v.definition.kind === "leaf" ? [[v.name, { ...v, role: v.definition.role }] as const] : [],
    ),
  );
  const { losses, outputs } = results;
  if (!losses.has(statement.loss.text)) {
    if (!declared.includes(statement.loss.text)) unknownLoss(statement.loss, declared, context);
    return read;
  }
  const seen = new Set<string>();
  let misnamed = false;
  for (const { name, value } of statement.values) {
    const { text, span } = name;
    if (seen.has(text)) report.add("GRAD2002", span, { name: text });
    seen.add(text);
    const numbers = nestedNumbers(value, context);
    if (!numbers) continue;
    if (dims.some((d) => d.name === text)) {
      const [size = NaN] = numbers.data;
      if (numbers.shape.length || !Number.isInteger(size) || size < 0)
        report.add("GRAD3008", value.span, { text: numbers.shape.length ? "a list" : `\`${size}\`` });
      read.dims.set(text, size);
      continue;
    }
    const leaf = leaves.get(text);
    const expected = outputs.get(text) ?? losses.get(text);
    const target = leaf ?? (expected === undefined ? undefined : values.get(expected));
    if (!target) {
      misnamed = true;
      // A name with an error of its own is known to be wrong.
      if (context.scope.lookup(text)?.kind !== "poison")
        report.unknownName("dim, input, param, output or loss", text, span, [
          ...dims.map((d) => d.name),
          ...leaves.keys(),
          ...outputs.keys(),
        ]);
      continue;
    }
    const to = !leaf ? read.expected : leaf.role === "input" ? read.inputs : read.leaves;
    to.set(text, numbers);
    const wanted = target.shape;
    const fits =
      wanted.length === numbers.shape.length &&
      wanted.every((size, k) => size.constant === undefined || size.constant === numbers.shape[k]);
    if (!fits) {
      report.add(
        "GRAD3004",
        value.span,
        {
          left: `\`${text}\` is ${target.dtype}${wanted.length ? `[${wanted.map(showSize).join(", ")}]` : ""}`,
          right: numbers.shape.length ? `[${numbers.shape.join(", ")}] is given` : "a number is given",
        },
        target.span ? { related: [declaredHere(text, target.span)] } : {},
      );
    } else if (
      (target.dtype === "i32" || target.dtype === "u32") &&
      numbers.data.some((x) => !Number.isInteger(x))
    )
      report.add("GRAD3006", value.span, { wanted: "whole numbers", found: "fractions" });
  }
  // One that is misspelt was told.
  if (misnamed) return read;
  for (const { name, definition } of values.byId.values()) {
    // Those of train steps are none of the file's.
    const isOpen =
      definition.kind === "leaf" && definition.role === "input" && !definition.init && !name.includes("/");
    if (isOpen && !statement.values.some((v) => v.name.text === name))
      report.add("GRAD2015", statement.loss.span, {
        what: "input",
        name,
        callee: `check ${statement.loss.text}`,
      });
  }
  return read;
}
