import { countsOf } from "../counts/schedule.mjs";
import { measureEntries } from "../measure.mjs";
import { duration, ratio, table } from "../report.mjs";
import { PROGRAMS } from "./programs.mjs";
import { nameOf, oddWorkload } from "./suite.mjs";

/** What a flop may cost more at odd sizes. */
const LIMIT = 1.3;

/**
 * Sizes that suit no tile or vector, and shapes far from the usual, each against the usual one in turns: the cost of a
 * flop over that at the other size, printed as it comes. @returns the text and all figures
 */
export async function oddSizes(engines, only, options) {
  const found = [];
  const texts = [];
  for (const [program, { sizes }] of Object.entries(PROGRAMS)) {
    if (!only.includes(program)) continue;
    const rows = [[program, "against", ...engines.flatMap((e) => [e, "ratio", ""])]];
    for (const pair of sizes) {
      const names = pair.map((dims) => nameOf(program, dims));
      const workloads = names.map((name) => ({
        suite: "odd",
        name,
        steps: 0,
        tolerance: oddWorkload(name).tolerance,
      }));
      const entries = engines.flatMap((name) => workloads.map((workload) => ({ name, workload })));
      const timings = await measureEntries(entries, options);
      options.log("");
      const cells = [];
      for (const [k, engine] of engines.entries()) {
        const target = engine.replace(/\W.*/, "").replace("webgpu", "wgsl");
        const costs = await Promise.all(
          names.map(async (name, n) => {
            const { median, fault } = timings[2 * k + n];
            const { flops } = await countsOf(oddWorkload(name), target);
            return { median, fault, perFlop: (1e6 * median) / flops };
          }),
        );
        const [odd, even] = costs;
        const over = odd.perFlop / even.perFlop;
        found.push({
          program,
          size: names[0],
          against: names[1],
          engine,
          nsPerFlop: odd.perFlop,
          ratio: over,
          fault: odd.fault,
        });
        cells.push(odd.fault ? "fault" : duration(odd.median), ratio(over), over <= LIMIT ? "" : "!");
      }
      rows.push([...pair.map((dims) => nameOf("", dims).trim() || "usual"), ...cells]);
      for (const { contender, fault } of timings)
        if (fault) console.log(`  ${program} on ${contender}: ${fault}`);
    }
    texts.push(table(rows));
    console.log(`${texts.at(-1)}\n`);
  }
  const legend = `Ratios are of time for a flop; ! marks those above ${LIMIT}.`;
  console.log(legend);
  return { text: [...texts, legend].join("\n\n"), data: found };
}
