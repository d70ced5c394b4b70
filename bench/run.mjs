// Measures our engines beside others: `npm run bench -- --help`.
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { measure } from "./measure.mjs";
import { parseOptions, USAGE } from "./options.mjs";
import { block, machineFactor, summary } from "./report.mjs";
import { workload } from "./workloads.mjs";

const log = process.stderr.isTTY ? (text) => process.stderr.write(`\r\x1b[K${text}`) : () => {};

async function main() {
  const options = parseOptions(process.argv.slice(2));
  if (options.help) return void console.log(USAGE);
  const results = [];
  for (const name of options.only) {
    const { title, steps, tolerance, goals, anchor } = workload(name);
    const described = { suite: "main", name, title, steps, tolerance, goals, anchor };
    const timings = await measure(options.engines, described, { ...options, log });
    log("");
    results.push({ workload: described, timings });
    console.log(block(results.at(-1)));
  }
  const factor = machineFactor(results);
  console.log(summary(results, factor));
  if (options.json)
    writeFileSync(options.json, `${JSON.stringify({ ...environment(), factor, results }, null, 1)}\n`);
  if (results.some(({ timings }) => timings.some((t) => t.fault))) process.exitCode = 1;
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
