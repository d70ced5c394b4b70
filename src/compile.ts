import { analyse, type Analysis, type AnalyseOptions } from "./analyse.js";
import { checkpoint } from "./autodiff/checkpoint/checkpoint.js";
import { expandDerivatives } from "./autodiff/expand.js";
import { primalOf, type Primal } from "./autodiff/primal.js";
import { emitModule, emitTypings, printJsKernels } from "./codegen/module/emit.js";
import { buildModuleSpec } from "./codegen/module/spec.js";
import { emitWasm, WASM_SWITCHES } from "./codegen/wasm/module.js";
import { printWgslKernel } from "./codegen/wgsl/kernel.js";
import { diagnose, type Diagnostic } from "./diagnostics/diagnostic.js";
import { invariant } from "./diagnostics/invariant.js";
import { before } from "./diagnostics/span.js";
import { ExpressionTable } from "./ir/expr.js";
import { graphDot } from "./ir/graph/dot.js";
import { graphSvg } from "./ir/graph/svg.js";
import { printProgram } from "./ir/text/print.js";
import type { Program } from "./ir/program.js";
import { verify } from "./ir/verify.js";
import { dce } from "./optimize/dce.js";
import { optimize, OPTIMIZE_SWITCHES } from "./optimize/index.js";
import { withPrecision } from "./optimize/precision.js";
import { simplify } from "./optimize/simplify.js";
import type { SourceFile } from "./parser/ast.js";
import { printFile } from "./parser/print.js";
import { tokenize } from "./parser/tokens.js";
import { raiseProgram } from "./raise/program.js";
import { metaOf, type Meta } from "./runtime/meta.js";
import type { ModuleSpec } from "./runtime/types.js";
import type { ScheduledModule } from "./schedule/kernel/ir.js";
import { gatherScatters } from "./schedule/passes/gather-scatters.js";
import { verifyScheduled } from "./schedule/kernel/verify.js";
import { schedule, SCHEDULE_SWITCHES } from "./schedule/schedule.js";
import { forThreads } from "./schedule/kernel/threads.js";
import { STAGES, type Stage } from "./stages.js";
import { STD_SOURCES } from "./std/sources.js";
import { JS_TARGET, WASM_TARGET, WGSL_TARGET, type TargetDescription } from "./schedule/targets.js";
import { printModule, printPlan } from "./schedule/kernel/print.js";
import { VERSION } from "./version.js";

export type Target = "js" | "wasm" | "wgsl";
const TARGETS: Readonly<Record<Target, TargetDescription>> = {
  js: JS_TARGET,
  wasm: WASM_TARGET,
  wgsl: WGSL_TARGET,
};

/** What `CompileOptions.off` may name. */
export const OPTIMIZATIONS: readonly string[] = [
  ...OPTIMIZE_SWITCHES,
  "checkpoint",
  ...SCHEDULE_SWITCHES,
  ...WASM_SWITCHES,
];

export interface CompileOptions extends AnalyseOptions {
  /** Default: js. */
  readonly targets?: readonly Target[];
  readonly precision?: "f32" | "f64";
  /** What the module imports the runtime from; default `gradc/runtime`. */
  readonly runtimeImport?: string;
  /**
   * For bundlers, whose output nobody reads: WebAssembly a character a byte, which compresses to half of base64, with few
   * locals, and shaders under short names.
   */
  readonly compact?: boolean;
  /** WebAssembly: large kernels run on several threads, where the page or process has them. Default false. */
  readonly threads?: boolean;
  /** Optimisations to leave out, of `OPTIMIZATIONS`: for measuring what each is worth. @throws RangeError for another */
  readonly off?: readonly string[];
  /** Ends the module with a reference to `NAME.js.map`, for those who write `map` beside it. */
  readonly linkMap?: boolean;
}

