import type { Index } from "./expr.js";
import { Poly } from "./poly.js";

/** An axis of so few coordinates is no loop: each is computed by an expression of its own. */
export const FEW = 4;

/** The coordinates of an index where its range is a few known ones. */
export function coordinates(index: Index): readonly number[] | undefined {
  const [lo, hi] = [index.lo.constant, index.hi.constant];
  if (lo === undefined || hi === undefined || hi - lo < 1 || hi - lo > FEW) return undefined;
  return Array.from({ length: hi - lo }, (_, k) => lo + k);
}

/** Every combination of coordinates of indices that have few, the last index fastest. */
export function pointsOf(indices: readonly Index[]): readonly ReadonlyMap<Index, Poly>[] {
  return indices.reduce<ReadonlyMap<Index, Poly>[]>(
    (points, index) =>
      points.flatMap((p) =>
        (coordinates(index) ?? []).map((c) => new Map([...p, [index, Poly.constant(c)]])),
      ),
    [new Map()],
  );
}

/** The points of several indices together, where they are few and known. */
export function fewPoints(indices: readonly Index[]): readonly ReadonlyMap<Index, Poly>[] | null {
  if (!indices.every(coordinates)) return null;
  const points = pointsOf(indices);
  return points.length <= FEW ? points : null;
}

/** Row-major position of a point within the ranges of a reduction; a lone index counts as its own value. */
export function positionIn(indices: readonly Index[]): Poly {
  const [only] = indices;
  if (indices.length === 1 && only) return Poly.index(only);
  return indices.reduce(
    (position, i) => position.mul(i.hi.sub(i.lo)).add(Poly.index(i).sub(i.lo)),
    Poly.constant(0),
  );
}
