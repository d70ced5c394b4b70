import type { ValueId } from "../ir/expr.js";
import type { Span } from "../diagnostics/span.js";
import type { Context } from "./context.js";
import { asValue, describe, type Term } from "./term.js";

/** The state that `m'` is the next value of, in the file's or the layer's own scope. */
export function stateOf(name: string, { scope, session }: Context): ValueId | undefined {
  if (!name.endsWith("'")) return undefined;
  const binding = scope.own(name.slice(0, -1));
  const id = binding?.kind === "term" ? asValue(binding.term)?.id : undefined;
  const definition = id === undefined ? undefined : session.values.get(id).definition;
  return definition?.kind === "leaf" && definition.role === "state" ? id : undefined;
}

/** `m' = value`: what the state is after a step. */
export function updateState(name: string, span: Span, term: Term, context: Context): void {
  if (!name.endsWith("'")) return;
  const { report, stateUpdates } = context.session;
  const leaf = stateOf(name, context);
  const value = asValue(term);
  if (leaf === undefined || !value) report.add("GRAD2001", span, { kind: "state", name: name.slice(0, -1) });
  else if (value.lead.length > 0)
    report.add(
      "GRAD3006",
      span,
      {
        wanted: `one value for the state \`${name.slice(0, -1)}\``,
        found: `${describe(term)} for each index around`,
      },
      { help: "call the layer once, for all examples" },
    );
  else stateUpdates.push({ leaf, value: value.id });
}
