import { mismatch, unknown } from "./errors.js";
import type { Dims, ModuleSpec, Size } from "./types.js";

/** Numbers that a value's shape brings: each axis's extent, or of a flat array only the product of all. */
export type Given = readonly [source: string, axes: readonly Size[], extent: number];

/** What a shape brings; undefined is that of a flat array. */
export const givenBy = (
  source: string,
  axes: readonly Size[],
  shape: readonly number[] | undefined,
  total: number,
): Given[] => (shape ? shape.map((extent, n) => [source, [axes[n]!], extent]) : [[source, axes, total]]);

/** Whether a size is a dim of the source's: what the compiler adds is called by its definition, `D / H`. */
export const isDeclared = (size: string): boolean => !size.includes(" ");

/** NaN where it is open. */
export const evaluate = (size: Size, dims: Dims): number =>
  typeof size === "number" ? size : (dims[size] ?? NaN);
/** Elements of a tensor of these axes. */
export const product = (sizes: readonly Size[], dims: Dims): number =>
  sizes.reduce<number>((n, size) => n * evaluate(size, dims), 1);

/** @throws DataError for the first of the sizes that is open */
export function needDims(sizes: readonly Size[], dims: Dims): void {
  for (const size of sizes)
    if (!(evaluate(size, dims) >= 0))
      mismatch(6008, `dim \`${size}\``, "open", "given in `dims` or by a shape");
}

/** What is linear from 0 over 1 to here is linear. */
const FAR = 2 ** 20;

/**
 * Binds what `known` and the shapes determine: defaults, definitions, and each axis (or flat length) that is linear
 * in one unknown dim; then the sizes that shapes are made of. Dims that nothing determines stay out of the result.
 * @throws DataError where two sources disagree (both are named) or a dim comes out negative or broken.
 */
export function bindDims(
  { dims: specs, sizes }: Pick<ModuleSpec, "dims" | "sizes">,
  known: Dims,
  given: readonly Given[],
): Dims {
  const value: Record<string, number> = Object.create(null);
  const from: Record<string, string> = Object.create(null);
  const set = (name: string, size: number, source: string): void => {
    if (!(name in specs)) unknown("dim", name, Object.keys(specs));
    value[name] ??= size;
    from[name] ??= source;
    if (value[name] !== size)
      mismatch(6007, `dim \`${name}\``, `${size} from ${source}`, `${value[name]} from ${from[name]}`);
    if (!(size >= 0 && Number.isSafeInteger(size)))
      mismatch(6009, `dim \`${name}\``, `${size} from ${source}`, "a whole number");
  };
  /** With what the definitions say. */
  const defined = (dims: Dims): Record<string, number> => {
    const all = { ...dims };
    for (const [name, spec] of Object.entries({ ...specs, ...sizes })) {
      const size = typeof spec === "function" ? spec(all) : NaN;
      if (!Number.isNaN(size)) all[name] = size;
    }
    return all;
  };
  for (const name in known) set(name, known[name]!, "`dims`");
  for (const [name, spec] of Object.entries(specs))
    if (typeof spec === "number" && !(name in value)) set(name, spec, "its default");
  for (let before = -1; before < Object.keys(value).length;) {
    before = Object.keys(value).length;
    for (const [source, axes, extent] of given)
      for (const name in specs) {
        if (name in value) continue;
        const at = (size: number): number => product(axes, defined({ ...value, [name]: size }));
        const zero = at(0);
        const slope = at(1) - zero;
        if (Math.round((at(FAR) - zero) / slope) !== FAR) continue;
        // The slope may be a rounded fraction; the comparison below is exact.
        const exact = (extent - zero) / slope;
        const size = Math.round(exact);
        if (!(Math.abs(exact - size) < 1e-6 && size >= 0))
          mismatch(6003, source, extent, `${axes.join(" * ")} for a whole ${name}`);
        set(name, size, source);
      }
    for (const [name, size] of Object.entries(defined(value)))
      if (name in specs) set(name, size, "its definition");
  }
  const all = Object.assign(value, defined(value));
  for (const [source, axes, extent] of given) {
    const wanted = product(axes, all);
    if (Number.isNaN(wanted) || wanted === extent) continue;
    const text = axes.join(" * ");
    const words = text.split(/[ ()]+/);
    const why = Object.keys(from).flatMap((name) =>
      words.includes(name) ? [`${name} = ${value[name]} from ${from[name]}`] : [],
    );
    mismatch(why.length ? 6007 : 6003, source, extent, `${text} = ${wanted} (${why.join(", ")})`);
  }
  return all;
}
