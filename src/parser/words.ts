/** The words of the language, each in one list: the lexer, the checker and what writes sources read them here. */

/** Never names. */
export const RESERVED = ["if", "then", "else", "and", "or", "not", "true", "false", "in"] as const;
export const isReservedWord = (text: string): boolean => RESERVED.some((word) => word === text);

/** They begin a statement where a name or `{` follows, and are names elsewhere. */
export const STATEMENT_WORDS = [
  "dim",
  "input",
  "param",
  "state",
  "const",
  "output",
  "loss",
  "train",
  "fn",
  "layer",
  "optimizer",
  "rec",
  "import",
  "check",
] as const;
/** They have a meaning within one kind of statement, and are names elsewhere. */
export const INNER_WORDS = [
  "with",
  "adjoint",
  "while",
  "checkpoint",
  "from",
  "as",
  "for",
  "at",
  "none",
  "sqrt",
] as const;

export const REDUCERS = [
  "sum",
  "prod",
  "max",
  "min",
  "mean",
  "any",
  "all",
  "argmax",
  "argmin",
  "logsumexp",
] as const;
export type ReducerName = (typeof REDUCERS)[number];
export const AXIS_OPERATORS = ["softmax", "log_softmax", "cumsum", "cumprod"] as const;
export type AxisName = (typeof AXIS_OPERATORS)[number];

export const TYPES = ["f32", "f64", "f16", "i32", "u32", "bool"] as const;
export const isTypeName = (text: string): boolean => TYPES.some((type) => type === text);

export const CONSTANTS = ["pi", "inf"] as const;

/** Functions beside the scalar ones and the conversions, which have the names of types. */
export const TENSOR_FUNCTIONS = ["reshape", "concat", "stop", "rand", "randn"] as const;
export const DERIVATIVE_FUNCTIONS = ["grad", "jvp", "vjp", "hvp", "jacobian"] as const;

/** How params and states start, with the names of what each wants. */
export const INITIALISERS: ReadonlyMap<string, readonly string[]> = new Map([
  ["zeros", []],
  ["ones", []],
  ["fill", ["v"]],
  ["normal", ["std"]],
  ["uniform", ["lo", "hi"]],
  ["he_normal", []],
  ["he_uniform", []],
  ["glorot_normal", []],
  ["glorot_uniform", []],
  ["orthogonal", []],
  ["eye", []],
]);
