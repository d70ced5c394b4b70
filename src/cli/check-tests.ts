import type { CompileResult } from "../compile.js";
import type { CheckedValues } from "../check/index.js";
import { checkGradients, faultOf } from "./gradcheck.js";
import { instantiate, RUNTIME_URL } from "./model.js";
import { DataError } from "../runtime/errors.js";
import type { SourceFiles } from "./source.js";

/** |difference| over the larger of 1 and the value expected. */
const CLOSE = 1e-4;

/**
 * Runs `check` declarations, in f64: outputs and losses are expected to 1e-4, and the loss's gradients held against
 * differences of it. A line for each to standard output.
 * @returns how many failed
 */
export async function runChecks(
  checks: readonly CheckedValues[],
  sources: SourceFiles,
  dims: Readonly<Record<string, number>>,
): Promise<number> {
  const compiled = await sources.compile({ precision: "f64", dims, runtimeImport: RUNTIME_URL });
  let failed = 0;
  for (const check of checks) {
    const faults = await runCheck(check, compiled).catch(asFault);
    if (faults.length) failed++;
    const place = `${sources.file}:${check.span.start.line}`;
    process.stdout.write(`${faults.length ? "FAIL" : "ok  "} check ${check.loss} (${place})\n`);
    for (const fault of faults) process.stdout.write(`       ${fault}\n`);
  }
  return failed;
}

/** What is wrong with the numbers, as far as only a run tells: sizes that do not agree, entries out of a range. */
function asFault(error: unknown): string[] {
  if (error instanceof DataError) return [`${error.code}: ${error.message}`];
  throw error;
}

async function runCheck(check: CheckedValues, compiled: CompileResult): Promise<string[]> {
  const { loss, expected } = check;
  const inputs = Object.fromEntries(check.inputs);
  const dims = Object.fromEntries(check.dims);
  const model = await instantiate(compiled, {
    backend: "js",
    dims,
    params: Object.fromEntries(check.leaves),
  });
  try {
    const faults: string[] = [];
    const out = model.forward(inputs);
    for (const [name, want] of expected) {
      const tensor = out[name];
      const got = (await tensor?.read()) ?? [];
      if (got.length !== want.data.length) {
        faults.push(`${name} is [${tensor?.shape.join(", ")}], and [${want.shape.join(", ")}] is expected`);
        continue;
      }
      const wrong = Array.from(got).findIndex((x, k) => !isClose(x, want.data[k] ?? NaN));
      if (wrong >= 0)
        faults.push(
          `${name}${got.length > 1 ? ` at ${wrong} (row-major)` : ""} is ${got[wrong]}, and ${want.data[wrong]} is expected`,
        );
    }
    const { grads } = model.backward(inputs, { of: loss });
    const gradients = Object.entries(grads).map(
      async ([name, g]) => [name, { shape: g.shape, data: await g.read() }] as const,
    );
    for (const gradient of await checkGradients(
      model,
      inputs,
      loss,
      Object.fromEntries(await Promise.all(gradients)),
    ))
      if (!gradient.ok) faults.push(`d${loss}/d${gradient.name}: ${faultOf(gradient)}`);
    return faults;
  } finally {
    model.dispose();
  }
}
const isClose = (x: number, want: number): boolean =>
  Object.is(x, want) || x === want || Math.abs(x - want) <= CLOSE * Math.max(1, Math.abs(want));
