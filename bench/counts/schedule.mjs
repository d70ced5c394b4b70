import { ratio, table } from "../report.mjs";
import { boundDims } from "../contenders/gradc.mjs";

const { compile } = await import("../../dist/index.js");
const { explainModule } = await import("../../dist/cli/explain-file.js");
const TARGETS = ["js", "wasm", "wgsl"];

/** Of a workload on a target: what one backward pass launches, moves, computes and holds. */
export async function countsOf(workload, target) {
  const compiled = compile(workload.source, { filename: `${workload.name}.grad`, targets: [target] });
  if (!compiled.ok) throw new Error(compiled.diagnostics.map((d) => d.message).join("; "));
  const dims = new Map(Object.entries(await boundDims(workload)));
  const { entries } = explainModule(compiled.scheduled(target), compiled.program, target, dims);
  const forward = entries.find((e) => e.name === "forward");
  const backward = entries.find((e) => e.name.startsWith("backward"));
  const step = entries.find((e) => e.name.startsWith("step"));
  return {
    forward: forward.kernels.length,
    backward: backward.kernels.length,
    step: step?.kernels.length ?? null,
    bytes: backward.bytes,
    flops: backward.flops,
    overForward: backward.flops / forward.flops,
    memory: backward.memory.bytes,
    peak: backward.memory.peak,
  };
}

const amount = (n) =>
  typeof n !== "number"
    ? String(n)
    : n >= 1e9
      ? `${(n / 1e9).toPrecision(3)} G`
      : n >= 1e6
        ? `${(n / 1e6).toPrecision(3)} M`
        : n >= 1e3
          ? `${(n / 1e3).toPrecision(3)} k`
          : `${Math.round(n)} `;

/** Kernels, bytes, flops and memory of a backward pass of each workload, for each target. */
export async function scheduleCounts(workloads) {
  const rows = [["", "target", "kernels", "at most", "step", "bytes", "flops", "÷ forward", "peak memory"]];
  const data = {};
  for (const workload of workloads)
    for (const target of TARGETS) {
      const counts = await countsOf(workload, target);
      (data[workload.name] ??= {})[target] = counts;
      const { backward, step, bytes, flops, overForward, peak } = counts;
      const within =
        workload.kernels === null ? "" : `${workload.kernels}${backward > workload.kernels ? " !" : ""}`;
      rows.push([
        target === TARGETS[0] ? workload.name : "",
        target,
        String(backward),
        within,
        step === null ? "" : String(step),
        `${amount(bytes)}B`,
        amount(flops).trim(),
        ratio(overForward),
        peak === null ? "" : `${amount(peak)}B`,
      ]);
    }
  return { text: `Schedule of forward and backward (! more kernels than the goal)\n${table(rows)}`, data };
}
