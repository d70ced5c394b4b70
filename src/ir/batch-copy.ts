import type { ValueId } from "./expr.js";
import type { Value } from "./program.js";

/**
 * What is differentiated, without the batch axes that it only has because the direction has them: there it is a copy
 * of one value.
 */
export function sourceOf(
  { id, definition }: Value,
  batch: number,
): { id: ValueId; spread: readonly number[] } {
  const own = { id, spread: [] };
  if (definition.kind !== "equation" || definition.operator || definition.body.op !== "read") return own;
  const { axes, body } = definition;
  const places = body.subscripts.map((s) => axes.findIndex((a) => s.asIndex === a));
  const spread = axes.flatMap((_, k) => (places.includes(k) ? [] : [k]));
  const kept = axes.flatMap((_, k) => (places.includes(k) ? [k] : []));
  const isCopy = places.length === kept.length && places.every((p, k) => p === kept[k]);
  return spread.length > 0 && isCopy && spread.every((k) => k < batch) ? { id: body.value, spread } : own;
}
