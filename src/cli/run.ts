import type { NamedTensor } from "../runtime/index.js";
import { engineOf, prepare } from "./engine.js";
import { loadAll, runEngine } from "./engines.js";
import { resultToJson, type RunResult } from "./json.js";
import { oneFile, precisionOf, type Options } from "./options.js";

/** Runs a file once: forward, or forward and backward with `--grad`. */
export async function run(files: readonly string[], options: Options): Promise<number> {
  const file = oneFile(files);
  const engine = engineOf(options.engine);
  const precision = precisionOf(options);
  const status = await prepare(engine);
  if (status !== null) return status;
  const { result } = await runEngine(
    file,
    engine,
    precision,
    await loadAll(options),
    options.grad ?? null,
    options,
  );
  process.stdout.write(options.json ? `${resultToJson(result)}\n` : pretty(result));
  return 0;
}

function pretty(all: RunResult): string {
  const line = (name: string, t: NamedTensor): string => {
    const shown = Array.from(t.data.slice(0, 8), (x) => Number(x.toPrecision(7)));
    return `${name}: ${t.dtype}${t.shape.length ? `[${t.shape.join(", ")}]` : ""} = ${shown.join(" ")}${t.data.length > 8 ? " …" : ""}\n`;
  };
  const outputs = Object.entries(all.outputs).map(([name, t]) => line(name, t));
  const grads = Object.entries(all.grads ?? {}).flatMap(([loss, list]) =>
    Object.entries(list).map(([name, t]) => line(`d${loss}/d${name}`, t)),
  );
  return [...outputs, ...grads].join("");
}
