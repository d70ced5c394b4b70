import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { quartiles } from "../measure.mjs";
import { duration, ratio, table } from "../report.mjs";
import { workload } from "../workloads.mjs";
import { bundle } from "./size.mjs";

const FIRST = fileURLToPath(new URL("first-gradient.mjs", import.meta.url));
const app = (backend) => `
import { create } from "./model.grad";
const model = await create({ backend: "${backend}" });
const x = new Float32Array(64 * 784).fill(0.5), y = new Float32Array(64 * 10).fill(0.1);
if (!(model.backward({ x, y }).grads.w1.data.length > 0)) process.exit(1);`;

/** Milliseconds of whole processes, in turns: nothing, ours to W2's first gradient, peers to the same. */
export async function coldStart(peers, { rounds, log }) {
  const { source } = workload("W2");
  const folder = mkdtempSync(join(tmpdir(), "gradc-start-"));
  try {
    const empty = join(folder, "empty.mjs");
    writeFileSync(empty, "");
    const commands = { "empty process": [empty] };
    for (const target of ["js", "wasm"]) {
      const file = join(folder, `${target}.mjs`);
      writeFileSync(file, await bundle(source, [target], app(target)));
      commands[target] = [file];
    }
    for (const peer of peers) commands[peer] = [FIRST, peer];
    const times = Object.fromEntries(Object.keys(commands).map((name) => [name, []]));
    for (let round = 0; round < rounds; round++)
      for (const [name, args] of Object.entries(commands)) {
        log(`start: ${name}, ${round + 1} of ${rounds} …`);
        const start = performance.now();
        const { status, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
        if (status !== 0) throw new Error(`${name} does not start: ${stderr.trim().split("\n").at(-1)}`);
        times[name].push(performance.now() - start);
      }
    const data = Object.fromEntries(Object.entries(times).map(([name, list]) => [name, quartiles(list)]));
    const nothing = data["empty process"].median;
    const rows = Object.entries(data).map(([name, { median }]) => [
      name,
      duration(median),
      ratio(median / nothing),
    ]);
    const text = `Process start to W2's first gradient (goal 1.3×)\n${table([["", "median", "÷ empty"], ...rows])}`;
    return { text, data };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
