import type { ValueId } from "../expr.js";
import { idsOf } from "../items.js";
import { sizeText } from "../text/print.js";
import type { Program, Value } from "../program.js";
import { mentions } from "../reach.js";

/** The equations as a graph: who reads whom. */
export interface EquationGraph {
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly { readonly from: ValueId; readonly to: ValueId }[];
}
export interface GraphNode {
  readonly id: ValueId;
  readonly name: string;
  /** `f32[B, H]`, and what makes it: `sum over i`. */
  readonly lines: readonly string[];
  readonly kind: "leaf" | "value" | "result" | "gradient";
}

export function graphOf(program: Program): EquationGraph {
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

export const COLOURS = { leaf: "#e8e8e8", value: "#ffffff", result: "#d5e8d4", gradient: "#dae8fc" } as const;
