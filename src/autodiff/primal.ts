import { invariant } from "../diagnostics/invariant.js";
import type { ValueId } from "../ir/expr.js";
import type { Program } from "../ir/program.js";
import { keepReachable } from "../ir/reach.js";
import { expandDerivatives } from "./expand.js";

/** A program without the gradients that callers may ask for, and which these are. */
export interface Primal {
  /** What the outputs need; derivatives that the source itself takes are equations. */
  readonly program: Program;
  /** The checked program, with the items of written adjoints. */
  readonly whole: Program;
  readonly gradients: readonly { readonly loss: string; readonly wrt: string; readonly leaf: ValueId }[];
}

/** For an engine that differentiates by itself, as it runs. */
export function primalOf(checked: Program): Primal {
  const gradients = checked.gradients.map(({ loss, wrt, value }) => {
    const definition = checked.values.get(value)?.definition;
    invariant(definition?.kind === "derivative", "a gradient of the checked program is a derivative");
    return { loss, wrt, leaf: definition.wrt };
  });
  const roots = checked.outputs.map((o) => o.value);
  const adjoints = [...checked.values.values()].flatMap(({ definition }) =>
    definition.kind === "custom" ? definition.adjoints.filter((id) => id !== null) : [],
  );
  const forward = { ...checked, gradients: [], trains: [], stateUpdates: [] };
  const whole = expandDerivatives(keepReachable(forward, [...roots, ...adjoints]));
  return { program: keepReachable(whole, roots), whole, gradients };
}