export interface CompileResult {
  readonly ok: boolean;
  /** The generated module; empty unless ok. */
  readonly code: string;
  readonly dts: string;
  /** A source map of `code` (version 3, JSON) with the sources in it; empty unless ok. */
  readonly map: string;
  readonly diagnostics: readonly Diagnostic[];
  /** What the module says of itself; null unless ok. */
  readonly meta: Meta | null;
  /** The module's data (also in `code`); null unless ok. */
  readonly spec: ModuleSpec | null;
  /** The derived, optimised program (for the interpreter); null unless ok. */
  readonly program: Program | null;
  /** The schedule for a target. @throws RangeError unless ok */
  scheduled(target: Target): ScheduledModule;
  /** The program before its gradients are taken, for engines that take them as they run; null unless ok. */
  primal(): Primal | null;
  /**
   * One stage as text.
   * @throws RangeError for a name that is no stage, or for a stage after checking of a source with errors
   */
  stage(name: string): string;
}

/**
 * The pipeline: source → tree → Index IR → with derivatives → optimised → Kernel IR for each target → module.
 * Never throws on a user's mistake: `ok` is false and `diagnostics` says why.
 * @throws InternalError where the fault is ours
 */
export function compile(source: string, options: CompileOptions = {}): CompileResult {
  const expressions = new ExpressionTable();
  const result = expressions.run(() => compileInScope(source, options));
  return {
    ...result,
    scheduled: (target) => expressions.run(() => result.scheduled(target)),
    primal: () => expressions.run(() => result.primal()),
    stage: (name) => expressions.run(() => result.stage(name)),
  };
}

/** A complaint for the first value of each type that a target does not have. */
function lacking({ program, file }: Analysis, target: Target): Diagnostic[] {
  const { dtypes, title } = TARGETS[target];
  const first = new Map<string, Diagnostic>();
  for (const { dtype, span } of program?.values.values() ?? [])
    if (!dtypes.includes(dtype) && !first.has(dtype))
      first.set(dtype, diagnose("GRAD5002", span ?? before(file.span), { engine: title, dtype }));
  return [...first.values()];
}

/** The options with their defaults. @throws RangeError for a name that there is not */
function checkedOptions(options: CompileOptions) {
  const filename = options.filename ?? "model.grad";
  const targets = options.targets ?? ["js"];
  const precision = options.precision ?? "f32";
  const off = options.off ?? [];
  for (const name of off)
    if (!OPTIMIZATIONS.includes(name))
      throw new RangeError(`there is no optimisation \`${name}\`; there are ${OPTIMIZATIONS.join(", ")}`);
  for (const target of targets)
    if (!(target in TARGETS))
      throw new RangeError(`there is no target \`${target}\`; there are ${Object.keys(TARGETS).join(", ")}`);
  if (precision !== "f32" && precision !== "f64")
    throw new RangeError(`precision is f32 or f64, not ${String(precision)}`);
  return { filename, targets, precision, off };
}

function compileInScope(source: string, options: CompileOptions): CompileResult {
  const checked = checkedOptions(options);
  const { filename, targets, precision } = checked;
  const analysis = analyse(source, options);
  const diagnostics = [...analysis.diagnostics];
  for (const { dtypes, title } of new Set(targets.map((target) => TARGETS[target])))
    if (!dtypes.includes(precision))
      diagnostics.push(diagnose("GRAD5002", before(analysis.file.span), { engine: title, dtype: precision }));
  for (const target of targets) diagnostics.push(...lacking(analysis, target));
  const front = { source, filename, file: analysis.file };
  if (diagnostics.some((d) => d.severity === "error"))
    return { ...FAILED, diagnostics, scheduled: notScheduled, stage: (name) => stageText(name, front, null) };
  const { program } = analysis;
  invariant(program, "the checker gives a program or an error");
  const passes = passesOver(program, { ...options, ...checked });
  const { data, scheduled } = passes;
  const { code, map } = emitModule(
    data,
    {
      ...(targets.includes("js") && { js: scheduled("js") }),
      ...(targets.includes("wasm") && { wasm: passes.wasm() }),
      ...(targets.includes("wgsl") && { wgsl: scheduled("wgsl") }),
    },
    {
      name: passes.name,
      sources: new Map([...Object.entries(STD_SOURCES), ...analysis.sources]),
      linkMap: options.linkMap ?? false,
      ...(options.runtimeImport !== undefined && { runtimeImport: options.runtimeImport }),
      compact: options.compact ?? false,
    },
  );
  return {
    ok: true,
    code,
    dts: emitTypings(data),
    map,
    diagnostics,
    meta: metaOf(data.spec),
    spec: data.spec,
    program: passes.optimized,
    scheduled,
    primal: () => primalOf(program),
    stage: (name) => stageText(name, front, passes),
  };
}

