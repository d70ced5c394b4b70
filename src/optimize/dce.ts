import type { Program } from "../ir/program.js";
import { keepReachable, resultsOf } from "../ir/reach.js";

/** Only what callers may ask for, and what that needs. */
export const dce = (program: Program): Program => keepReachable(program, [...resultsOf(program)]);
