import { Poly } from "./poly.js";
import { provablyNonNegative } from "./bounds.js";
import type { RecurrenceGroup } from "./program.js";

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

  // Of a member whose step `s` makes the entry `s + shift`, along an axis of so many entries:

  /** The entry that the last step makes. */
  last(shift: number): Poly {
    return this.coordinate(this.count.sub(1)).add(shift);
  }
  /** How many entries come before those of the steps. */
  before(shift: number, size: Poly): Poly {
    return this.direction === 1 ? this.lo.add(shift) : size.sub(this.hi.add(shift));
  }
  /** How many entries come after those of the steps. */
  after(shift: number, size: Poly): Poly {
    return this.direction === 1 ? size.sub(this.hi.add(shift)) : this.lo.add(shift);
  }
  /** Whether there is an entry for every step. */
  fit(shift: number, size: Poly): boolean {
    return provablyNonNegative(this.before(shift, size)) && provablyNonNegative(this.after(shift, size));
  }
}
