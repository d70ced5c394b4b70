import { existsSync } from "node:fs";
import { LeftOut } from "./left-out.mjs";

/** What a good programmer writes in plain JavaScript: `hand/NAME.mjs`, each of which runs in numbers and typed arrays alone. */
export async function prepare(workload) {
  const file = new URL(`../hand/${workload.name}.mjs`, import.meta.url);
  if (!existsSync(file)) throw new LeftOut("not written by hand");
  const { create } = await import(file);
  const { param, data } = workload.inputs();
  const { run, results } = create(param, data, workload);
  return {
    run,
    results: async () => {
      run();
      return Object.fromEntries(Object.entries(results).map(([name, values]) => [name, values.slice()]));
    },
    dispose() {},
  };
}
