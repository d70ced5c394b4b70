// Measures our engines beside others: `npm run bench -- --help`.
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { PEERS } from "./contenders/index.mjs";
import { measure } from "./measure.mjs";
import { parseOptions, USAGE } from "./options.mjs";
import { block, machineFactor, summary } from "./report.mjs";
import { installPeers } from "./setup.mjs";
import { workload } from "./workloads.mjs";

const log = process.stderr.isTTY ? (text) => process.stderr.write(`\r\x1b[K${text}`) : () => {};

async function main() {
  const options = parseOptions(process.argv.slice(2));
  if (options.help) return void console.log(USAGE);
  const peers = options.engines.some((name) => PEERS.includes(name));
  const missing = peers ? installPeers() : null;
  if (missing) console.error(`peers are left out: ${missing}`);
  const engines = options.engines.filter((name) => !(missing && PEERS.includes(name)));
  if (options.counts) {
    const { counts } = await import("./counts/index.mjs");
    const figures = await counts(
      options.only.map(workload),
      engines.filter((name) => PEERS.includes(name)),
      { ...options, log },
    );
    return write(options.json, { ...environment(), counts: figures });
  }
  if (options.odd) {
    const { oddSizes } = await import("./odd/index.mjs");
    return write(options.json, {
      ...environment(),
      odd: await oddSizes(engines, options.only, { ...options, log }),
    });
  }
  const results = [];
  for (const name of options.only) {
    const { title, steps, tolerance, goals, anchor } = workload(name);
    const described = { suite: "main", name, title, steps, tolerance, goals, anchor };
    const timings = await measure(engines, described, { ...options, log });
    log("");
    results.push({ workload: described, timings });
    console.log(block(results.at(-1)));
  }
  const factor = machineFactor(results);
  console.log(summary(results, factor));
  write(options.json, { ...environment(), factor, results });
  // What a peer cannot do is a result.
  const wrong = (t) => t.fault && !PEERS.includes(t.contender);
  if (results.some(({ timings }) => timings.some(wrong))) process.exitCode = 1;
}

function write(file, figures) {
  if (file) writeFileSync(file, `${JSON.stringify(figures, null, 1)}\n`);
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
