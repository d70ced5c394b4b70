import type { Program } from "../ir/program.js";
import { cse } from "./cse.js";
import { dce } from "./dce.js";
import { inlineCustom } from "./inline-custom.js";
import { inlineTrivial } from "./inline-trivial.js";
import { narrow } from "./narrow.js";
import { readTerms } from "./read-terms.js";
import { simplify } from "./simplify.js";
import { symmetric } from "./symmetric.js";

export interface Pass {
  readonly name: string;
  /** It is no optimisation: scheduling rests on it. */
  readonly isRequired?: true;
  readonly run: (program: Program) => Program;
}

/** The passes, in the order in which they run; each is a function from program to program. */
const PASSES: readonly Pass[] = [
  { name: "inline-custom", isRequired: true, run: inlineCustom },
  { name: "simplify", run: simplify },
  { name: "inline-trivial", run: inlineTrivial },
  { name: "symmetric", run: symmetric },
  { name: "read-terms", run: readTerms },
  { name: "narrow", run: narrow },
  { name: "simplify", run: simplify },
  { name: "cse", run: cse },
  { name: "dce", run: dce },
];

/** Those that may be left out, which costs speed alone. */
export const OPTIMIZE_SWITCHES: readonly string[] = [
  ...new Set(PASSES.filter((pass) => !pass.isRequired).map((pass) => pass.name)),
];

/** Runs every pass but those switched off; `after` sees the program after each one (the verifier). */
export function optimize(
  program: Program,
  options: { off?: readonly string[]; after?: (pass: string, program: Program) => void } = {},
): Program {
  let current = program;
  for (const pass of PASSES) {
    if (options.off?.includes(pass.name) && !pass.isRequired) continue;
    current = pass.run(current);
    options.after?.(pass.name, current);
  }
  return current;
}
