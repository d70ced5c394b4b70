import { DATA } from "./data.js";
import { DERIVATIVES } from "./derivatives.js";
import { GENERATION } from "./generation.js";
import { NAMES } from "./names.js";
import { SIZES } from "./sizes.js";
import { SYNTAX } from "./syntax.js";

/**
 * Every diagnostic, by its code: wording and page. Families: 1 syntax, 2 names and indices, 3 sizes and types,
 * 4 derivatives, 5 code generation and limits, 6 data. A code once published keeps its meaning.
 */
export const CATALOGUE = { ...SYNTAX, ...NAMES, ...SIZES, ...DERIVATIVES, ...GENERATION, ...DATA };

export type Code = keyof typeof CATALOGUE;
