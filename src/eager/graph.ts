import { zeros } from "./create.js";
import { AutogradError, EagerError } from "./errors.js";
import { showShape, sizeOf, type Shape } from "./shape.js";
import type { Edge, Node } from "./tape.js";
import { edgeOf, noGrad } from "./tape.js";
import { Tensor } from "./tensor.js";

/** The derivative of one operation's result by one of its operands: the Jacobian, of shape [...result, ...operand]. */
export interface LocalDerivative {
  readonly shape: Shape;
  /** Of a number by a number. */
  readonly value: number | null;
  /** The Frobenius norm; null where the Jacobian has too many entries to lay out. */
  readonly norm: number | null;
}
export interface GraphNode {
  readonly id: number;
  /** The operation, or a leaf's name. */
  readonly name: string;
  readonly shape: Shape;
  readonly leaf: boolean;
}
export interface GraphEdge {
  /** The operation's node. */
  readonly from: number;
  /** Its operand's. */
  readonly to: number;
  readonly derivative: LocalDerivative;
}
export interface GraphOptions {
  /** What leaves are called. */
  readonly names?: Readonly<Record<string, Tensor>>;
  /** Jacobians of more entries have no norm. Default 65536. */
  readonly entries?: number;
}

/** A cotangent for one output of a node, alone. */
export const only = (node: Node, output: number, g: Tensor): (Tensor | null)[] =>
  node.outputs.map((_, k) => (k === output ? g : null));

export function localDerivative(
  node: Node,
  output: number,
  operand: number,
  entries: number,
): LocalDerivative {
  const result = node.outputs[output]!;
  const edge = node.edges[operand]!;
  const source = edge.node.outputs[edge.output]!;
  const shape = [...result.shape, ...source.shape];
  const rows = sizeOf(result.shape);
  if (sizeOf(shape) > entries) return { shape, value: null, norm: null };
  return noGrad(() => {
    let squares = 0;
    let value = 0;
    for (let row = 0; row < rows; row++) {
      const unit = zeros([rows], { dtype: result.dtype });
      unit.select(0, row).fill_(1);
      const entriesOfRow = node.apply(only(node, output, unit.reshape(...result.shape)))[operand];
      if (!entriesOfRow) continue;
      squares += entriesOfRow.to("f64").square().sum().item();
      if (shape.length === 0) value = entriesOfRow.item();
    }
    return { shape, value: shape.length === 0 ? value : null, norm: Math.sqrt(squares) };
  });
}

export function rootOf(loss: Tensor): Edge {
  const edge = edgeOf(loss);
  if (!edge) throw new AutogradError("this tensor needs no gradient, so there is no graph of it");
  return edge;
}
/** Nodes below, results first, each with the outputs that something reads. */
export function reach(root: Edge): Map<Node, Set<number>> {
  const found = new Map<Node, Set<number>>([[root.node, new Set([root.output])]]);
  const stack = [root.node];
  for (let node = stack.pop(); node; node = stack.pop())
    for (const edge of node.edges) {
      if (!edge) continue;
      const outputs = found.get(edge.node);
      if (outputs) outputs.add(edge.output);
      else {
        found.set(edge.node, new Set([edge.output]));
        stack.push(edge.node);
      }
    }
  return new Map([...found].sort(([a], [b]) => b.id - a.id));
}

/** Of letters as wide where the picture is looked at as Graphviz takes them to be, so that labels keep apart. */
const FONT = 'fontname="Courier", fontsize=12';

/** The computation graph of a tensor, with the local derivative on every edge. */
export class Graph {
  constructor(
    readonly nodes: readonly GraphNode[],
    readonly edges: readonly GraphEdge[],
  ) {}

  /** In Graphviz's language; edges run from operands to results, as the computation did. */
  dot(): string {
    const text = (s: string): string => `"${s.replace(/["\\]/g, "\\$&")}"`;
    const nodes = this.nodes.map(({ id, name, shape, leaf }) => {
      const label = `${name}${shape.length ? ` ${showShape(shape)}` : ""}`;
      return `  n${id} [label=${text(label)}, shape=${leaf ? "box, style=filled, fillcolor=lightgrey" : "ellipse"}];`;
    });
    const edges = this.edges.map(
      (e) => `  n${e.to} -> n${e.from} [label=${text(` ${show(e.derivative)} `)}];`,
    );
    return [
      "digraph {",
      "  rankdir=BT;",
      `  node [${FONT}];`,
      `  edge [dir=forward, ${FONT}];`,
      ...nodes,
      ...edges,
      "}",
      "",
    ].join("\n");
  }
  /** Drawn by @viz-js/viz, which the caller installs. @throws EagerError where it is not there */
  async svg(): Promise<string> {
    try {
      const { instance } = await import("@viz-js/viz");
      const svg = (await instance()).renderString(this.dot(), { format: "svg" });
      // Where there is no Courier, another of its width.
      return svg.replaceAll('font-family="Courier"', 'font-family="Courier, monospace"');
    } catch (error) {
      if (error instanceof Error && /Cannot find|Failed to (load|resolve)|not found/i.test(error.message))
        throw new EagerError("drawing needs the package @viz-js/viz: npm install @viz-js/viz");
      throw error;
    }
  }
}
export const digits = (x: number): string => String(Number(x.toPrecision(6)));
export function show({ shape, value, norm }: LocalDerivative): string {
  if (value !== null) return digits(value);
  return `${showShape(shape)}${norm === null ? "" : ` norm ${digits(norm)}`}`;
}

/**
 * The graph that `loss` was computed by, as far as gradients go. Call it before a `backward` that frees the graph.
 * @throws AutogradError where there is no graph, it was freed, or a value was changed in place since
 */
export function graph(loss: Tensor, { names = {}, entries = 65536 }: GraphOptions = {}): Graph {
  const found = reach(rootOf(loss));
  const named = new Map(Object.entries(names).map(([name, t]) => [t, name]));
  const nodes = [...found.keys()].map((node) => ({
    id: node.id,
    name: (node.leaf && named.get(node.leaf)) ?? node.name,
    shape: node.outputs[0]?.shape ?? [],
    leaf: node.leaf !== null,
  }));
  const edges = [...found].flatMap(([node, outputs]) =>
    node.edges.flatMap((edge, operand) =>
      edge
        ? [...outputs].map((output) => ({
            from: node.id,
            to: edge.node.id,
            derivative: localDerivative(node, output, operand, entries),
          }))
        : [],
    ),
  );
  return new Graph(nodes, edges);
}

/**
 * Bytes of `results` and of all that their graphs keep for a backward run, elements that several tensors share counted
 * once; leaves are their owners' and do not count.
 */
export function heldBytes(results: readonly Tensor[]): number {
  const graphs = results.flatMap((t) => edgeOf(t) ?? []).map((edge) => reach(edge));
  const held = graphs.flatMap((graph) => [...graph.keys()].flatMap((node) => node.held));
  const storages = new Set([...results, ...held].filter((t) => !t.isLeafRequiringGrad).map((t) => t.storage));
  return [...storages].reduce((bytes, { data }) => bytes + data.byteLength, 0);
}
