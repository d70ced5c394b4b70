import type { Index } from "../ir/expr.js";
import { SCALARS } from "../ir/scalar/table.js";
import { AXIS_OPERATORS, REDUCERS } from "../parser/ast.js";

/** What no name of a file may be, or would hide what the file itself writes. */
const RESERVED =
  "if then else and or not true false in pi inf f32 f64 f16 i32 u32 bool grad jvp vjp hvp jacobian stop concat " +
  "reshape rand randn";
/** What a user may call a thing, though a name made here is better another. */
const KEYWORDS =
  "dim input param state const output loss train with fn layer optimizer adjoint rec while checkpoint import from as " +
  "check for at none zeros ones fill normal uniform he_normal he_uniform glorot_normal glorot_uniform orthogonal eye";

/** Names of a file: legal, and no two the same. Those of a user stay as they are; what is not a user's own gives way. */
export class SourceNames {
  private readonly taken = new Set([
    ...RESERVED.split(" "),
    ...Object.values(SCALARS).flatMap((f) => (f.visible ? [f.name] : [])),
    ...REDUCERS,
    ...AXIS_OPERATORS,
  ]);
  private readonly avoided = new Set([...KEYWORDS.split(" "), ...Object.keys(SCALARS)]);

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
