import type { CompileResult } from "../compile.js";
import type { CheckStatement, Expression, SourceFile } from "../parser/ast.js";
import type { DataTensor } from "./data.js";
import { checkGradients, faultOf } from "./gradcheck.js";
import { instantiate, RUNTIME_URL } from "./model.js";
import { absent, nearest } from "./names.js";
import type { SourceFiles } from "./source.js";
import { UserError } from "./usage.js";

/** |difference| over the larger of 1 and the value expected. */
const CLOSE = 1e-4;

/**
 * Runs the `check` declarations of a file, in f64: dims, inputs, params and states are given by name, outputs and losses
 * expected to 1e-4, and the loss's gradients held against differences of it. A line for each to standard output.
 * @returns how many failed
 * @throws UserError where a name is unknown or a value no constant
 */
export async function runChecks(
  file: SourceFile,
  sources: SourceFiles,
  dims: Readonly<Record<string, number>>,
): Promise<number> {
  const checks = file.statements.filter((s) => s.kind === "check");
  if (checks.length === 0) return 0;
  const compiled = await sources.compile({ precision: "f64", dims, runtimeImport: RUNTIME_URL });
  let failed = 0;
  for (const statement of checks) {
    const place = `${sources.file}:${statement.span.start.line}`;
    const faults = await runCheck(statement, compiled, place);
    if (faults.length) failed++;
    process.stdout.write(`${faults.length ? "FAIL" : "ok  "} check ${statement.loss.text} (${place})\n`);
    for (const fault of faults) process.stdout.write(`       ${fault}\n`);
  }
  return failed;
}

async function runCheck(
  statement: CheckStatement,
  compiled: CompileResult,
  place: string,
): Promise<string[]> {
  const { meta } = compiled;
  if (!meta) throw new UserError("");
  const dims: Record<string, number> = {};
  const inputs: Record<string, DataTensor> = {};
  const params: Record<string, DataTensor> = {};
  const expected: Record<string, DataTensor> = {};
  for (const { name, value } of statement.values) {
    const tensor = constantOf(value);
    if (!tensor) throw new UserError(`${place}: \`${name.text}\` is no constant`);
    if (name.text in meta.dims) dims[name.text] = tensor.data[0] ?? NaN;
    else if (name.text in meta.inputs) inputs[name.text] = tensor;
    else if (name.text in meta.params || name.text in meta.states) params[name.text] = tensor;
    else if (name.text in meta.outputs || meta.losses.includes(name.text)) expected[name.text] = tensor;
    else {
      const known = [meta.dims, meta.inputs, meta.params, meta.states, meta.outputs].flatMap((names) =>
        Object.keys(names),
      );
      const near = nearest(name.text, [...known, ...meta.losses]);
      throw new UserError(
        `${place}: \`${name.text}\` is no dim, input, param, state, output or loss of this file${near}`,
      );
    }
  }
  const loss = statement.loss.text;
  if (!meta.losses.includes(loss)) throw new UserError(`${place}: ${absent("loss", loss, meta.losses)}`);
  const model = await instantiate(compiled, { backend: "js", dims, params });
  try {
    const faults: string[] = [];
    const out = model.forward(inputs);
    for (const [name, want] of Object.entries(expected)) {
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
    for (const check of await checkGradients(
      model,
      inputs,
      loss,
      Object.fromEntries(await Promise.all(gradients)),
    ))
      if (!check.ok) faults.push(`d${loss}/d${check.name}: ${faultOf(check)}`);
    return faults;
  } finally {
    model.dispose();
  }
}
const isClose = (x: number, want: number): boolean =>
  Object.is(x, want) || x === want || Math.abs(x - want) <= CLOSE * Math.max(1, Math.abs(want));

/** Numbers, nested lists of them, and arithmetic on numbers; undefined for anything else, ragged lists too. */
function constantOf(node: Expression): DataTensor | undefined {
  if (node.kind === "list") {
    const items = node.items.map(constantOf);
    const [first] = items;
    if (!first) return undefined;
    const data: number[] = [];
    for (const item of items) {
      if (!item || item.shape.join() !== first.shape.join()) return undefined;
      data.push(...Array.from(item.data));
    }
    return { shape: [items.length, ...first.shape], data };
  }
  const value = numberOf(node);
  return value === undefined ? undefined : { shape: [], data: [value] };
}
function numberOf(node: Expression): number | undefined {
  switch (node.kind) {
    case "number":
      return node.value;
    case "boolean":
      return Number(node.value);
    case "name":
      return node.name === "pi" ? Math.PI : node.name === "inf" ? Infinity : undefined;
    case "unary": {
      const operand = numberOf(node.operand);
      return operand === undefined || node.operator !== "-" ? undefined : -operand;
    }
    case "binary": {
      const [a, b] = [numberOf(node.left), numberOf(node.right)];
      if (a === undefined || b === undefined) return undefined;
      switch (node.operator) {
        case "+":
          return a + b;
        case "-":
          return a - b;
        case "*":
          return a * b;
        case "/":
          return a / b;
        case "^":
          return a ** b;
        default:
          return undefined;
      }
    }
    default:
      return undefined;
  }
}
