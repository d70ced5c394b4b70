/** A fault of ours, never of the user's program or data. */
export class InternalError extends Error {
  override readonly name = "InternalError";
  constructor(message: string) {
    super(`internal error (please report it): ${message}`);
  }
}

/** @throws InternalError where `condition` does not hold; `message` is a sentence saying what should have. */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new InternalError(message);
}
