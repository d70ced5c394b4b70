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
/** Where every file begins. */
export const START: Position = { line: 1, column: 1, offset: 0 };

/** Whether a place lies in another one of the same file. */
export const encloses = (outer: Pick<Span, "start" | "end">, inner: Pick<Span, "start" | "end">): boolean =>
  outer.start.offset <= inner.start.offset && inner.end.offset <= outer.end.offset;

/** From the start of one to the end of another. */
const join = (a: Span, b: Span): Span => ({ file: a.file, start: a.start, end: b.end });

/** As `join`, but lines and columns are not looked up where both are cut from one text. */
export function joinSpans(a: Span, b: Span): Span {
  return a instanceof TextSpan && b instanceof TextSpan ? a.until(b) : join(a, b);
}

/** The empty places before and after a span. */
export const before = ({ file, start }: Span): Span => ({ file, start, end: start });
export const behind = ({ file, end }: Span): Span => ({ file, start: end, end });

/** A source text with its lines, from which spans are cut. Line breaks are `\n`, `\r\n` and `\r`. */
export class SourceText {
  /** Offset of each line's first character. Built when the first position is asked for. */
  private lineStarts: number[] | undefined;

  constructor(
    readonly file: string,
    readonly text: string,
  ) {}

  span(from: number, to: number): Span {
    return new TextSpan(this, from, to);
  }

  position(offset: number): Position {
    const starts = this.starts();
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (starts[middle]! <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: offset - starts[low]! + 1, offset };
  }

  get lineCount(): number {
    return this.starts().length;
  }

  /** The text of a line (from 1) without its line break; empty past the end. */
  line(number: number): string {
    const starts = this.starts();
    const from = starts[number - 1];
    if (from === undefined) return "";
    const to = starts[number] ?? this.text.length;
    return this.text.slice(from, to).replace(/[\r\n]+$/, "");
  }

  private starts(): number[] {
    if (this.lineStarts) return this.lineStarts;
    const starts = [0];
    for (let offset = 0; offset < this.text.length; offset++) {
      const code = this.text.charCodeAt(offset);
      if (code === 10 || (code === 13 && this.text.charCodeAt(offset + 1) !== 10)) starts.push(offset + 1);
    }
    return (this.lineStarts = starts);
  }
}

/** Two offsets; lines and columns are looked up when read, since most spans never reach a message. */
class TextSpan implements Span {
  constructor(
    private readonly source: SourceText,
    private readonly from: number,
    private readonly to: number,
  ) {}

  get file(): string {
    return this.source.file;
  }
  get start(): Position {
    return this.source.position(this.from);
  }
  get end(): Position {
    return this.source.position(this.to);
  }
  until(last: TextSpan): Span {
    return new TextSpan(this.source, this.from, last.to);
  }
  toJSON(): Span {
    return { file: this.file, start: this.start, end: this.end };
  }
}
