/** Columns and rows of a curve at most, columns of a bar. */
const WIDTH = 60;
const HEIGHT = 8;
const BAR = 28;

/** A loss curve as lines of block characters: columns are means of equal parts. */
export function curve(values: readonly number[]): string {
  const finite = values.filter(Number.isFinite);
  if (finite.length === 0) return "";
  const columns = Math.min(WIDTH, finite.length);
  const means = Array.from({ length: columns }, (_, c) => {
    const part = finite.slice(
      Math.floor((c * finite.length) / columns),
      Math.max(
        Math.floor(((c + 1) * finite.length) / columns),
        Math.floor((c * finite.length) / columns) + 1,
      ),
    );
    return part.reduce((a, b) => a + b, 0) / part.length;
  });
  const [low, high] = [Math.min(...means), Math.max(...means)];
  const eighths = means.map((m) => Math.round(((m - low) / (high - low || 1)) * (HEIGHT * 8 - 1)) + 1);
  const rows: string[] = [];
  for (let r = HEIGHT - 1; r >= 0; r--) {
    const label = r === HEIGHT - 1 ? high : r === 0 ? low : null;
    rows.push(
      `${(label === null ? "" : label.toPrecision(3)).padStart(9)} ┤${eighths.map((e) => " ▁▂▃▄▅▆▇█"[Math.max(0, Math.min(8, e - r * 8))]).join("")}`,
    );
  }
  return `${rows.join("\n")}\n`;
}

/** One line that says how far something is. */
function bar(done: number, total: number, text: string): string {
  const filled = total > 0 ? Math.round((done / total) * BAR) : BAR;
  return `${"█".repeat(filled)}${"░".repeat(BAR - filled)} ${done}/${total} ${text}`;
}

/** Redraws one line on a terminal; elsewhere prints a plain line now and then. */
export class Progress {
  private last = 0;
  private readonly stream = process.stderr;
  private readonly everyMilliseconds = this.stream.isTTY ? 80 : 5000;
  constructor(private readonly total: number) {}
  update(done: number, text: string): void {
    const now = Date.now();
    if (now - this.last < this.everyMilliseconds && done < this.total) return;
    this.last = now;
    this.stream.write(
      this.stream.isTTY ? `\r\u001b[2K${bar(done, this.total, text)}` : `${done}/${this.total} ${text}\n`,
    );
  }
  end(): void {
    if (this.stream.isTTY) this.stream.write("\n");
  }
}

/** Rows of cells as lines, every column as wide as its widest cell, the first row its heads. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, k) => Math.max(...rows.map((row) => row[k]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, k) => cell.padEnd(widths[k] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}
