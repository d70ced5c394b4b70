import type { ValueId } from "../../ir/expr.js";
import { unusedName } from "../../ir/fresh.js";
import { mentions, readsOfEquation, resultsOf } from "../../ir/reach.js";
import { rewriteDefinition } from "../../ir/rewrite.js";
import { idsOf } from "../../ir/items.js";
import { Poly } from "../../ir/poly.js";
import type { DimDeclaration, DimDefinition, Item, Program, RecurrenceGroup } from "../../ir/program.js";
import { Workspace } from "../workspace.js";
import { extentsOf, type Extent } from "./extents.js";
import { following, type Following } from "./follow.js";
import { joined } from "./join.js";
import type { Cut } from "./placement.js";
import { Segments } from "./segments.js";

/**
 * Recurrences with `checkpoint sqrt` or `checkpoint N`: the backward pass goes segment by segment, from the last one to
 * the first, and computes the steps of each again from the entries that the forward pass saved at its begin. For T steps
 * with segments of N that keeps T / N + N entries instead of T and computes every step twice (Griewank and Walther 2008,
 * "Evaluating Derivatives", 12.2; with N = sqrt(T), Chen et al. 2016, arXiv:1604.06174).
 * What else reads all entries, and cannot be computed while the steps run, still has them kept.
 */
export function checkpoint(program: Program): Program {
  let current = program;
  const done = new Set<string>();
  for (;;) {
    const group = current.items.find(
      (item): item is RecurrenceGroup => typeof item !== "number" && isCut(item) && !done.has(keyOf(item)),
    );
    if (!group) return current;
    done.add(keyOf(group));
    current = cutOne(current, group) ?? current;
  }
}

const isCut = ({ checkpoint: policy }: RecurrenceGroup): boolean =>
  policy === "sqrt" || typeof policy === "number";
const keyOf = (group: RecurrenceGroup): string => idsOf(group).join(" ");

function cutOne(program: Program, group: RecurrenceGroup): Program | null {
  const follow = following(program, group);
  if (!follow) return null;
  const { followed } = follow;
  const isForward = (item: Item): boolean => idsOf(item).some((id) => followed.get(id)?.phase === "forward");
  const isFollowing = (item: Item): boolean => idsOf(item).some((id) => followed.has(id));
  const extents = extentsOf(follow);
  // Nothing would compute the steps again, or nothing be saved by it.
  if (![...followed.values()].some((one) => one.phase === "backward" && one.group)) return null;
  const carried = idsOf(group).filter((id) => (extents.get(id)?.low ?? 0) > 0);
  if (carried.length === 0 || carried.every((id) => isReadWhole(program, follow, id))) return null;
  const dims = [...program.dims];
  const cut = cutOf(group, dims, mostBefore(follow, extents));
  const work = new Workspace(program);
  const forward = joined(work, group, follow);
  const segments = new Segments(work, follow, extents, cut, `${group.name}_segment`);
  const backward = segments.build();
  const results = segments.results();
  const at = program.items.indexOf(group);
  const before = program.items.slice(0, at);
  const later = program.items.slice(at + 1).filter((item) => !isFollowing(item) && !isForward(item));
  const level = (n: number): Item[] => later.filter((item) => follow.levelOf(item) === n);
  const last = level(2);
  for (const id of last.flatMap(idsOf)) {
    const value = work.value(id);
    const definition = rewriteDefinition(value.definition, { read: (node) => segments.firstEntry(node) });
    work.values.set(id, { ...value, definition });
  }
  // What has been cut is an ordinary recurrence, and is not met again.
  const whole: RecurrenceGroup = { ...forward.group, checkpoint: group.checkpoint };
  const items = [
    ...before,
    ...level(0),
    whole,
    ...forward.after,
    ...segments.saved,
    ...level(1),
    backward,
    ...results,
    ...last,
  ];
  return { ...program, dims, items, values: work.values };
}

/** Whether all entries of a value have to be kept: it is a result, or what does not go along with the steps reads it. */
function isReadWhole(program: Program, { followed }: Following, id: ValueId): boolean {
  if (resultsOf(program).has(id)) return true;
  const axis = followed.get(id)?.axis ?? -1;
  const others = program.items.flatMap(idsOf).filter((other) => !followed.has(other));
  return others.some((other) => {
    const definition = program.values.get(other)?.definition;
    if (!definition || !mentions(definition).includes(id)) return false;
    if (definition.kind !== "equation") return true;
    return readsOfEquation(definition).some(
      (node) => node.value === id && node.subscripts[axis]?.indices.size !== 0,
    );
  });
}

/** So many entries from before a segment its steps begin with. */
function mostBefore({ followed }: Following, extents: ReadonlyMap<ValueId, Extent>): number {
  const members = [...followed.values()].filter((one) => one.phase === "forward" && one.group);
  return Math.max(1, ...members.map((one) => extents.get(one.id)?.low ?? 0));
}

/**
 * How many steps a segment has, at least as many as entries from before it that it begins with; and how many segments
 * there are, at least one. Sizes of their own where that is known when dims are bound.
 */
function cutOf(group: RecurrenceGroup, dims: DimDeclaration[], least: number): Cut {
  const { checkpoint: policy, lo, hi } = group;
  const steps = hi.sub(lo);
  const known = steps.constant;
  const size = (label: string, definition: DimDefinition): Poly => {
    const name = unusedName(`${group.name}_${label}`, (taken) => dims.some((d) => d.name === taken));
    dims.push({ name, definition });
    return Poly.dim(name);
  };
  const length =
    typeof policy === "number"
      ? Poly.constant(Math.max(least, policy))
      : known === undefined
        ? size("length", { numerator: steps, divisor: Poly.constant(1), floor: false, root: true, least })
        : Poly.constant(Math.max(least, Math.ceil(Math.sqrt(known))));
  const each = length.constant;
  if (known !== undefined && each !== undefined)
    return { length, later: Poly.constant(Math.max(0, Math.ceil(known / each) - 1)) };
  // Rounded up, less one.
  const later = { numerator: steps.sub(1), divisor: length, floor: true, least: 0 };
  return { length, later: size("later", later) };
}
