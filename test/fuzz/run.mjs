// Random programs on every engine: node test/fuzz/run.mjs [--programs N | --minutes M] [--seed S] [--engines a,b]
// Each is held to the eager engine's values and gradients in float64, which come from the tape and not from the
// compiler's reverse mode; and again with one optimisation left out. On a difference the smallest program that shows it is printed, and kept in
// test/regressions with --keep NAME; --regressions runs what is there.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import fc from "fast-check";
import { runCompiled } from "../../dist/cli/engines.js";
import { ENGINES } from "../../dist/cli/engine.js";
import { instantiate, RUNTIME_URL } from "../../dist/cli/model.js";
import { compile, OPTIMIZATIONS } from "../../dist/compile.js";
import { prepareWebGpu } from "../../dist/cli/webgpu.js";
import { program, recipes } from "./generate.mjs";

const { values } = parseArgs({
  options: {
    programs: { type: "string", default: "300" },
    minutes: { type: "string" },
    seed: { type: "string" },
    engines: { type: "string", default: "interpreter,eager,js:f64,wasm:f64,js,wasm" },
    keep: { type: "string" },
    regressions: { type: "boolean" },
  },
});
const engines = values.engines.split(",").map((e) => {
  const [name, precision = "f32"] = e.split(":");
  return { label: e, name, precision: name === "interpreter" ? "f64" : precision };
});
if (engines.some((e) => e.name === "webgpu")) {
  // Begins again where an adapter answers.
  const status = await prepareWebGpu();
  if (status !== null) process.exit(status);
}
/** Largest difference relative to the tensor's largest entry (at least 1e-3) that rounding may make. */
const BOUND = { f64: 1e-9, f32: 1e-4 };
/**
 * Where a program magnifies roundings, an engine may differ by so many times what params moved by one rounding make on the
 * tape, or the tape in f32.
 */
const ROUNDINGS = 100;
const ROUNDING = { f64: 2 ** -52, f32: 2 ** -24 };
/** So much of the largest of all entries is nothing: terms that cancel leave roundings of their own size. */
const CANCELLED = { f64: 1e-11, f32: 1e-6 };

/** Milliseconds that one program may take. */
const PATIENCE = 180_000;

/** What all engines of a precision need, so that one compilation serves them. */
const targetsIn = Object.fromEntries(
  ["f32", "f64"].map((precision) => [
    precision,
    [
      ...new Set([
        ...engines.filter((e) => e.precision === precision).map((e) => ENGINES[e.name].target),
        ...(precision === "f64" ? ["js"] : []),
      ]),
    ],
  ]),
);
function compiledOrThrow(source, options) {
  const result = compile(source, { ...options, runtimeImport: RUNTIME_URL });
  const [error] = result.diagnostics.filter((d) => d.severity === "error");
  if (error) throw new Error(`${error.code}: ${error.message}`);
  return result;
}

/** Where an engine differs from the tape; null where none does. `seed` says which optimisation is left out once. */
async function difference({ source, dims, inputs, params }, seed) {
  const data = { dims, inputs, params };
  // What several engines take is compiled once.
  const compilations = new Map();
  const compiled = (precision, off, targets) => {
    const key = `${precision} ${off ?? ""} ${targets.join()}`;
    if (!compilations.has(key))
      compilations.set(key, compiledOrThrow(source, { precision, targets, off: off ? [off] : [] }));
    return compilations.get(key);
  };
  const run = async ({ name, precision, off }, values = data) => {
    const { target } = ENGINES[name];
    const known = targetsIn[precision];
    const targets = off || !known.includes(target) ? [target] : known;
    return (await runCompiled(compiled(precision, off, targets), name, precision, values, "l", {})).result;
  };
  const [tape, single] = ["f64", "f32"].map((precision) => ({ name: "eager", precision }));
  const want = await run(tape);
  const moved = {};
  /** How much a tensor changes when each param is off by one rounding; in f32 also, what the tape makes of it. */
  const sensitivity = async (precision, entries) => {
    const off = (t, n) => ({
      ...t,
      data: t.data.map((x, k) => x * (1 + ((k + n) % 2 ? 1 : -1) * ROUNDING[precision])),
    });
    const near = Object.fromEntries(Object.entries(params).map(([name, t], n) => [name, off(t, n)]));
    moved[precision] ??= [
      await run(tape, { ...data, params: near }),
      ...(precision === "f32" ? [await run(single)] : []),
    ];
    const a = entries(want);
    return Math.max(
      ...moved[precision]
        .map(entries)
        .map((b) => a.reduce((most, x, k) => Math.max(most, Math.abs(Number(x) - Number(b[k]))), 0)),
    );
  };
  // Whole, and with one optimisation left out; of a single engine every second program, for compiling takes the time there.
  const optimized = engines.filter((e) => !["interpreter", "eager"].includes(e.name));
  const turns = Math.max(optimized.length, 2);
  const one = optimized[seed % turns];
  const off = OPTIMIZATIONS[Math.floor(seed / turns) % OPTIMIZATIONS.length];
  const runs = [...engines, ...(one ? [{ ...one, label: `${one.label} without ${off}`, off }] : [])];
  const results = await Promise.all(runs.map((engine) => run(engine)));
  for (const [which, { label, precision }] of runs.entries()) {
    const got = results[which];
    const pairs = [
      ...Object.entries(want.outputs).map(([n, t]) => [
        n,
        t,
        got.outputs[n],
        (r) => Array.from(r.outputs[n].data),
      ]),
      ...Object.entries(want.grads.l).map(([n, t]) => [
        `d l / d ${n}`,
        t,
        got.grads.l?.[n],
        (r) => Array.from(r.grads.l[n].data),
      ]),
    ];
    const largest = pairs
      .flatMap(([, t]) => Array.from(t.data, Number).filter(Number.isFinite).map(Math.abs))
      .reduce((x, y) => Math.max(x, y), 0);
    for (const [what, a, b, entries] of pairs) {
      if (!b || b.data.length !== a.data.length)
        return `${label}: ${what} has ${b?.data.length} entries, not ${a.data.length}`;
      const finite = Array.from(a.data, Number).filter(Number.isFinite).map(Math.abs);
      const scale = finite.reduce((x, y) => Math.max(x, y), 1e-3);
      for (let k = 0; k < a.data.length; k++) {
        const [x, y] = [Number(a.data[k]), Number(b.data[k])];
        const apart = Number.isFinite(x) ? Math.abs(x - y) : Object.is(x, y) || x === y ? 0 : Infinity;
        if (apart <= BOUND[precision] * scale) continue;
        if (apart <= CANCELLED[precision] * largest) continue;
        if (!(apart <= ROUNDINGS * (await sensitivity(precision, entries))))
          return `${label}: ${what}[${k}] is ${y}, the tape says ${x}`;
      }
    }
  }
  return null;
}

