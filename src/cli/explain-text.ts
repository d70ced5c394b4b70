import type { Amount, FileReport } from "./explain-file.js";

const WIDTH = 100;

/** For a terminal of 80 to 110 columns. */
export function printReport(report: FileReport): string {
  const dims = Object.entries(report.dims).map(([name, value]) => `${name} = ${value ?? "?"}`);
  const open = Object.entries(report.dims).flatMap(([name, value]) => (value === null ? [name] : []));
  const out = [
    `target ${report.target}${dims.length ? `, ${dims.join(", ")}` : ""}`,
    ...(open.length ? [`(--dim ${open[0]}=… gives numbers where formulas stand)`] : []),
    "",
  ];
  for (const k of report.kernels) {
    out.push(`${k.name}   ${k.lines.join(" ")}`);
    const row = (label: string, text: string): void => void out.push(...wrapped(label, text));
    row("computes", k.computes.join(", "));
    row("loops", k.loops.map((l) => `${l.variable} ${l.extent}`).join(", ") || "none");
    if (k.tile) row("tiles", `${k.tile.join(" × ")}, of packed operands`);
    row("reads", k.reads.map((r) => `${r.name} ${size(r.bytes)}`).join(", ") || "nothing");
    row("writes", k.writes.map((w) => `${w.name} ${size(w.bytes)}`).join(", ") || "nothing");
    const intensity = k.intensity === null ? "" : `, ${k.intensity.toPrecision(3)} for each byte`;
    row("flops", `${count(k.flops)}${intensity}`);
    if (k.because.length) row("own kernel", k.because.join("; "));
    row("used by", k.entries.join(", "));
    out.push("");
  }
  for (const r of report.recurrences) {
    out.push(`recurrence ${r.name} in ${r.steps} ${r.direction === "down" ? "downwards " : ""}  ${r.line}`);
    out.push(...wrapped("members", r.members.join(", ")));
    out.push(...wrapped("keeps", `${r.policy}; ${size(r.bytes)}`), "");
  }
  for (const e of report.entries) {
    out.push(`${e.name}: ${e.kernels.length} kernels, ${count(e.flops)} flops`);
    const peak = e.memory.peak === null ? "" : `, at most ${size(e.memory.peak)} at once`;
    out.push(...wrapped("memory", `${e.memory.tensors} tensors, ${size(e.memory.bytes)}${peak}`));
    if (e.saved.length)
      out.push(
        ...wrapped(
          "saved",
          e.saved.map((s) => `${s.name} ${size(s.bytes)}${s.line ? ` (${s.line})` : ""}`).join(", "),
        ),
      );
    out.push("");
  }
  return out.join("\n");
}

function wrapped(label: string, text: string): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line && line.length + word.length + 15 > WIDTH) {
      lines.push(line);
      line = "";
    }
    line += (line && " ") + word;
  }
  lines.push(line);
  return lines.map((l, k) => `  ${(k === 0 ? label : "").padEnd(12)} ${l}`);
}
function size(bytes: Amount): string {
  if (typeof bytes === "string") return `${bytes.includes(" + ") ? `(${bytes})` : bytes} B`;
  for (const [unit, least] of [
    ["GiB", 2 ** 30],
    ["MiB", 2 ** 20],
    ["KiB", 2 ** 10],
  ] as const)
    if (bytes >= least) return `${(bytes / least).toPrecision(3)} ${unit}`;
  return `${bytes} B`;
}
function count(n: Amount): string {
  if (typeof n === "string") return n;
  return n >= 1e6 ? n.toExponential(2) : String(Math.round(n));
}
