export { compile, type CompileOptions, type CompileResult, type Target } from "./compile.js";
export { STAGES, type Stage } from "./stages.js";
export { VERSION } from "./version.js";
export type { Diagnostic } from "./diagnostics/diagnostic.js";
export { InternalError } from "./diagnostics/invariant.js";
export { renderGithub, renderJson, renderPretty } from "./diagnostics/render.js";
export { CATALOGUE } from "./diagnostics/catalogue.js";
