import type { ValueId } from "./expr.js";
import { idsOf } from "./items.js";
import { sizeText } from "./print.js";
import type { Program, Value } from "./program.js";
import { mentions } from "./reach.js";

/** The equations as a graph: who reads whom. */
interface EquationGraph {
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly { readonly from: ValueId; readonly to: ValueId }[];
}
interface GraphNode {
  readonly id: ValueId;
  readonly name: string;
  /** `f32[B, H]`, and what makes it: `sum over i`. */
  readonly lines: readonly string[];
  readonly kind: "leaf" | "value" | "result" | "gradient";
}

function graphOf(program: Program): EquationGraph {
  const results = new Set(program.outputs.map((o) => o.value));
  const gradients = new Set(program.gradients.map((g) => g.value));
  const read = new Set<ValueId>();
  const ids = program.items.flatMap(idsOf);
  const edges = ids.flatMap((to) => {
    const value = program.values.get(to);
    const sources = value ? [...new Set(mentions(value.definition))] : [];
    return sources.filter((from) => from !== to).map((from) => (read.add(from), { from, to }));
  });
  const nodes = [...program.values.values()].flatMap((v): GraphNode[] => {
    const leaf = v.definition.kind === "leaf";
    if (leaf && !read.has(v.id)) return [];
    const kind = leaf ? "leaf" : results.has(v.id) ? "result" : gradients.has(v.id) ? "gradient" : "value";
    return [{ id: v.id, name: v.name, lines: [typeText(v), ...operatorText(v)], kind }];
  });
  return { nodes, edges };
}
const typeText = (v: Value): string =>
  `${v.dtype}${v.shape.length ? `[${v.shape.map(sizeText).join(", ")}]` : ""}`;
function operatorText({ definition }: Value): string[] {
  switch (definition.kind) {
    case "leaf":
      return [definition.role];
    case "equation": {
      const { operator } = definition;
      if (!operator) return [];
      const over =
        operator.kind === "reduce" ? operator.indices.map((i) => i.name).join(", ") : operator.index.name;
      return [`${operator.kind === "reduce" ? operator.reducer : operator.name} over ${over}`];
    }
    default:
      return [definition.kind];
  }
}

const COLOURS = { leaf: "#e8e8e8", value: "#ffffff", result: "#d5e8d4", gradient: "#dae8fc" } as const;

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

interface Placed {
  readonly node: GraphNode;
  readonly layer: number;
  x: number;
  readonly width: number;
}
const LINE = 15;
const GAP = 24;
const LAYER = 96;

/**
 * Drawn in layers (Sugiyama, Tagawa, Toda 1981): a value stands below all that it reads; within a layer values are
 * ordered by the mean place of their neighbours, swept down and up a few times. Edges that lead back, within a
 * recurrence, are dashed.
 */
export function graphSvg(program: Program): string {
  const { nodes, edges } = graphOf(program);
  const order = new Map(program.items.flatMap(idsOf).map((id, k) => [id, k]));
  const forward = edges.filter((e) => (order.get(e.from) ?? -1) < (order.get(e.to) ?? 0));
  const layers = new Map<ValueId, number>();
  const readsOf = new Map<ValueId, ValueId[]>();
  const readersOf = new Map<ValueId, ValueId[]>();
  for (const { from, to } of forward) {
    readsOf.set(to, [...(readsOf.get(to) ?? []), from]);
    readersOf.set(from, [...(readersOf.get(from) ?? []), to]);
  }
  for (const id of program.items.flatMap(idsOf))
    layers.set(id, 1 + Math.max(-1, ...(readsOf.get(id) ?? []).map((s) => layers.get(s) ?? 0)));
  const placed = new Map<ValueId, Placed>();
  const rows: Placed[][] = [];
  for (const node of nodes) {
    // A leaf stands just above its first reader.
    const below = (readersOf.get(node.id) ?? []).map((r) => layers.get(r) ?? 1);
    const layer =
      node.kind === "leaf" ? Math.max(0, Math.min(...below, rows.length) - 1) : (layers.get(node.id) ?? 0);
    const width = 24 + 7 * Math.max(...[node.name, ...node.lines].map((s) => s.length));
    const made: Placed = { node, layer, x: 0, width };
    placed.set(node.id, made);
    while (rows.length <= layer) rows.push([]);
    rows[layer]?.push(made);
  }
  const spread = (row: readonly Placed[]): void => {
    let x = 0;
    for (const p of row) {
      p.x = x + p.width / 2;
      x += p.width + GAP;
    }
    for (const p of row) p.x -= (x - GAP) / 2;
  };
  rows.forEach(spread);
  for (let sweep = 0; sweep < 6; sweep++)
    for (const row of sweep % 2 ? [...rows].reverse() : rows) {
      const neighbours = sweep % 2 ? readersOf : readsOf;
      const at = (p: Placed): number => {
        const xs = (neighbours.get(p.node.id) ?? []).flatMap((id) => placed.get(id)?.x ?? []);
        return xs.length ? xs.reduce((a, b) => a + b, 0) / xs.length : p.x;
      };
      const means = new Map(row.map((p) => [p, at(p)]));
      row.sort((a, b) => (means.get(a) ?? 0) - (means.get(b) ?? 0));
      spread(row);
    }
  const all = [...placed.values()];
  const left = Math.min(0, ...all.map((p) => p.x - p.width / 2)) - GAP;
  const right = Math.max(0, ...all.map((p) => p.x + p.width / 2)) + GAP;
  const top = (layer: number): number => GAP + layer * LAYER;
  const height = (p: Placed): number => 12 + LINE * (1 + p.node.lines.length);
  const lines: string[] = [];
  for (const { from, to } of edges) {
    const [a, b] = [placed.get(from), placed.get(to)];
    if (!a || !b) continue;
    const [y1, y2] = [top(a.layer) + height(a), top(b.layer)];
    const dashed = y2 < y1 ? ' stroke-dasharray="4 3"' : "";
    const bend = Math.max(24, Math.abs(y2 - y1) / 2);
    lines.push(
      `<path d="M${round(a.x)} ${y1} C${round(a.x)} ${y1 + bend} ${round(b.x)} ${y2 - bend} ${round(b.x)} ${y2}"${dashed}/>`,
    );
  }
  const boxes = all.map((p) => {
    const y = top(p.layer);
    const radius = p.node.kind === "leaf" ? 2 : 12;
    const text = [p.node.name, ...p.node.lines].map(
      (line, k) =>
        `<text x="${round(p.x)}" y="${y + 6 + LINE * (k + 0.8)}"${k === 0 ? ' font-weight="bold"' : ""}>${escaped(line)}</text>`,
    );
    return `<rect x="${round(p.x - p.width / 2)}" y="${y}" width="${p.width}" height="${height(p)}" rx="${radius}" fill="${COLOURS[p.node.kind]}"/>${text.join("")}`;
  });
  const tall = top(rows.length) + GAP;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="${round(left)} 0 ${round(right - left)} ${tall}" font-family="sans-serif" font-size="11" text-anchor="middle">
<defs><marker id="end" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z"/></marker></defs>
<g fill="none" stroke="#777">
${lines.map((l) => l.replace("/>", ' marker-end="url(#end)"/>')).join("\n")}
</g>
<g stroke="#444" stroke-width="0.8">
${boxes.map((b) => b.replaceAll("<text ", '<text stroke="none" ')).join("\n")}
</g>
</svg>
`;
}
const round = (x: number): number => Math.round(x * 10) / 10;
const escaped = (s: string): string =>
  s.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