type Passes = ReturnType<typeof passesOver>;
/** What the passes make of a checked program, one after the other; the schedules when they are asked for. */
function passesOver(program: Program, options: CompileOptions & ReturnType<typeof checkedOptions>) {
  const {
    filename,
    targets,
    precision,
    off,
    threads: isShared = false,
    compact: isCompact = false,
  } = options;
  verify(program, "checking");
  const derived = expandDerivatives(program);
  verify(derived, "differentiation");
  const reduced = optimize(derived, { off, after: (pass, p) => verify(p, pass) });
  const cut = off.includes("checkpoint") ? reduced : checkpoint(reduced);
  verify(cut, "checkpoint");
  const optimized = withPrecision(cut === reduced ? cut : dce(simplify(cut)), precision);
  const wrt = [...new Set(program.gradients.map((g) => g.wrt))];
  const data = buildModuleSpec(optimized, { version: VERSION, wrt });

  const verified = (module: ScheduledModule): ScheduledModule => {
    verifyScheduled(module);
    return module;
  };
  const modules: { [T in Target]?: ScheduledModule } = {};
  const scheduled = (target: Target): ScheduledModule =>
    (modules[target] ??= verified(schedule(optimized, TARGETS[target], off)));
  const forWasm = once(() => (isShared ? verified(forThreads(scheduled("wasm"))) : scheduled("wasm")));
  const wasm = once(() => emitWasm(forWasm(), { off, isShared, isCompact }));
  const main = (): ScheduledModule => scheduled(targets[0] ?? "js");
  const name = (filename.split("/").pop() ?? filename).replace(/\.grad$/, "");
  return { name, program, derived, reduced, optimized, data, scheduled, main, wasm };
}
/** A value that is made when it is first asked for. */
function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}

const FAILED = {
  ok: false,
  code: "",
  dts: "",
  map: "",
  meta: null,
  spec: null,
  program: null,
  primal: () => null,
} as const;

function notScheduled(): never {
  throw new RangeError("a source with errors has no schedule");
}

interface Front {
  readonly source: string;
  readonly filename: string;
  readonly file: SourceFile;
}
/** Stages that a source with errors has too. */
const EARLY: { readonly [S in "tokens" | "ast"]: (front: Front) => string } = {
  tokens: ({ source, filename }) =>
    tokenize(source, filename)
      .tokens.map((t) => `${t.span.start.line}:${t.span.start.column}\t${t.kind}\t${t.text}\n`)
      .join(""),
  ast: ({ file }) =>
    `${JSON.stringify(file, (key, value: unknown) => (key === "span" || key.endsWith("Span") ? undefined : value), 2)}\n`,
};
const LATE: { readonly [S in Exclude<Stage, keyof typeof EARLY>]: (passes: Passes) => string } = {
  ir: (p) => printProgram(p.program),
  adjoint: (p) => printProgram(p.derived),
  optimized: (p) => printProgram(p.optimized),
  kernels: (p) => printModule(p.main()),
  plan: (p) => printPlan(p.main()),
  js: (p) => printJsKernels(p.scheduled("js")),
  wgsl: (p) =>
    [...p.scheduled("wgsl").kernels.values()].map((k) => `// ${k.name}\n${printWgslKernel(k)}`).join("\n"),
  wat: (p) => p.wasm().wat,
  dts: (p) => emitTypings(p.data),
  dot: (p) => graphDot(p.reduced),
  svg: (p) => graphSvg(p.reduced),
  // A scatter is a guarded sum, of which the passes find the points that can matter.
  grad: (p) =>
    `// ${p.name}.grad with its gradients, as equations.\n${printFile(raiseProgram(optimize(gatherScatters(p.reduced))))}`,
};

function stageText(name: string, front: Front, passes: Passes | null): string {
  const stage = STAGES.find((s) => s === name);
  if (stage === undefined)
    throw new RangeError(`there is no stage \`${name}\`; stages are ${STAGES.join(", ")}`);
  if (stage === "tokens" || stage === "ast") return EARLY[stage](front);
  if (!passes) throw new RangeError(`stage \`${name}\` comes after checking, and the source has errors`);
  return LATE[stage](passes);
}
