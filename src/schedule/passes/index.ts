import type { Index, ValueId } from "../../ir/expr.js";
import type { Fresh } from "../../ir/fresh.js";
import { groupedIds } from "../../ir/items.js";
import type { Equation, Program, Value } from "../../ir/program.js";
import { keepReachable } from "../../ir/reach.js";
import { cse } from "../../optimize/cse.js";
import { extractScalars } from "./extract-scalars.js";
import { factorSums } from "./factor-sums.js";
import { gatherScatters } from "./gather-scatters.js";
import { inlineProducers } from "./inline.js";
import { loopsInnermost } from "./layout.js";
import { lowerOperators } from "./operators.js";
import { writeOutReductions } from "./write-out.js";
import { retimed } from "./retime.js";
import { shareCostly } from "./share-costly.js";
import { splitFolds } from "./split-folds.js";
import { stagesAgain } from "./stages.js";
import type { TargetDescription } from "../targets.js";

/** What a pass may ask beside the program. */
export interface ModuleSetting {
  readonly target: TargetDescription;
  /** Names of optimisations that are left out. */
  readonly off: ReadonlySet<string>;
  readonly isContraction: (equation: Equation) => boolean;
  /** The batch and row indices of a contraction over packed operands; null for what is none. */
  readonly packedRowsOf: (equation: Equation) => readonly Index[] | null;
}
/** And one over the part of the program that an entry point needs. */
export interface EntrySetting extends ModuleSetting {
  /** What the entry point makes. */
  readonly roots: readonly ValueId[];
  readonly fresh: Fresh;
  /** What a pass has made for other entry points, so that all have the same. */
  readonly remembered: (pass: string) => Map<string, Value>;
}

export interface SchedulePass<Setting extends ModuleSetting> {
  readonly name: string;
  /** It is no optimisation: what comes later rests on it. */
  readonly isRequired?: true;
  /** Absent: for all targets. */
  readonly isFor?: (target: TargetDescription) => boolean;
  readonly run: (program: Program, setting: Setting) => Program;
}

/** The passes over a whole module, in the order in which they run. */
export const MODULE_PASSES: readonly SchedulePass<ModuleSetting>[] = [
  { name: "stages-again", run: (program, { target }) => stagesAgain(program, target) },
  { name: "retime", run: retimed },
  { name: "lower-operators", isRequired: true, run: lowerOperators },
  // A softmax and a logsumexp of one thing have their largest entry and their sum in common.
  { name: "cse", run: cse },
  {
    name: "share-costly",
    isFor: ({ sequentialGrid }) => sequentialGrid,
    run: (program, { packedRowsOf }) => shareCostly(program, (e) => packedRowsOf(e) !== null),
  },
  { name: "write-out", run: (program, { isContraction }) => writeOutReductions(program, isContraction) },
  {
    name: "gather-scatters",
    isRequired: true,
    // A step of a recurrence computes its entries, and cannot clear and fill an array of all steps.
    run: (program, { target }) => gatherScatters(program, target.sequentialGrid ? groupedIds(program) : null),
  },
  { name: "extract-scalars", run: extractScalars },
  { name: "layout", run: (program, { isContraction }) => loopsInnermost(program, isContraction) },
];

/** The passes over what an entry point needs. */
export const ENTRY_PASSES: readonly SchedulePass<EntrySetting>[] = [
  { name: "inline", run: (program, { roots }) => inlineProducers(program, roots) },
  {
    name: "factor-sums",
    run: (program, { fresh, remembered, off, roots }) => {
      const factored = factorSums(program, fresh, remembered("factor-sums"));
      return off.has("cse") ? factored : keepReachable(cse(factored), roots);
    },
  },
  {
    name: "product-rows",
    run: (program, { packedRowsOf, fresh, remembered }) =>
      splitFolds(program, packedRowsOf, fresh, remembered("product-rows")),
  },
];

/** Those that may be left out; `cse` is a pass of `src/optimize`. */
export const PASS_SWITCHES: readonly string[] = [...MODULE_PASSES, ...ENTRY_PASSES].flatMap((pass) =>
  pass.isRequired || pass.name === "cse" ? [] : [pass.name],
);

/** Runs every pass for the target that is not left out; `after` sees the program after each. */
export function runPasses<Setting extends ModuleSetting>(
  passes: readonly SchedulePass<Setting>[],
  program: Program,
  setting: Setting,
  after: (pass: string, program: Program) => void = () => undefined,
): Program {
  let current = program;
  for (const { name, isRequired, isFor, run } of passes) {
    if ((setting.off.has(name) && !isRequired) || isFor?.(setting.target) === false) continue;
    current = run(current, setting);
    after(name, current);
  }
  return current;
}
