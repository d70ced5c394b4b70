// `node compile-times.mjs NAME`, a workload, or `stack` or `chain` with a number of layers or equations.
// Prints the milliseconds of each phase of compiling a workload, as JSON: the first time in this process, and the median
// of the following ones. Follows `src/compile.ts`.
import { quartiles } from "../measure.mjs";
import { workload } from "../workloads.mjs";

const began = performance.now();
const dist = (file) => import(new URL(`../../dist/${file}`, import.meta.url));
const { analyse } = await dist("analyse.js");
const { expandDerivatives } = await dist("autodiff/expand.js");
const { emitModule, emitTypings } = await dist("codegen/module/emit.js");
const { buildModuleSpec } = await dist("codegen/module/spec.js");
const { emitWasm } = await dist("codegen/wasm/module.js");
const { ExpressionTable } = await dist("ir/expr.js");
const { verify } = await dist("ir/verify.js");
const { optimize } = await dist("optimize/index.js");
const { withPrecision } = await dist("optimize/precision.js");
const { verifyScheduled } = await dist("schedule/kernel/verify.js");
const { schedule } = await dist("schedule/schedule.js");
const targets = await dist("schedule/targets.js");
const imported = performance.now() - began;

const TARGETS = { js: targets.JS_TARGET, wasm: targets.WASM_TARGET, wgsl: targets.WGSL_TARGET };
const REPEAT = 5;

function compileOnce({ name, source }) {
  const times = {};
  const timed = (phase, run) => {
    const start = performance.now();
    const result = run();
    times[phase] = (times[phase] ?? 0) + performance.now() - start;
    return result;
  };
  new ExpressionTable().run(() => {
    const analysis = timed("parse, check", () => analyse(source, { filename: `${name}.grad` }));
    const derived = timed("differentiate", () => expandDerivatives(analysis.program));
    timed("verify", () => verify(derived, "differentiation"));
    let last = performance.now();
    const reduced = optimize(derived, {
      after(pass, program) {
        times[pass] = (times[pass] ?? 0) + performance.now() - last;
        timed("verify", () => verify(program, pass));
        last = performance.now();
      },
    });
    const program = timed("precision", () => withPrecision(reduced, "f32"));
    const modules = {};
    for (const [target, description] of Object.entries(TARGETS)) {
      modules[target] = timed(`schedule ${target}`, () => schedule(program, description));
      timed("verify", () => verifyScheduled(modules[target]));
    }
    const wrt = [...new Set(analysis.program.gradients.map((g) => g.wrt))];
    const wasm = timed("emit wasm", () => emitWasm(modules.wasm));
    const data = timed("emit module", () => buildModuleSpec(program, { version: "", wrt }));
    const targets = { js: modules.js, wgsl: modules.wgsl, wasm };
    timed("emit module", () => emitModule(data, targets, { name, sources: analysis.sources }));
    timed("emit module", () => emitTypings(data));
  });
  return times;
}

/** As many dense layers, each written out. */
const stack = (layers) => ({
  name: `stack${layers}`,
  source: [
    "dim B, N = 16",
    "input x: f32[B, N]",
    "h0 = x",
    ...Array.from(
      { length: layers },
      (_, k) =>
        `param w${k}: f32[N, N], b${k}: f32[N]\nh${k + 1}[b, j] = tanh(sum[i] h${k}[b, i] * w${k}[i, j] + b${k}[j])`,
    ),
    `loss l = mean[b, j] h${layers}[b, j]^2`,
  ].join("\n"),
});

/** As many equations, each of the one before, with a gradient of the last. */
const chain = (equations) => ({
  name: `chain${equations}`,
  source: [
    "dim N",
    "input x: f32[N]",
    "param a: f32[N]",
    "y0[i] = x[i]",
    ...Array.from(
      { length: equations },
      (_, k) => `y${k + 1}[i] = tanh(y${k}[i] * a[i] + ${k + 1}) / (1 + x[i]^2)`,
    ),
    `loss l = sum[i] y${equations}[i]`,
  ].join("\n"),
});

const [, , name] = process.argv;
const [, kind, count] = /^(stack|chain)(\d+)$/.exec(name) ?? [];
const chosen = kind ? { stack, chain }[kind](Number(count)) : workload(name);
const first = { import: imported, ...compileOnce(chosen) };
const again = Array.from({ length: REPEAT }, () => compileOnce(chosen));
const later = Object.fromEntries(
  Object.keys(again[0]).map((phase) => [phase, quartiles(again.map((times) => times[phase] ?? 0)).median]),
);
console.log(JSON.stringify({ first, later }));
