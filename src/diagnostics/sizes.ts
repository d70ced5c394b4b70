import { page, type Entry, type Name, type Pair, type Text } from "./page.js";

/** Sizes and types. */
export const SIZES = {
  GRAD3001: {
    title: "index of two sizes",
    message: ({ name, index, sizes }: { name: string; index: string; sizes: string }) =>
      `index \`${index}\` of ${name} has two sizes: ${sizes}`,
    page: page(
      "All axes that an index subscripts alone have the same size, as expressions and not by chance of value.",
      "dim A, B\ninput x: f32[A], y: f32[B]\nz[i] = x[i] + y[i]",
      "dim A\ninput x: f32[A], y: f32[A]\nz[i] = x[i] + y[i]",
    ),
  },
  GRAD3002: {
    title: "wrong number of subscripts",
    message: ({ name, rank, given, type }: { name: string; rank: number; given: number; type: string }) =>
      rank === 0
        ? `\`${name}\` is a scalar, ${type}, but has ${given === 1 ? "a subscript" : `${given} subscripts`}`
        : `\`${name}\` has ${rank} ${rank === 1 ? "axis" : "axes"}, ${type}, but ${given} subscripts`,
    page: page(
      "A full read gives each axis a subscript; fewer leave a tensor, more are an error.",
      "input x: f32[N]\ny[i, j] = x[i, j]",
      "input x: f32[N, M]\ny[i, j] = x[i, j]",
    ),
  },
  GRAD3003: {
    title: "types do not match",
    message: ({ left, right }: Pair) => `types do not match: ${left} and ${right}`,
    page: page(
      "Values are converted only where that is written.",
      "input k: i32, x: f32\ny = k * x",
      "input k: i32, x: f32\ny = f32(k) * x",
    ),
  },
  GRAD3004: {
    title: "shapes do not match",
    message: ({ left, right }: Pair) => `shapes do not match: ${left} and ${right}`,
    page: page(
      "Tensor-level arithmetic wants equal shapes, or a scalar on one side; everything else is said with indices.",
      "input A: f32[N, M], b: f32[M]\ny = A + b",
      "input A: f32[N, M], b: f32[M]\ny[i, j] = A[i, j] + b[j]",
    ),
  },
  GRAD3005: {
    title: "access out of bounds",
    message: ({ text }: Text) => text,
    page: page(
      "Each access is proved to stay inside its axis, or has a value for outside.",
      "y[i] = x[i + 1] - x[i]",
      "y[i in 0..N-1] = x[i + 1] - x[i]\nz[i] = (x[i + 1] ?? 0) - x[i]",
    ),
  },
  GRAD3006: {
    title: "unexpected kind of value",
    message: ({ wanted, found }: { wanted: string; found: string }) => `expected ${wanted}, found ${found}`,
    page: page(
      "The expression has another type or shape than its place asks for.",
      "y = if x then 1 else 0",
      "y = if x > 0 then 1 else 0",
    ),
  },
  GRAD3007: {
    title: "wrong number of arguments",
    message: ({
      name,
      wanted,
      given,
      what,
    }: {
      name: string;
      wanted: string;
      given: number;
      what?: string;
    }) => `\`${name}\` takes ${wanted} ${what ?? `argument${wanted === "1" ? "" : "s"}`}, not ${given}`,
    page: page("docs/functions.md lists each function's arguments.", "y = atan2(x)", "y = atan2(y0, x0)"),
  },
  GRAD3008: {
    title: "not a size",
    message: ({ text }: Text) => `${text} is not a size`,
    page: page(
      "A size is an integer expression in dims and literals.",
      "param W: f32[x, 2.5]",
      "dim N\nparam W: f32[N, 2]",
    ),
  },
  GRAD3009: {
    title: "loss is not a scalar",
    message: ({ name, shape }: { name: string; shape: string }) =>
      `loss \`${name}\` is not a scalar but ${shape}`,
    page: page(
      "A loss is one number, so that it has a gradient.",
      "loss l[b] = (y[b] - t[b])^2",
      "loss l = mean[b] (y[b] - t[b])^2",
    ),
  },
  GRAD3010: {
    title: "unknown type",
    message: ({ name }: Name) => `there is no type \`${name}\``,
    page: page("Types are f32, f64, f16, i32, u32 and bool.", "input x: float[N]", "input x: f32[N]"),
  },
  GRAD3014: {
    title: "base entries do not fit",
    message: ({ name, text }: { name: string; text: string }) =>
      `base entries of \`${name}\` do not fit: ${text}`,
    page: page(
      "Entries written before the first step cover exactly those that steps read but do not make.",
      "rec t in 0..T {\n  z[t + 2] = z[t + 1] + z[t]\n}",
      "rec t in 0..T {\n  z[0] = 0\n  z[1] = 1\n  z[t + 2] = z[t + 1] + z[t]\n}",
    ),
  },
  GRAD3016: {
    title: "sizes that do not fit by default",
    message: ({ text, dims }: { text: string; dims: string }) => `with ${dims}: ${text}`,
    page: page(
      "With the values that dims have of themselves the model cannot be bound: other values have to be given each time.",
      "dim N = 5, K = N / 2",
      "dim N = 6, K = N / 2",
    ),
    severity: "warning",
  },
  GRAD3015: {
    title: "read of a later step",
    message: ({ name }: Name) => `\`${name}\` is read at a step that is not made yet`,
    page: page(
      "A step reads entries of earlier steps at constant distance, and its own.",
      "rec t in 0..T {\n  z[t] = z[t + 1]\n}",
      "rec t in T..0 {\n  z[T] = 0\n  z[t] = z[t + 1]\n}",
    ),
  },
} as const satisfies Record<string, Entry>;
