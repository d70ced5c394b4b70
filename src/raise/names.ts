import type { Index } from "../ir/expr.js";
import { SCALARS } from "../ir/scalar/table.js";
import {
  AXIS_OPERATORS,
  CONSTANTS,
  DERIVATIVE_FUNCTIONS,
  INITIALISERS,
  INNER_WORDS,
  REDUCERS,
  RESERVED,
  STATEMENT_WORDS,
  TENSOR_FUNCTIONS,
  TYPES,
} from "../parser/words.js";

/** Names of a file: legal, and no two the same. Those of a user stay as they are; what is not a user's own gives way. */
export class SourceNames {
  /** At first what no name of a file may be, or would hide what the file itself writes. */
  private readonly taken = new Set<string>([
    ...RESERVED,
    ...CONSTANTS,
    ...TYPES,
    ...DERIVATIVE_FUNCTIONS,
    ...TENSOR_FUNCTIONS,
    ...Object.values(SCALARS).flatMap((f) => (f.visible ? [f.name] : [])),
    ...REDUCERS,
    ...AXIS_OPERATORS,
  ]);
  /** What a user may call a thing, though a name made here is better another. */
  private readonly avoided = new Set<string>([
    ...STATEMENT_WORDS,
    ...INNER_WORDS,
    ...INITIALISERS.keys(),
    ...Object.keys(SCALARS),
  ]);

  /** The name that a user gave to a dim, a leaf or an output. */
  own(name: string): string {
    return this.free(legal(name), (n) => this.taken.has(n));
  }
  /** A new name like the one wanted: `h.sum` is `h_sum`, `d_l` is `dl`. */
  fresh(wanted: string): string {
    const short = wanted.replace(/^([dtj])_(?=\p{L})/u, "$1");
    return this.free(legal(short), (n) => this.taken.has(n) || this.avoided.has(n));
  }
  private free(wanted: string, isTaken: (name: string) => boolean): string {
    let name = wanted;
    for (let n = 2; isTaken(name); n++) name = `${wanted}_${n}`;
    this.taken.add(name);
    return name;
  }
  /** Names for the indices of one equation, different from every name of the file, as an index hides what it is called like. */
  indices(
    list: readonly Index[],
    also: readonly string[] = [],
    wanted: ReadonlyMap<Index, string> = new Map(),
  ): Map<Index, string> {
    const own = new Set(also);
    return new Map(
      list.map((index) => {
        const base = wanted.get(index) ?? index.name;
        let name = base;
        for (let n = 2; this.taken.has(name) || own.has(name); n++) name = `${base}${n}`;
        own.add(name);
        return [index, name];
      }),
    );
  }
}

function legal(name: string): string {
  return name
    .replace(/'/g, "_new")
    .replace(/[^\p{L}\p{N}_]+/gu, "_")
    .replace(/^(?![\p{L}_])/u, "_");
}
