import { ratio, table } from "../report.mjs";
import { boundDims } from "../contenders/gradc.mjs";

const { compile } = await import("../../dist/index.js");
const { explainModule } = await import("../../dist/cli/explain-file.js");
const { planMemory } = await import("../../dist/runtime/plan.js");
const { BYTES } = await import("../../dist/schedule/kernel/measure.js");
/** Planned memory over what lives at once, from the goals. */
const SLACK = 1.3;
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
    planned: plannedBytes(compiled.scheduled(target), dims),
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

/** Bytes that the runtime allocates for what one backward pass makes. */
function plannedBytes({ program, aliases, backward }, dims) {
  const owner = (id) => (aliases.has(id) ? owner(aliases.get(id)) : program.values.get(id));
  const [entry] = backward.values();
  const kept = [...entry.results, ...entry.gradients].map(({ value }) => owner(value));
  const uses = [...entry.launches.map(({ tensors }) => tensors.map(owner)), kept];
  const stored = new Set(kept.filter(({ definition }) => definition.kind === "leaf"));
  const made = [...new Set(uses.flat())].filter((v) => v.definition.kind !== "leaf" || stored.has(v));
  const values = new Map(made.map((v) => [v, { bytes: bytesOf(v, dims) }]));
  const slots = [];
  planMemory(
    [...values.values()],
    uses.map((taken) => taken.map((v) => values.get(v))),
    slots,
    () => 0,
  );
  return slots.reduce((total, { bytes }) => total + bytes, 0);
}

const bytesOf = ({ shape, dtype }, dims) =>
  shape.reduce((n, size) => n * size.evaluate(({ name }) => dims.get(name)), BYTES[dtype]);

/** Kernels, bytes, flops and memory of a backward pass of each workload, for each target. */
export async function scheduleCounts(workloads) {
  const rows = [
    ["", "target", "kernels", "at most", "step", "bytes", "flops", "÷ forward", "peak memory", "planned"],
  ];
  const data = {};
  for (const workload of workloads)
    for (const target of TARGETS) {
      const counts = await countsOf(workload, target);
      (data[workload.name] ??= {})[target] = counts;
      const { backward, step, bytes, flops, overForward, peak, planned } = counts;
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
        `${amount(peak)}B`,
        `${ratio(planned / peak)}${planned > SLACK * peak ? " !" : ""}`,
      ]);
    }
  return {
    text: `Schedule of forward and backward (! more kernels, or planned memory over live memory, than the goals)\n${table(rows)}`,
    data,
  };
}
