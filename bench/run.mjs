// Measures our engines beside others: `npm run bench -- --help`.
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { chart } from "./chart.mjs";
import { CONTENDERS, PEERS } from "./contenders/index.mjs";
import { measure } from "./measure.mjs";
import { parseOptions, USAGE } from "./options.mjs";
import { block, machineFactor, summary, table } from "./report.mjs";
import { writeSection } from "./results.mjs";
import { installPeers } from "./setup.mjs";
import { workload } from "./workloads.mjs";

const log = process.stderr.isTTY ? (text) => process.stderr.write(`\r\x1b[K${text}`) : () => {};

async function main() {
  const options = { ...parseOptions(process.argv.slice(2)), log };
  if (options.help) return void console.log(USAGE);
  const isPeer = (name) => PEERS.includes(name);
  const missing = options.engines.some(isPeer) ? installPeers() : null;
  if (missing) console.error(`peers are left out: ${missing}`);
  const engines = options.engines.filter((name) => !(missing && isPeer(name)));
  const { title, text, data } = await MODES[options.mode](engines, options);
  if (options.json)
    writeFileSync(options.json, `${JSON.stringify({ ...environment(), ...data }, null, 1)}\n`);
  if (options.write) writeSection(title, text, environment());
}

/** What is measured: each prints as it goes, and gives the text for RESULTS.md and the figures for --json. */
const MODES = {
  times,
  async counts(engines, options) {
    const { counts } = await import("./counts/index.mjs");
    const peers = engines.filter((name) => PEERS.includes(name));
    const { text, data } = await counts(options.only.map(workload), peers, options);
    return { title: "Counts", text, data: { counts: data } };
  },
  async odd(engines, options) {
    const { oddSizes } = await import("./odd/index.mjs");
    const { text, data } = await oddSizes(engines, options.only, options);
    return { title: "Odd sizes", text, data: { odd: data } };
  },
  async profile(engines, options) {
    const { profileAll } = await import("./profile/index.mjs");
    const { text, data } = await profileAll(engines, options.only, options);
    return { title: "Profiles", text, data: { profiles: data } };
  },
  async ablate(engines, options) {
    const { ablate } = await import("./ablate.mjs");
    const { text, data } = await ablate(engines, options.only, options);
    console.log(text);
    return { title: "Ablations", text, data: { ablations: data } };
  },
};

async function times(engines, options) {
  const results = [];
  for (const name of options.only) {
    const { title, steps, tolerance, goals, anchor } = workload(name);
    const described = { suite: "main", name, title, steps, tolerance, goals, anchor };
    const timings = await measure(engines, described, options);
    log("");
    results.push({ workload: described, timings });
    console.log(block(results.at(-1)));
  }
  const factor = machineFactor(results);
  const text = summary(results, factor);
  console.log(text);
  if (options.svg) writeFileSync(options.svg, chart(results));
  if (options.write) writeFileSync(new URL("RESULTS.svg", import.meta.url), chart(results));
  // What a peer cannot do is a result.
  const wrong = (t) => t.fault && !PEERS.includes(t.contender);
  if (results.some(({ timings }) => timings.some(wrong))) process.exitCode = 1;
  const about = engines.map((name) => [name, CONTENDERS[/^\w+/.exec(name)[0]].about]);
  return { title: "Times", text: `${text}\n\n${table(about)}`, data: { factor, results } };
}

function environment() {
  let commit = "";
  try {
    commit = execFileSync("git", ["rev-parse", "--short", "HEAD"], { encoding: "utf8" }).trim();
  } catch {
    // Not a clone.
  }
  return { commit, node: process.version, cpu: cpus()[0]?.model ?? "", cores: cpus().length };
}

try {
  await main();
} catch (error) {
  log("");
  console.error(`bench: ${error.message}`);
  process.exitCode = 2;
}
