import { page, type Entry, type Name } from "./page.js";

/** Names and indices. */
export const NAMES = {
  GRAD2001: {
    title: "unknown name",
    message: ({ kind, name }: { kind: string; name: string }) => `there is no ${kind} \`${name}\``,
    page: page(
      "The name is not declared in this file, its scope or its imports.",
      "y = relu(hiden)",
      "hidden = 2 * x\ny = relu(hidden)",
    ),
  },
  GRAD2002: {
    title: "defined twice",
    message: ({ name }: Name) => `\`${name}\` is defined twice`,
    page: page(
      "One scope has one definition for each name, whatever its kind.",
      "h = 1.0\nh = 2.0",
      "h1 = 1.0\nh2 = 2.0",
    ),
  },
  GRAD2003: {
    title: "reserved name",
    message: ({ name, what }: { name: string; what: string }) => `\`${name}\` is reserved: it is ${what}`,
    page: page(
      "Reducers, axis operators and scalar functions cannot be declared again.",
      "max = 3.0",
      "largest = 3.0",
    ),
  },
  GRAD2004: {
    title: "unbound index",
    message: ({ name }: Name) => `index \`${name}\` is bound by no reducer`,
    page: page(
      "Nothing reduces by itself: an index on the right is bound on the left or by a reducer.",
      "h[j] = x[i] * W[i, j]",
      "h[j] = sum[i] x[i] * W[i, j]",
    ),
  },
  GRAD2005: {
    title: "index without a range",
    message: ({ name }: Name) => `nothing says over which range \`${name}\` runs`,
    page: page(
      "An index ranges over an axis where it stands alone as a subscript. Affine uses, guards and uses as a value set no range.",
      "y[u] = x[2 * u]",
      "y[u in 0..N/2] = x[2 * u]",
    ),
  },
  GRAD2006: {
    title: "index bound twice",
    message: ({ name }: Name) => `index \`${name}\` is bound already`,
    page: page(
      "Indices of one list, and those around it that are still in use, have different names.",
      "y = sum[i, i] A[i, i]",
      "y = sum[i] A[i, i]",
    ),
  },
  GRAD2007: {
    title: "circular definition",
    message: ({ names }: { names: string }) =>
      names.includes(",") ? `these define each other in a circle: ${names}` : `${names} is defined by itself`,
    page: page(
      "Only a rec block may refer to earlier entries of what it defines.",
      "a = b + 1\nb = a * 2",
      "rec t in 0..T {\n  a[0] = 1\n  a[t + 1] = 2 * a[t] + 1\n}",
    ),
  },
  GRAD2008: {
    title: "function used as a value",
    message: ({ name }: Name) => `\`${name}\` is a function; call it`,
    page: page(
      "A function's name stands for a value only as an argument of a function type.",
      "y = f + 1",
      "y = f(x) + 1",
    ),
  },
  GRAD2009: {
    title: "recursion",
    message: ({ name, through }: { name: string; through: string }) =>
      `\`${name}\` calls itself${through ? ` by way of ${through}` : ""}`,
    page: page(
      "Calls are resolved when compiling, so recursion is an error.",
      "fn f(x: f32) = f(x - 1)",
      "rec t in 0..T {\n  z[0] = x\n  z[t + 1] = z[t] - 1\n}",
    ),
  },
  GRAD2010: {
    title: "import not found",
    message: ({ specifier }: { specifier: string }) => `cannot find \`${specifier}\` to import`,
    page: page(
      "An import names a library file such as std/ode, or a file by a path that begins with a dot.",
      'import { rk4 } from "odes"',
      'import { rk4 } from "std/ode"',
    ),
  },
  GRAD2013: {
    title: "unknown argument",
    message: ({ name, callee }: { name: string; callee: string }) =>
      `\`${callee}\` has no argument \`${name}\``,
    page: page(
      "The function has no parameter of this name.",
      "y = leaky_relu(x, slop = 0.1)",
      "y = leaky_relu(x, slope = 0.1)",
    ),
  },
  GRAD2014: {
    title: "argument given twice",
    message: ({ name, callee }: { name: string; callee: string }) =>
      `argument \`${name}\` of \`${callee}\` is given twice`,
    page: page(
      "An argument is given by its place or by its name, once.",
      "y = clamp(x, 0, lo = 1, hi = 2)",
      "y = clamp(x, 0, hi = 2)",
    ),
  },
  GRAD2015: {
    title: "missing argument",
    message: ({
      name,
      callee,
      what = "argument",
    }: {
      name: string;
      callee: string;
      what?: "argument" | "size" | "input";
    }) => `${what} \`${name}\` of \`${callee}\` is missing`,
    page: page("Only arguments with a default may be left out.", "y = clamp(x, 0)", "y = clamp(x, 0, 1)"),
  },
  GRAD2016: {
    title: "layer called from a function",
    message: ({ name }: Name) => `\`${name}\` is a layer: only files and layers call layers`,
    page: page(
      "A layer owns params, which a pure function has no place for.",
      "fn f(x: f32[B, I]) -> y: f32[B, O] { y = dense(x) }",
      "layer f(x: f32[B, I]) -> y: f32[B, O] { y = dense(x) }",
    ),
  },
  GRAD2017: {
    title: "import needs a model",
    message: ({ name, uses }: { name: string; uses: string }) =>
      `imported \`${name}\` uses \`${uses}\`, which belongs to its own file's model`,
    page: page(
      "An imported function may use the functions, consts and valued dims of its file, never its inputs, params, states or open dims.",
      "// layers.grad\nparam W: f32\nfn f(x: f32) = W * x",
      "fn f(x: f32, W: f32) = W * x",
    ),
  },
  GRAD2018: {
    title: "one seed at two places",
    message: ({ seed }: { seed: string }) => `seed \`${seed}\` draws the same numbers at two places`,
    page: page(
      "Random values are pure functions of seed and subscripts.",
      "a[i] = rand(seed)[i]\nb[i] = rand(seed)[i]",
      "a[i] = rand(seed)[i]\nb[i] = rand(seed + 1)[i]",
    ),
    severity: "warning",
  },
  GRAD2020: {
    title: "imports in a circle",
    message: ({ files }: { files: string }) => `these files import each other in a circle: ${files}`,
    page: page(
      "What two files need of each other stands in a third, which both import.",
      '// a.grad\nimport { g } from "./b.grad"\n// b.grad\nimport { f } from "./a.grad"',
      '// a.grad\nimport { g } from "./common.grad"\n// b.grad\nimport { f } from "./common.grad"',
    ),
  },
  GRAD2019: {
    title: "statement out of place",
    message: ({ kind, where }: { kind: string; where: string }) => `\`${kind}\` has no place in ${where}`,
    page: page(
      "A function holds equations and `rec`, an adjoint equations, a step of a `rec` equations and further `rec`; a layer has params and states besides.",
      "fn scaled(x: f32) -> y: f32 {\n  param w: f32\n  y = w * x\n}",
      "fn scaled(x: f32, w: f32) -> y: f32 {\n  y = w * x\n}",
    ),
  },
} as const satisfies Record<string, Entry>;