/** A driver may take for ever to compile a shader. */
async function inTime(answer) {
  let timer;
  const late = new Promise((done) => {
    timer = setTimeout(() => done(`no answer in ${PATIENCE / 1000} s`), PATIENCE);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}

if (values.regressions) {
  const regressions = new URL("../regressions/", import.meta.url);
  const names = readdirSync(regressions).filter((f) => f.endsWith(".grad"));
  let differ = 0;
  for (const name of names) {
    const source = readFileSync(new URL(name, regressions), "utf8");
    const data = JSON.parse(
      readFileSync(new URL(name.replace(/\.grad$/, ".data.json"), regressions), "utf8"),
    );
    const why = await difference({ source, ...data }, 0);
    if (why) console.log(`${name}: ${why}`);
    if (why) differ++;
  }
  console.log(`${names.length} programs that once differed, ${differ} differ`);
  process.exit(differ ? 1 : 0);
}

// Models that were given no GPU device share one as long as one of them lives; making one takes longer than a program.
const anchor = engines.some((e) => e.name === "webgpu")
  ? await instantiate(compiledOrThrow("output y = 1.0", { targets: ["wgsl"] }), { backend: "webgpu" })
  : null;
const start = Date.now();
const limit = values.minutes ? Number(values.minutes) * 60_000 : Infinity;
const count = values.minutes ? Infinity : Number(values.programs);
const firstSeed = Number(values.seed ?? (values.minutes ? Date.now() % 1e6 : 1));
/** Programs under way at once: while a driver compiles the shaders of one, another is made. */
const AT_ONCE = 3;
/** What is wrong with a recipe's program, or null. */
async function fault(recipe) {
  try {
    return await inTime(difference(program(recipe), recipe.seed));
  } catch (error) {
    return String(error.message ?? error);
  }
}
/** The first of the recipes found wrong, or null. */
async function faultAmong(all) {
  let found = null;
  const left = [...all];
  const worker = async () => {
    for (let recipe = left.shift(); recipe && !found; recipe = left.shift()) {
      const why = await fault(recipe);
      if (why) found ??= { recipe, why };
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return found;
}

let done = 0;
let failed = false;
for (let seed = firstSeed; done < count && Date.now() - start < limit && !failed; seed++) {
  const batch = fc.sample(recipes, { seed, numRuns: Math.min(100, count - done) });
  const found = await faultAmong(batch);
  done += batch.length;
  if (!found) continue;
  failed = true;
  console.log(
    `seed ${seed}: ${found.why}; looking for the smallest program\n\n${program(found.recipe).source}`,
  );
  const shrunk = await fc.check(
    fc.asyncProperty(recipes, async (recipe) => {
      const why = await fault(recipe);
      if (why) throw new Error(why);
    }),
    { numRuns: 1, examples: [[found.recipe]] },
  );
  const recipe = shrunk.counterexample?.[0] ?? found.recipe;
  const { source, ...data } = program(recipe);
  const why = shrunk.errorInstance?.message ?? `${found.why}, not again`;
  console.log(`seed ${seed}: ${why}\n\n${source}\n${JSON.stringify(data)}`);
  if (values.keep) {
    mkdirSync(new URL("../regressions/", import.meta.url), { recursive: true });
    const base = new URL(`../regressions/${values.keep}`, import.meta.url);
    writeFileSync(new URL(`${base}.grad`), source);
    writeFileSync(new URL(`${base}.data.json`), `${JSON.stringify(data)}\n`);
  }
}
console.log(
  `${done} programs on ${engines.length} engines beside the tape, with all optimisations and without one, bounds ${BOUND.f64} (f64) and ${BOUND.f32} (f32) of each tensor's largest entry, ${ROUNDINGS} roundings of the params, or ${CANCELLED.f64} (f64) and ${CANCELLED.f32} (f32) of the largest entry of all: ${failed ? "a difference" : "no difference"}`,
);
process.exit(failed ? 1 : 0);
