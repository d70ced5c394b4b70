import { printKernel } from "./kernel-print.js";
import { entriesOf, type ScheduledEntry, type ScheduledModule } from "./kernel-ir.js";

/** Kernel IR as text. */
export function printModule(module: ScheduledModule): string {
  return [...module.kernels.values()].map(printKernel).join("\n");
}

/** The launches of every entry point with the tensors that they read and write. */
export function printPlan(module: ScheduledModule): string {
  const name = (id: number): string => module.program.values.get(id)?.name ?? `?${id}`;
  const entry = (title: string, e: ScheduledEntry): string => {
    const launches = e.launches.map((l) => {
      const kernel = module.kernels.get(l.kernel);
      const list = l.tensors.flatMap((t, k) => {
        const access = kernel?.buffers[k]?.access;
        return access === "scratch" || access === "shared"
          ? []
          : [`${access === "read" ? "" : "→ "}${name(t)}`];
      });
      return `  ${l.kernel}(${list.join(", ")})`;
    });
    const updates = e.updates.map((u) => `  ${name(u.leaf)} := ${name(u.value)}`);
    return [`${title}: ${e.launches.length} kernels`, ...launches, ...updates].join("\n");
  };
  return `${entriesOf(module)
    .map(([title, e]) => entry(title, e))
    .join("\n\n")}\n`;
}
