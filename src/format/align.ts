/** How far beyond the others' column a line may reach and still move it; those farther out stay as they are. */
const REACH = 5;

/** A place to be aligned: the width of the text before it, its column in the source, and whether it was padded there. */
export interface Stop {
  readonly width: number;
  readonly column: number;
  readonly padded: boolean;
}

/**
 * Columns for a run of neighbours, or nothing where its author aligned none of them: alignment is kept and mended,
 * never imposed. The column is the one that most padded lines share, moved to the widest line near it.
 * The same stops with the columns that come out give the same columns again.
 */
export function columnOf(run: readonly Stop[]): number | undefined {
  const votes = new Map<number, number>();
  for (const { padded, column } of run) if (padded) votes.set(column, (votes.get(column) ?? 0) + 1);
  if (votes.size === 0) return undefined;
  let [column, most] = [0, 0];
  for (const [at, count] of votes)
    if (count > most || (count === most && at > column)) [column, most] = [at, count];
  const widths = run.map((stop) => stop.width).sort((a, b) => a - b);
  let reached = column;
  let widest = 0;
  for (const width of widths) {
    if (width + 1 > reached + REACH) break;
    reached = Math.max(reached, width + 1);
    widest = width;
  }
  return widest + 1;
}
