/** Edit distance with transpositions (optimal string alignment). */
function distance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const above = rows[i - 1] ?? [];
      let best = Math.min(
        (above[j] ?? 0) + 1,
        (row[j - 1] ?? 0) + 1,
        (above[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1),
      );
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        best = Math.min(best, (rows[i - 2]?.[j - 2] ?? 0) + 1);
      row.push(best);
    }
    rows.push(row);
  }
  return rows[a.length]?.[b.length] ?? 0;
}

/** The known name nearest to a wrong one, if it is near enough to be meant. */
export function suggest(wrong: string, known: Iterable<string>): string | undefined {
  // Of one letter any other is one edit away: only its other case is near.
  if (wrong.length < 2)
    return [...known].find((name) => name !== wrong && name.toLowerCase() === wrong.toLowerCase());
  let best: string | undefined;
  let least = Math.max(1, Math.floor(wrong.length / 3)) + 0.5;
  for (const name of known) {
    const d = name.toLowerCase() === wrong.toLowerCase() ? 0.1 : distance(wrong, name);
    if (d < least) [best, least] = [name, d];
  }
  return best;
}

/** The question that a suggestion is put as. */
export const didYouMean = (near: string): string => `did you mean \`${near}\`?`;
