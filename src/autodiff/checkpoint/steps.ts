import { Poly } from "../../ir/poly.js";
import type { RecurrenceGroup } from "../../ir/program.js";

/**
 * The steps of a recurrence in the order in which they run, whichever way that is: step number `ordinal` 0 is the first.
 * Coordinates along a time axis have an ordinal likewise.
 */
export class Steps {
  readonly lo: Poly;
  readonly hi: Poly;
  readonly direction: 1 | -1;
  constructor({ lo, hi, direction }: Pick<RecurrenceGroup, "lo" | "hi" | "direction">) {
    this.lo = lo;
    this.hi = hi;
    this.direction = direction;
  }
  get count(): Poly {
    return this.hi.sub(this.lo);
  }
  ordinal(coordinate: Poly): Poly {
    return this.direction === 1 ? coordinate.sub(this.lo) : this.hi.sub(1).sub(coordinate);
  }
  coordinate(ordinal: Poly): Poly {
    return this.direction === 1 ? ordinal.add(this.lo) : this.hi.sub(1).sub(ordinal);
  }
  /** The ordinals of a half-open range of coordinates, half open. */
  ordinals(lo: Poly, hi: Poly): readonly [Poly, Poly] {
    return this.direction === 1 ? [lo.sub(this.lo), hi.sub(this.lo)] : [this.hi.sub(hi), this.hi.sub(lo)];
  }
}
