import type { ValueId } from "../expr.js";
import { COLOURS, graphOf, type GraphNode } from "./graph.js";
import { idsOf } from "../items.js";
import type { Program } from "../program.js";

/** In Graphviz's language. A recurrence is a cluster. */
export function graphDot(program: Program): string {
  const { nodes, edges } = graphOf(program);
  const quoted = (s: string): string => `"${s.replace(/["\\]/g, "\\$&")}"`;
  const node = ({ id, name, lines, kind }: GraphNode): string =>
    `n${id} [label=${quoted(`${name}\n${lines.join("\n")}`).replaceAll("\n", "\\n")}, fillcolor="${COLOURS[kind]}"${kind === "leaf" ? ", shape=box" : ""}];`;
  const grouped = new Map<ValueId, number>();
  program.items.forEach((item, k) => {
    if (typeof item !== "number") for (const id of idsOf(item)) grouped.set(id, k);
  });
  const clusters = program.items.flatMap((item, k) => {
    if (typeof item === "number") return [];
    const inside = nodes.filter((n) => grouped.get(n.id) === k).map((n) => `    ${node(n)}`);
    return [`  subgraph cluster_${k} {`, `    label=${quoted(`rec ${item.name}`)};`, ...inside, "  }"];
  });
  return [
    "digraph {",
    "  rankdir=TB;",
    '  node [shape=ellipse, style=filled, fontname="sans-serif", fontsize=11];',
    ...nodes.filter((n) => !grouped.has(n.id)).map((n) => `  ${node(n)}`),
    ...clusters,
    ...edges.map((e) => `  n${e.from} -> n${e.to};`),
    "}",
    "",
  ].join("\n");
}
