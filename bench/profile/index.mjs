import { Contender } from "../contender.mjs";
import { duration, table } from "../report.mjs";

const WANTED = 1000; // ms
const SHOWN = 8;

/** Which functions (of ours: kernels) take the time of each workload, and what a call allocates. */
export async function profileAll(engines, only, { log }) {
  const data = {};
  const texts = [];
  for (const name of only)
    for (const engine of engines) {
      log(`profiling ${name} on ${engine} …`);
      const contender = new Contender(engine, { suite: "main", name });
      try {
        await contender.prepare();
        await contender.time(1);
        const unit = await contender.time(3);
        const { functions, allocated } = await contender.profile(Math.max(3, Math.ceil(WANTED / unit)));
        log("");
        (data[name] ??= {})[engine] = { functions, allocated };
        const rows = functions
          .filter(({ share }) => share > 0.01)
          .slice(0, SHOWN)
          .map((f) => [f.name, `${(100 * f.share).toFixed(0)}%`, duration(f.share * unit)]);
        const bytes = allocated.reduce((sum, a) => sum + a.bytes, 0);
        const most = allocated.slice(0, 3).map((a) => `${a.name} ${Math.round(a.bytes)}`);
        texts.push(
          `${name} on ${engine}: ${duration(unit)}, allocates ${Math.round(bytes)} bytes a unit` +
            `${most.length ? ` (${most.join(", ")})` : ""}\n${table([["", "share", "time"], ...rows])}`,
        );
      } catch (error) {
        log("");
        texts.push(`${name} on ${engine}: ${error.left ? "left out" : "fault"}: ${error.message}`);
      } finally {
        contender.close();
      }
      console.log(`${texts.at(-1)}\n`);
    }
  return { text: texts.join("\n\n"), data };
}
