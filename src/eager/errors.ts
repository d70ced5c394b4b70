/** What a user of the eager engine did wrong; the subclasses say in which respect. */
export class EagerError extends Error {
  // Written out, because a minifier shortens class names.
  override readonly name: string = "EagerError";
}
/** Shapes, axes or sizes that do not go together. */
export class ShapeError extends EagerError {
  override readonly name = "ShapeError";
}
/** An element type that an operation does not take. */
export class DTypeError extends EagerError {
  override readonly name = "DTypeError";
}
/** An index outside of its axis. */
export class IndexError extends EagerError {
  override readonly name = "IndexError";
}
/** The tape: no gradient here, a graph already freed, a value changed in place that a derivative needs. */
export class AutogradError extends EagerError {
  override readonly name = "AutogradError";
}
