/** A place in a source: lines and columns from 1, offsets from 0, all in UTF-16 units. */
export interface Position {
  readonly line: number;
  readonly column: number;
  readonly offset: number;
}
export interface Span {
  readonly file: string;
  readonly start: Position;
  /** Exclusive. */
  readonly end: Position;
}
/** From the start of one to the end of another. */
export const join = (a: Span, b: Span): Span => ({ file: a.file, start: a.start, end: b.end });
