/** Gives each name of a kernel an identifier of the target: legal, not reserved, and no two the same. */
export class Names {
  private readonly given = new Map<string, string>();
  private readonly taken: Set<string>;
  /** The number to try next for a name, so that many of one name take no search. */
  private readonly next = new Map<string, number>();

  constructor(private readonly isReserved: (identifier: string) => boolean) {
    this.taken = new Set();
  }
  of(name: string): string {
    let identifier = this.given.get(name);
    if (identifier === undefined) {
      identifier = this.fresh(name);
      this.given.set(name, identifier);
    }
    return identifier;
  }
  /** An identifier that no other name has. */
  fresh(name: string): string {
    const legal = name.replace(/[^\p{L}\p{Nl}\p{Mn}\p{Mc}\p{Nd}_]/gu, "_").replace(/^(?![\p{L}_])/u, "v");
    // Names with this beginning are the helper functions'; two underscores are WGSL's own.
    const base = legal.startsWith("gradc_") || legal.startsWith("__") || legal === "_" ? `v${legal}` : legal;
    let unique = this.isReserved(base) ? `${base}_` : base;
    let n = this.next.get(base) ?? 2;
    for (; this.taken.has(unique) || this.isReserved(unique); n++) unique = `${base}_${n}`;
    this.next.set(base, n);
    this.taken.add(unique);
    return unique;
  }
}
