import type { ValueId } from "../expr.js";
import { COLOURS, graphOf, type EquationGraph, type GraphNode } from "./graph.js";
import { idsOf } from "../items.js";
import type { Program } from "../program.js";

/** Where a node stands: x is its middle. */
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
  const graph = graphOf(program);
  return drawn(graph, layersOf(graph, program.items.flatMap(idsOf)));
}

/** The layers, from the top; `order` is that in which values are computed. */
function layersOf(
  { nodes, edges }: EquationGraph,
  order: readonly ValueId[],
): readonly (readonly Placed[])[] {
  const position = new Map(order.map((id, k) => [id, k]));
  const readsOf = new Map<ValueId, ValueId[]>();
  const readersOf = new Map<ValueId, ValueId[]>();
  for (const { from, to } of edges) {
    if ((position.get(from) ?? -1) >= (position.get(to) ?? 0)) continue;
    readsOf.set(to, [...(readsOf.get(to) ?? []), from]);
    readersOf.set(from, [...(readersOf.get(from) ?? []), to]);
  }
  const layers = new Map<ValueId, number>();
  for (const id of order)
    layers.set(id, 1 + Math.max(-1, ...(readsOf.get(id) ?? []).map((s) => layers.get(s) ?? 0)));
  const rows: Placed[][] = [];
  for (const node of nodes) {
    // A leaf stands just above its first reader.
    const below = (readersOf.get(node.id) ?? []).map((r) => layers.get(r) ?? 1);
    const layer =
      node.kind === "leaf" ? Math.max(0, Math.min(...below, rows.length) - 1) : (layers.get(node.id) ?? 0);
    const width = 24 + 7 * Math.max(...[node.name, ...node.lines].map((s) => s.length));
    while (rows.length <= layer) rows.push([]);
    rows[layer]?.push({ node, layer, x: 0, width });
  }
  rows.forEach(spread);
  sweep(rows, readsOf, readersOf);
  return rows;
}
function spread(row: readonly Placed[]): void {
  let x = 0;
  for (const p of row) {
    p.x = x + p.width / 2;
    x += p.width + GAP;
  }
  for (const p of row) p.x -= (x - GAP) / 2;
}
function sweep(
  rows: readonly Placed[][],
  readsOf: ReadonlyMap<ValueId, readonly ValueId[]>,
  readersOf: ReadonlyMap<ValueId, readonly ValueId[]>,
): void {
  const placed = byId(rows);
  for (let round = 0; round < 6; round++)
    for (const row of round % 2 ? [...rows].reverse() : rows) {
      const neighbours = round % 2 ? readersOf : readsOf;
      const at = (p: Placed): number => {
        const xs = (neighbours.get(p.node.id) ?? []).flatMap((id) => placed.get(id)?.x ?? []);
        return xs.length ? xs.reduce((a, b) => a + b, 0) / xs.length : p.x;
      };
      const means = new Map(row.map((p) => [p, at(p)]));
      row.sort((a, b) => (means.get(a) ?? 0) - (means.get(b) ?? 0));
      spread(row);
    }
}
const byId = (rows: readonly (readonly Placed[])[]): ReadonlyMap<ValueId, Placed> =>
  new Map(rows.flat().map((p) => [p.node.id, p]));

function drawn({ nodes, edges }: EquationGraph, rows: readonly (readonly Placed[])[]): string {
  const placed = byId(rows);
  const all = nodes.flatMap((n) => placed.get(n.id) ?? []);
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
      `<path d="M${rounded(a.x)} ${y1} C${rounded(a.x)} ${y1 + bend} ${rounded(b.x)} ${y2 - bend} ${rounded(b.x)} ${y2}"${dashed}/>`,
    );
  }
  const boxes = all.map((p) => {
    const y = top(p.layer);
    const radius = p.node.kind === "leaf" ? 2 : 12;
    const text = [p.node.name, ...p.node.lines].map(
      (line, k) =>
        `<text x="${rounded(p.x)}" y="${y + 6 + LINE * (k + 0.8)}"${k === 0 ? ' font-weight="bold"' : ""}>${escaped(line)}</text>`,
    );
    return `<rect x="${rounded(p.x - p.width / 2)}" y="${y}" width="${p.width}" height="${height(p)}" rx="${radius}" fill="${COLOURS[p.node.kind]}"/>${text.join("")}`;
  });
  const tall = top(rows.length) + GAP;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="${rounded(left)} 0 ${rounded(right - left)} ${tall}" font-family="sans-serif" font-size="11" text-anchor="middle">
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
const rounded = (x: number): number => Math.round(x * 10) / 10;
const escaped = (s: string): string =>
  s.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
