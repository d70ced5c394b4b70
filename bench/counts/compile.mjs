import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { table } from "../report.mjs";

const SCRIPT = fileURLToPath(new URL("compile-times.mjs", import.meta.url));
/** Layers written out: compile time should be linear in them. A hundred equations, with their gradient. */
const WRITTEN_OUT = ["stack50", "stack100", "chain100"];
const total = (times) => Object.values(times).reduce((a, b) => a + b, 0);
const shown = (ms) => (ms === undefined ? "" : ms.toFixed(1));

/** Milliseconds of compiling for all three targets, by phase, a column for each workload. */
export function compileTimes(workloads, { log }) {
  const data = {};
  for (const name of [...workloads.map((w) => w.name), ...WRITTEN_OUT]) {
    log(`compiling ${name} …`);
    data[name] = JSON.parse(execFileSync(process.execPath, [SCRIPT, name], { encoding: "utf8" }));
  }
  const names = Object.keys(data);
  const phases = [...new Set(names.flatMap((n) => Object.keys(data[n].first)))];
  const part = (which) => [
    ["", ...names],
    ...phases
      .filter((phase) => names.some((n) => data[n][which][phase] !== undefined))
      .map((phase) => [phase, ...names.map((n) => shown(data[n][which][phase]))]),
    ["together", ...names.map((n) => shown(total(data[n][which])))],
  ];
  const text =
    `Compiling for js, wasm and wgsl, ms: the first time in a process\n${table(part("first"))}\n\n` +
    `and the median of five more\n${table(part("later"))}`;
  return { text, data };
}
