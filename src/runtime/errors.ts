/**
 * Errors at run time. Codes of this range (`gradc explain GRAD6003` prints a page of each):
 *
 * | code | what |
 * | --- | --- |
 * | GRAD6001 | an input is missing |
 * | GRAD6002 | a name that the model does not have |
 * | GRAD6003 | wrong shape or length |
 * | GRAD6004 | wrong kind of value: dtype, not a tensor, ragged |
 * | GRAD6005 | not an integer: NaN, infinite, a fraction, or outside the type |
 * | GRAD6006 | outside the declared range |
 * | GRAD6007 | two sources disagree about a dim |
 * | GRAD6008 | a dim that nothing binds |
 * | GRAD6009 | a value that a dim cannot have |
 * | GRAD6010 | a data file that is truncated or malformed |
 * | GRAD6011 | a file of params lacks some |
 * | GRAD6020 | no such backend here, or it lacks something that the model needs |
 * | GRAD6021 | the device was lost |
 * | GRAD6022 | a result read after the next call, or anything after `dispose` |
 */
export class GradError extends Error {
  // Written out, because a minifier shortens class names.
  override readonly name: string = "GradError";
  declare readonly diagnostics?: readonly unknown[];
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

/** What the caller gave is wrong; nothing ran and nothing changed. */
export class DataError extends GradError {
  override readonly name = "DataError";
}

export class UnsupportedError extends GradError {
  override readonly name = "UnsupportedError";
}

export class DeviceLostError extends GradError {
  override readonly name = "DeviceLostError";
}

export class StaleTensorError extends GradError {
  override readonly name = "StaleTensorError";
}

/** A fault of ours, never of the user's program or data. */
export class InternalError extends Error {
  override readonly name = "InternalError";
  constructor(message: string) {
    super(`internal error (please report it): ${message}`);
  }
}

/** @throws DataError */
export function fail(code: string, message: string): never {
  throw new DataError(code, message);
}
/** @throws DataError that says what came and what was wanted */
export function mismatch(code: number, source: string, came: unknown, wanted: unknown): never {
  fail(`GRAD${code}`, `${source}: ${came}, not ${wanted}`);
}
/** @throws DataError that lists the names that there are */
export const unknown = (what: string, name: string, known: Iterable<string>): never =>
  mismatch(6002, what, `\`${name}\``, `one of ${[...known].join(", ")}`);
/** @throws UnsupportedError */
export function unsupported(message: string): never {
  throw new UnsupportedError("GRAD6020", message);
}
