export {
  compile,
  STAGES,
  VERSION,
  type CompileOptions,
  type CompileResult,
  type Stage,
  type Target,
} from "./compile.js";
export type { Diagnostic } from "./diagnostics/diagnostic.js";
export { InternalError } from "./diagnostics/invariant.js";
export { renderGithub, renderJson, renderPretty } from "./diagnostics/render.js";
export { CATALOGUE } from "./diagnostics/catalogue.js";
