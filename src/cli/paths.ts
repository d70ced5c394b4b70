import { invariant } from "../diagnostics/invariant.js";
import { paths } from "../eager/index.js";
import { recordEagerly } from "../eager-run/run.js";
import { leavesOf, loadAll } from "./engines.js";
import { modelWith, RUNTIME_URL } from "./model.js";
import { absent } from "./names.js";
import { formatOf, oneFile, type Options } from "./options.js";
import { compileOrFail } from "./source.js";
import { UsageError, UserError } from "./usage.js";

/** A number in six digits; of a tensor the norm. */
function shown(data: ArrayLike<number>): string {
  const numbers = Array.from(data, Number);
  const value =
    numbers.length === 1 ? (numbers[0] ?? NaN) : Math.sqrt(numbers.reduce((s, x) => s + x * x, 0));
  return `${numbers.length === 1 ? "" : "norm "}${Number(value.toPrecision(6))}`;
}

/** Every path of the tape from a loss to one of its leaves in float64, beside the compiled gradient. */
export async function showPaths(files: readonly string[], options: Options): Promise<number> {
  const file = oneFile(files);
  const name = options.wrt;
  if (name === undefined || name.includes(",")) throw new UsageError("paths wants one name after --wrt");
  const data = await loadAll(options);
  const compiled = await compileOrFail(
    file,
    { precision: "f64", wrt: [name], runtimeImport: RUNTIME_URL },
    formatOf(options),
  );
  const model = await modelWith(compiled, "js", data, options);
  try {
    const { losses } = model.meta;
    const of = options.of ?? losses[0];
    if (of === undefined) throw new UserError("the file has no loss");
    if (!losses.includes(of)) throw new UserError(absent("loss", of, losses));
    const { grads } = model.backward(data.inputs, { of });
    const gradient = await grads[name]?.read();
    const primal = compiled.primal();
    invariant(primal, "what compiled has a program");
    const { outputs, inputs } = recordEagerly(
      primal,
      model.dims,
      await leavesOf(primal.program, model.dims, data, model),
      { loss: of },
    );
    const [loss, leaf] = [outputs.get(of), inputs.get(name)];
    if (!loss || !leaf || !gradient) throw new UserError(`there is no gradient of \`${of}\` for \`${name}\``);
    if (!loss.requiresGrad) throw new UserError(`\`${of}\` does not depend on \`${name}\`: there is no path`);
    process.stdout.write(`${of} → ${name}, from the loss backwards\n${String(paths(loss, leaf))}\n`);
    process.stdout.write(`compiled gradient: ${shown(gradient)}\n`);
    return 0;
  } finally {
    model.dispose();
  }
}
