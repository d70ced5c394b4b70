import { expandDerivatives } from "./autodiff/expand.js";
import { check, type CheckOptions } from "./check/index.js";
import { emitModule, emitTypings, printJsKernels } from "./codegen/module/emit.js";
import { buildModuleSpec } from "./codegen/module/spec.js";
import { printWgslKernel } from "./codegen/wgsl/kernel.js";
import { diagnose, type Diagnostic } from "./diagnostics/diagnostic.js";
import { InternalError } from "./diagnostics/invariant.js";
import { printProgram } from "./ir/print.js";
import type { Program } from "./ir/program.js";
import { verify } from "./ir/verify.js";
import { optimize } from "./optimize/index.js";
import { withPrecision } from "./optimize/precision.js";
import { parse } from "./parser/parse.js";
import { tokenize } from "./parser/tokens.js";
import type { ModuleSpec } from "./runtime/types.js";
import type { ScheduledModule } from "./schedule/kernel-ir.js";
import { printModule, printPlan } from "./schedule/print.js";
import { schedule } from "./schedule/schedule.js";
import { JS_TARGET, WGSL_TARGET } from "./schedule/targets.js";

export type Target = "js" | "wgsl";
export const STAGES = [
  "tokens",
  "ast",
  "ir",
  "adjoint",
  "optimized",
  "kernels",
  "plan",
  "js",
  "wgsl",
  "dts",
] as const;
export type Stage = (typeof STAGES)[number];

export interface CompileOptions {
  readonly filename?: string;
  /** Default: js. */
  readonly targets?: readonly Target[];
  readonly dims?: Readonly<Record<string, number>>;
  readonly precision?: "f32" | "f64";
  /** What gradients may be asked for: "params" (default), "all" (and the float inputs), or names. */
  readonly wrt?: "params" | "all" | readonly string[];
  /** The source of an import, or null. */
  readonly resolve?: CheckOptions["resolve"];
  /** What the module imports the runtime from; default `gradc/runtime`. */
  readonly runtimeImport?: string;
}

export interface CompileResult {
  readonly ok: boolean;
  /** The generated module; empty unless ok. */
  readonly code: string;
  readonly dts: string;
  readonly diagnostics: readonly Diagnostic[];
  /** The module's data (also in `code`); null unless ok. */
  readonly spec: ModuleSpec | null;
  /** The derived, optimised program (for the interpreter); null unless ok. */
  readonly program: Program | null;
  /** One stage as text. @throws RangeError for a name that is no stage */
  stage(name: string): string;
}

export const VERSION = "0.1.0";

/**
 * The pipeline: source → tree → Index IR → with derivatives → optimised → Kernel IR for each target → module.
 * Never throws on a user's mistake: `ok` is false and `diagnostics` says why.
 * @throws InternalError where the fault is ours
 */
export function compile(source: string, options: CompileOptions = {}): CompileResult {
  const filename = options.filename ?? "model.grad";
  const parsed = parse(source, filename);
  const checked = check(parsed.file, {
    dims: options.dims ?? {},
    wrt: options.wrt ?? "params",
    ...(options.resolve ? { resolve: options.resolve } : {}),
  });
  const diagnostics = [...parsed.diagnostics, ...checked.diagnostics];
  const targets = options.targets ?? ["js"];
  if (options.precision === "f64" && targets.includes("wgsl")) {
    const { span } = parsed.file;
    diagnostics.push(diagnose("GRAD5002", { ...span, end: span.start }, { engine: "WGSL", dtype: "f64" }));
  }
  const failed = diagnostics.some((d) => d.severity === "error");
  const { program } = checked;
  const early = (name: string): string | undefined => {
    if (name === "tokens")
      return tokenize(source, filename)
        .tokens.map((t) => `${t.span.start.line}:${t.span.start.column}\t${t.kind}\t${t.text}\n`)
        .join("");
    if (name === "ast")
      return `${JSON.stringify(parsed.file, (key, value: unknown) => (key === "span" || key.endsWith("Span") ? undefined : value), 2)}\n`;
    return undefined;
  };
  const unknownStage = (name: string): never => {
    throw new RangeError(`there is no stage \`${name}\`; stages are ${STAGES.join(", ")}`);
  };
  if (failed || !program) {
    if (!failed) throw new InternalError("the checker gave no program and no error");
    return {
      ok: false,
      code: "",
      dts: "",
      diagnostics,
      spec: null,
      program: null,
      stage: (name) => early(name) ?? unknownStage(name),
    };
  }

  verify(program, "checking");
  const derived = expandDerivatives(program);
  verify(derived, "differentiation");
  const optimized = withPrecision(
    optimize(derived, { after: (pass, p) => verify(p, pass) }),
    options.precision ?? "f32",
  );
  const modules: { js?: ScheduledModule; wgsl?: ScheduledModule } = {};
  if (targets.includes("js")) modules.js = schedule(optimized, JS_TARGET);
  if (targets.includes("wgsl")) modules.wgsl = schedule(optimized, WGSL_TARGET);
  const wrt = [...new Set(program.gradients.map((g) => g.wrt))];
  const name = (filename.split("/").pop() ?? filename).replace(/\.grad$/, "");
  const spec = buildModuleSpec(optimized, modules, {
    name,
    version: VERSION,
    precision: options.precision ?? "f32",
    wrt,
  });
  const { code } = emitModule(
    spec,
    modules,
    options.runtimeImport === undefined ? {} : { runtimeImport: options.runtimeImport },
  );
  const dts = emitTypings(spec);
  const scheduled = (): ScheduledModule => modules.js ?? modules.wgsl ?? schedule(optimized, JS_TARGET);
  const stage = (which: string): string => {
    const found = early(which);
    if (found !== undefined) return found;
    switch (which) {
      case "ir":
        return printProgram(program);
      case "adjoint":
        return printProgram(derived);
      case "optimized":
        return printProgram(optimized);
      case "kernels":
        return printModule(scheduled());
      case "plan":
        return printPlan(scheduled());
      case "js":
        return printJsKernels(modules.js ?? schedule(optimized, JS_TARGET));
      case "wgsl":
        return [...(modules.wgsl ?? schedule(optimized, WGSL_TARGET)).kernels.values()]
          .map((k) => `// ${k.name}\n${printWgslKernel(k)}`)
          .join("\n");
      case "dts":
        return dts;
      default:
        return unknownStage(which);
    }
  };
  return { ok: true, code, dts, diagnostics, spec, program: optimized, stage };
}
