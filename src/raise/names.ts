import type { Index } from "../ir/expr.js";
import { SCALARS } from "../ir/scalar/table.js";
import { AXIS_OPERATORS, REDUCERS } from "../parser/ast.js";

const WORDS =
  "if then else and or not true false in dim input param state const output loss train with fn layer optimizer " +
  "adjoint rec while checkpoint import from as check for at none sqrt pi inf f32 f64 f16 i32 u32 bool grad jvp vjp " +
  "hvp jacobian stop concat reshape rand randn zeros ones fill normal uniform he_normal he_uniform glorot_normal " +
  "glorot_uniform orthogonal eye";

/** Names of a file: legal, and no two the same. What is not a user's own name gives way. */
export class SourceNames {
  private readonly taken = new Set([
    ...WORDS.split(" "),
    ...Object.keys(SCALARS),
    ...REDUCERS,
    ...AXIS_OPERATORS,
  ]);

  /** A new name like the one wanted: `h.sum` is `h_sum`, `d_l` is `dl`. */
  fresh(wanted: string): string {
    const legal = wanted
      .replace(/^([dtj])_(?=\p{L})/u, "$1")
      .replace(/'/g, "_new")
      .replace(/[^\p{L}\p{N}_]+/gu, "_")
      .replace(/^(?![\p{L}_])/u, "_");
    let name = legal;
    for (let n = 2; this.taken.has(name); n++) name = `${legal}_${n}`;
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
