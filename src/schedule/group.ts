import type { Index, ReadExpr, ValueId } from "../ir/expr.js";
import { readsOf } from "../ir/expr.js";
import type { Poly } from "../ir/poly.js";
import type { Equation, Item, Program, RecurrenceGroup, Scatter } from "../ir/program.js";
import { mentions } from "../ir/reach.js";
import type { Decision, TargetDescription } from "./kernel-ir.js";

/** Equations computed by one kernel: all have the grid's axes first, and read each other at their own point of it. */
export interface FusedGroup {
  readonly kind: "fused";
  readonly grid: readonly Poly[];
  readonly members: ValueId[];
  /** Two grid axes worth a register tile (positions), where the first member is a contraction. */
  readonly tile: Tile | null;
}
export interface Tile {
  readonly row: number;
  readonly column: number;
  /** What the operands are contiguous along. */
  readonly along: "columns" | "reduction";
}
export interface ScatterGroup {
  readonly kind: "scatter";
  readonly value: ValueId;
  readonly scatter: Scatter;
}
export interface RecurrenceKernel {
  readonly kind: "recurrence";
  readonly group: RecurrenceGroup;
}
export type KernelGroup = FusedGroup | ScatterGroup | RecurrenceKernel;

function readsOfEquation(equation: Equation): ReadExpr[] {
  const guard = equation.operator?.guard;
  return readsOf(guard ? [equation.body, guard] : [equation.body]);
}

/**
 * Partition into kernels, greedily in program order: an equation joins the kernel of its latest producer when it
 * iterates over that kernel's grid and reads the kernel's values at its own grid point only.
 */
export function groupKernels(
  program: Program,
  target: TargetDescription,
  decisions: Decision[],
): KernelGroup[] {
  const groups: KernelGroup[] = [];
  const groupOf = new Map<ValueId, number>();
  const aliasOf = (id: ValueId): ValueId => {
    const definition = program.values.get(id)?.definition;
    return definition?.kind === "reshape" ? aliasOf(definition.of) : id;
  };
  const place = (item: Item): void => {
    if (typeof item !== "number") {
      groups.push({ kind: "recurrence", group: item });
      for (const id of item.time.keys()) groupOf.set(id, groups.length - 1);
      return;
    }
    const value = program.values.get(item);
    if (!value) return;
    const { definition } = value;
    if (definition.kind === "scatter") {
      groups.push({ kind: "scatter", value: item, scatter: definition });
      groupOf.set(item, groups.length - 1);
    } else if (definition.kind === "equation") {
      const earliest = Math.max(-1, ...mentions(definition).map((id) => groupOf.get(aliasOf(id)) ?? -1));
      const host = groups[earliest];
      const refusal = host ? whyNot(program, host, definition, target) : "reads no computed value";
      if (host?.kind === "fused" && refusal === null) {
        host.members.push(item);
        groupOf.set(item, earliest);
        return;
      }
      decisions.push({ value: item, why: refusal ?? "" });
      const grid = definition.axes.map((a) => a.hi);
      groups.push({ kind: "fused", grid, members: [item], tile: tileOf(definition) });
      groupOf.set(item, groups.length - 1);
    }
  };
  for (const item of program.items) place(item);
  return groups;
}

/** Why an equation cannot be computed in a kernel that stands already; null where it can. */
function whyNot(
  program: Program,
  host: KernelGroup,
  equation: Equation,
  target: TargetDescription,
): string | null {
  if (host.kind !== "fused") return `its producer is a ${host.kind}`;
  const { grid, members } = host;
  if (grid.length > equation.axes.length || !grid.every((size, k) => equation.axes[k]?.hi.equals(size)))
    return "its axes do not begin with the producer's grid";
  if (grid.length === 0 && equation.axes.length > 0)
    return "the producer is a scalar; its kernel would run in sequence";
  const contraction = tileOf(equation) !== null;
  if (contraction) return "a contraction has a kernel of its own";
  if (host.tile && (equation.operator || equation.axes.length !== grid.length))
    return "the producer is a tiled contraction that takes elementwise epilogues only";
  const inside = new Set(members);
  for (const node of readsOfEquation(equation)) {
    if (!inside.has(node.value)) {
      const through = program.values.get(node.value)?.definition;
      if (through?.kind === "reshape") return "it reads through a reshape";
      continue;
    }
    if (!grid.every((_, k) => node.subscripts[k]?.asIndex === equation.axes[k]))
      return "it reads the producer at other points of its grid";
  }
  const buffers = new Set(
    members.flatMap((id) => [id, ...mentions(program.values.get(id)?.definition ?? equation)]),
  );
  for (const id of mentions(equation)) buffers.add(id);
  if (buffers.size + 1 > target.maxBuffers) return `more than ${target.maxBuffers} buffers`;
  return null;
}

/**
 * A sum of which one operand lacks a column axis and another lacks a row axis: each value loaded serves a whole row
 * or column of the tile.
 */
function tileOf(equation: Equation): Tile | null {
  const { operator, axes } = equation;
  if (operator?.kind !== "reduce" || operator.reducer !== "sum" || axes.length < 2) return null;
  const reads = readsOf([equation.body]);
  const has = (node: ReadExpr, axis: Index): boolean => node.subscripts.some((s) => s.indices.has(axis));
  const reduced = (node: ReadExpr): boolean =>
    node.subscripts.some((s) => operator.indices.some((i) => s.indices.has(i)));
  const inner = reads.filter(reduced);
  for (let column = axes.length - 1; column > 0; column--)
    for (let row = column - 1; row >= 0; row--) {
      const [r, c] = [axes[row], axes[column]];
      if (!r || !c) continue;
      if (inner.some((n) => has(n, r) && !has(n, c)) && inner.some((n) => has(n, c) && !has(n, r)))
        return { row, column, along: contiguousAlong(c, column === axes.length - 1, inner) };
    }
  return null;
}

/** Row-major: an index that only ever stands in the last subscript, alone or shifted, walks through memory. */
function contiguousAlong(column: Index, innermost: boolean, reads: readonly ReadExpr[]): Tile["along"] {
  const walks = reads.every((node) => {
    const last = node.subscripts.length - 1;
    return node.subscripts.every(
      (s, k) => !s.indices.has(column) || (k === last && s.split(column)?.coefficient.constant === 1),
    );
  });
  return innermost && walks ? "columns" : "reduction";
}
