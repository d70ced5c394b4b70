import { addMapping, GenMapping, setSourceContent, toEncodedMap } from "@jridgewell/gen-mapping";
import type { Span } from "../../diagnostics/span.js";
import { entriesOf, type Kernel, type Launch, type ScheduledModule } from "../../schedule/kernel/ir.js";
import { jsKernelLines } from "../js/kernel.js";
import type { PartedKernel } from "../parts.js";

interface MappedLine {
  readonly text: string;
  readonly span?: Span;
}

/** A text that grows by lines, some of which come from a place in the source. */
export class ModuleText {
  private readonly lines: MappedLine[] = [];

  add(text: string, span?: Span): void {
    for (const line of text.split("\n")) this.lines.push(span ? { text: line, span } : { text: line });
  }
  finish(
    file: string,
    sources: ReadonlyMap<string, string> = new Map(),
  ): { readonly code: string; readonly map: string } {
    const map = new GenMapping({ file });
    const named = new Set<string>();
    this.lines.forEach(({ text, span }, k) => {
      if (!span) return;
      named.add(span.file);
      addMapping(map, {
        generated: { line: k + 1, column: text.search(/\S|$/) },
        source: span.file,
        original: { line: span.start.line, column: span.start.column - 1 },
      });
    });
    for (const source of named) setSourceContent(map, source, sources.get(source) ?? null);
    return { code: `${this.lines.map((l) => l.text).join("\n")}\n`, map: JSON.stringify(toEncodedMap(map)) };
  }
}

/** The kernels' lines, each with the place of the equation whose value it helps to compute. */
export function mappedKernels(module: ScheduledModule, kernels: readonly PartedKernel[]): MappedLine[] {
  // A kernel that serves several launches is written down where the first one's equations are.
  const launches = new Map<string, Launch>();
  for (const [, entry] of entriesOf(module))
    for (const launch of entry.launches)
      if (!launches.has(launch.kernel)) launches.set(launch.kernel, launch);
  return kernels.flatMap(({ kernel, calls, parts }) => {
    const stored = spansOfBuffers(module, kernel, launches.get(kernel.name));
    const lines = [
      ...parts.flatMap((part) => [...jsKernelLines(part), { text: "" }]),
      ...jsKernelLines(kernel, calls),
    ];
    const mapped: MappedLine[] = [{ text: "" }];
    // A line works towards the next store, or, after the last one, belongs to that.
    const last = lines.findLast((l) => l.stores !== undefined)?.stores;
    let span = (last !== undefined ? stored.get(last) : undefined) ?? kernel.spans[0];
    for (const line of [...lines].reverse()) {
      if (line.stores !== undefined) span = stored.get(line.stores) ?? span;
      mapped.push({ text: line.text, ...(span && !line.text.startsWith("//") ? { span } : {}) });
    }
    return mapped.reverse();
  });
}

function spansOfBuffers(
  { program }: ScheduledModule,
  kernel: Kernel,
  launch: Launch | undefined,
): ReadonlyMap<string, Span> {
  return new Map(
    kernel.buffers.flatMap((b, k): [string, Span][] => {
      const id = launch?.tensors[k];
      const span = id === undefined ? undefined : program.values.get(id)?.span;
      return span ? [[b.name, span]] : [];
    }),
  );
}
