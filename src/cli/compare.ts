import { UnsupportedError } from "../runtime/errors.js";
import { loadAll, runEngine, type EngineRun } from "./engines.js";
import { explainModule } from "./explain-file.js";
import { ENGINES, type Engine, engineOf, prepare } from "./engine.js";
import type { RunResult } from "./json.js";
import { formatOf, oneFile, precisionOf, type Options } from "./options.js";
import { compileOrFail } from "./source.js";
import { table } from "./terminal.js";
import { UserError } from "./usage.js";

/** |difference| over a tensor's greatest magnitude that still counts as the same. */
const LIMITS = { f32: 5e-4, f64: 1e-9 } as const;
const REPEAT = 5;

/** How far an output or a gradient is from the reference: at most, and over the tensor's greatest magnitude. */
interface Difference {
  readonly name: string;
  readonly absolute: number;
  readonly relative: number;
}
interface Row {
  readonly engine: Engine;
  readonly precision: "f32" | "f64";
  /** The largest relative one of all tensors, and which it is of; of the reference none. */
  readonly difference: number | null;
  readonly of: string;
  readonly tensors: readonly Difference[];
  readonly milliseconds: number;
  /** Launches and bytes read and written of the pass; null for engines without kernels. */
  readonly kernels: number | null;
  readonly bytes: number | string | null;
  /** Bytes of intermediate tensors and results when most of them live. */
  readonly memory: number | null;
}

/**
 * The same program on every engine beside the eager one in f64: the largest difference of each output and gradient, then
 * time, kernels, bytes moved and peak memory. With a loss (`--grad`, default the first) gradients too.
 * @returns 1 where an engine differs by more than rounding
 */
export async function compare(files: readonly string[], options: Options): Promise<number> {
  const file = oneFile(files);
  const precision = precisionOf(options);
  const asked = options.engine?.split(",").map(engineOf);
  const engines = (asked ?? ["js", "wasm", "webgpu", "interpreter"]).filter((e) => e !== "eager");
  const absent: string[] = [];
  if (precision === "f32")
    try {
      const status = await prepare(...engines);
      if (status !== null) return status;
    } catch (error) {
      if (asked || !(error instanceof UserError)) throw error;
      absent.push(`webgpu: ${error.message}`);
    }
  const data = await loadAll(options);
  const { meta } = await compileOrFail(file, {}, formatOf(options));
  const of = options.grad ?? meta?.losses[0] ?? null;
  const reference = await runEngine(file, "eager", "f64", data, of, options);
  const rows: Row[] = [rowOf("eager", "f64", reference, reference.result, of)];
  for (const engine of engines) {
    if (engine === "webgpu" && (absent.length || precision === "f64")) continue;
    const used = engine === "interpreter" ? "f64" : precision;
    try {
      const run = await runEngine(
        file,
        engine,
        used,
        data,
        of,
        options,
        engine === "interpreter" ? 1 : REPEAT,
      );
      rows.push(rowOf(engine, used, run, reference.result, of));
    } catch (error) {
      if (asked || !(error instanceof UnsupportedError)) throw error;
      absent.push(`${engine}: ${error.message}`);
    }
  }
  const good = rows.every((r) => r.difference === null || r.difference <= LIMITS[r.precision]);
  process.stdout.write(
    options.json
      ? `${JSON.stringify({ reference: "eager", loss: of, engines: rows })}\n`
      : report(rows, absent),
  );
  return good ? 0 : 1;
}

function rowOf(
  engine: Engine,
  precision: "f32" | "f64",
  { compiled, result, milliseconds, kept }: EngineRun,
  reference: RunResult,
  of: string | null,
): Row {
  const { target, isCompiled } = ENGINES[engine];
  const dims = new Map(Object.entries(result.dims));
  const report =
    isCompiled && compiled.program
      ? explainModule(compiled.scheduled(target), compiled.program, target, dims)
      : null;
  const entry = report?.entries.find((e) => e.name === (of === null ? "forward" : `backward ${of}`));
  const tensors = engine === "eager" ? [] : differences(result, reference);
  const worst = tensors.reduce<Difference | null>(
    (most, t) => (most && most.relative > t.relative ? most : t),
    null,
  );
  return {
    engine,
    precision,
    difference: worst?.relative ?? null,
    of: worst?.name ?? "",
    tensors,
    milliseconds,
    kernels: entry ? entry.kernels.length : null,
    bytes: entry ? entry.bytes : null,
    memory: entry ? entry.memory.peak : kept,
  };
}

/** The largest difference of each tensor. */
function differences(found: RunResult, wanted: RunResult): Difference[] {
  const named = (result: RunResult): [string, ArrayLike<number>][] => [
    ...Object.entries(result.outputs).map(([name, t]): [string, ArrayLike<number>] => [name, t.data]),
    ...Object.entries(result.grads ?? {}).flatMap(([loss, grads]) =>
      Object.entries(grads).map(([name, t]): [string, ArrayLike<number>] => [`d${loss}/d${name}`, t.data]),
    ),
  ];
  const ours = new Map(named(found));
  // Against a gradient of zeros, roundings of terms as large as the others' count for little.
  const scale = named(wanted).reduce((s, [, data]) => Math.max(s, magnitude(data)), 0);
  return named(wanted).map(([name, data]) => {
    const other = ours.get(name);
    let absolute = other?.length === data.length ? 0 : Infinity;
    for (let i = 0; i < data.length; i++) {
      const [a, b] = [other?.[i] ?? NaN, data[i] ?? NaN];
      if (Object.is(a, b) || a === b) continue;
      const gap = Math.abs(a - b);
      absolute = Math.max(absolute, Number.isNaN(gap) ? Infinity : gap);
    }
    return { name, absolute, relative: absolute / (magnitude(data) + 1e-3 * scale || 1) };
  });
}
function magnitude(data: ArrayLike<number>): number {
  let most = 0;
  for (let i = 0; i < data.length; i++) {
    const size = Math.abs(data[i] ?? 0);
    if (Number.isFinite(size)) most = Math.max(most, size);
  }
  return most;
}

const engineName = ({ engine, precision }: Row): string => `${engine} ${precision}`;
function report(rows: readonly Row[], absent: readonly string[]): string {
  const compared = rows.filter((r) => r.difference !== null);
  const exponent = (x: number): string => x.toExponential(1);
  const far = compared[0]?.tensors.map(({ name }, k) => [
    name,
    ...compared.map(({ tensors }) => {
      const { absolute = NaN, relative = NaN } = tensors[k] ?? {};
      return absolute === 0 ? "0" : `${exponent(absolute)}  ${exponent(relative)}`;
    }),
  ]);
  const cells = rows.map((r) => [
    engineName(r),
    r.difference === null ? "reference" : `${exponent(r.difference)} of ${r.of}`,
    `${r.milliseconds.toFixed(2)} ms`,
    r.kernels === null ? "" : String(r.kernels),
    r.bytes === null ? "" : String(r.bytes),
    r.memory === null ? "" : String(r.memory),
  ]);
  const heads = ["engine", "largest difference", "time", "kernels", "bytes moved", "peak memory"];
  return [
    "largest difference to eager f64, absolute and relative to the tensor's greatest magnitude",
    ...(far ? table([["", ...compared.map(engineName)], ...far]) : []),
    "",
    ...table([heads, ...cells]),
    ...absent,
    "",
  ].join("\n");
}
