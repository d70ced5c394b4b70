import type { Span } from "../diagnostics/span.js";

/**
 * The syntax tree of a `.grad` file. Unions are closed: switch on `kind`. Every node has a `span`.
 *
 * Trees are shallow: whatever nests is at most 64 deep (the parser sees to it), and long runs of operators are
 * one `chain` node. So plain recursion over a tree is safe.
 */
export interface SourceFile {
  readonly kind: "file";
  readonly statements: readonly Statement[];
  /** All comments in order, `///` included, for the formatter. */
  readonly comments: readonly Comment[];
  readonly span: Span;
}

export interface Comment {
  readonly kind: "line" | "block" | "doc";
  /** As written, with its marks. */
  readonly text: string;
  readonly span: Span;
}

/** A name where it is declared or pointed at. `name` may be dotted (`m.2.W`) only where a comment says so. */
export interface Identifier {
  readonly name: string;
  readonly span: Span;
}

// ---------------------------------------------------------------------------------------------- statements

export type Statement =
  | DimStatement
  | InputStatement
  | ParamStatement
  | StateStatement
  | ConstStatement
  | Equation
  | OutputStatement
  | LossStatement
  | TrainStatement
  | CheckStatement
  | RecStatement
  | FunctionStatement
  | LayerStatement
  | OptimizerStatement
  | ImportStatement
  | BrokenStatement;

/** `doc` is the text of the `///` lines before it, without their marks, joined by line breaks. */
interface Documented {
  readonly doc: string | undefined;
  readonly span: Span;
}

/** `dim B, I = 784, P = I / 4` */
export interface DimStatement extends Documented {
  readonly kind: "dim";
  readonly entries: readonly DimEntry[];
}
export interface DimEntry extends Documented {
  readonly name: Identifier;
  readonly value: Expression | undefined;
}

/** `input x: f32[B, X], k: i32[B] in 0..C, rate: f32 = 0.1` */
export interface InputStatement extends Documented {
  readonly kind: "input";
  readonly entries: readonly InputEntry[];
}
export interface InputEntry extends Documented {
  readonly name: Identifier;
  readonly type: TensorType | undefined;
  readonly range: Range | undefined;
  readonly value: Expression | undefined;
}

/** `param W: f32[I, H] = he_normal(), b: f32[H]`; in a layer's body too. */
export interface ParamStatement extends Documented {
  readonly kind: "param";
  readonly entries: readonly StoredEntry[];
}
/** `state m: f32[H] = zeros()`; in an optimizer's body too, where the type may be absent (p's shape). */
export interface StateStatement extends Documented {
  readonly kind: "state";
  readonly entries: readonly StoredEntry[];
}
/** `const eps = 1e-5, off: i32[3] = [0, 1, 2]`; `value` is always present. */
export interface ConstStatement extends Documented {
  readonly kind: "const";
  readonly entries: readonly ConstEntry[];
}
export interface StoredEntry extends Documented {
  readonly name: Identifier;
  readonly type: TensorType | undefined;
  /** A named initialiser is a call (`he_normal()`); else a number or a nested list. */
  readonly value: Expression | undefined;
}
export interface ConstEntry extends Documented {
  readonly name: Identifier;
  readonly type: TensorType | undefined;
  readonly value: Expression;
}

/** `y[i] = e`, `m'[j] = e`, `z[t + 1, s] = e` (in rec), `mu, v = moments(x)`. */
export interface Equation extends Documented {
  readonly kind: "equation";
  /** One, or several for a call with several results. */
  readonly targets: readonly Target[];
  readonly value: Expression;
}

/** `output y[b] = e`, `output a, b = f(x)`; without a value `output a, m.W` marks what is defined elsewhere. */
export interface OutputStatement extends Documented {
  readonly kind: "output";
  /** Names are dotted only without a value. */
  readonly targets: readonly Target[];
  readonly value: Expression | undefined;
}

/** `loss l = e` */
export interface LossStatement extends Documented {
  readonly kind: "loss";
  readonly target: Target;
  readonly value: Expression;
}

/** The left side of an equation. */
export interface Target {
  readonly name: Identifier;
  /** `m'`: the state's value after the step. */
  readonly primed: boolean;
  /** Absent in `h = e`, which takes its axes from the right. */
  readonly indices: readonly LeftIndex[] | undefined;
  readonly span: Span;
}

/**
 * `j` and `u in 0..R/2` are bindings; `0`, `t + 1`, `T - 1` are entries (of a recurrence). A bare name is always a
 * binding, also where it names the recurrence's own index or a size.
 */
export type LeftIndex = IndexBinding | EntryIndex;
export interface EntryIndex {
  readonly kind: "entry";
  readonly value: Expression;
  readonly span: Span;
}
/** An index bound on the left or by a reducer; the range belongs to this index only. */
export interface IndexBinding {
  readonly kind: "binding";
  readonly name: Identifier;
  readonly range: Range | undefined;
  readonly span: Span;
}
/** `from..to`, half open. In a rec with `from` > `to` it runs downwards. */
export interface Range {
  readonly from: Expression;
  readonly to: Expression;
  readonly span: Span;
}

/** `train l with adam(rate = 1e-3, clip_norm = 1.0) for W1, m.W` */
export interface TrainStatement extends Documented {
  readonly kind: "train";
  readonly loss: Identifier;
  readonly optimizer: Identifier;
  /** `clip_norm` is among them. */
  readonly arguments: readonly Argument[];
  /** Dotted names allowed. Empty: all params. */
  readonly params: readonly Identifier[];
}

/** `check l at { x = [1, 2], l = 0.25 }` */
export interface CheckStatement extends Documented {
  readonly kind: "check";
  readonly of: readonly Identifier[];
  readonly entries: readonly CheckEntry[];
}
export interface CheckEntry {
  /** May be dotted. */
  readonly name: Identifier;
  readonly value: Expression;
  readonly span: Span;
}

/** `rec t in 0..T checkpoint sqrt while c { … }` */
export interface RecStatement extends Documented {
  readonly kind: "rec";
  readonly index: Identifier;
  readonly range: Range;
  readonly checkpoint: Checkpoint | undefined;
  readonly condition: Expression | undefined;
  readonly body: readonly Statement[];
}
export type Checkpoint =
  | { readonly kind: "sqrt"; readonly span: Span }
  | { readonly kind: "none"; readonly span: Span }
  | { readonly kind: "every"; readonly steps: Expression; readonly span: Span };

/** What fn and layer have in common. */
interface Callable extends Documented {
  readonly name: Identifier;
  /** The sizes in `<…>`. */
  readonly sizes: readonly Identifier[];
  readonly parameters: readonly Parameter[];
  /** Empty for `fn twice(x: f32) = 2 * x`, whose body is an expression. */
  readonly results: readonly Result[];
}
export interface FunctionStatement extends Callable {
  readonly kind: "fn";
  readonly body: Body;
  readonly adjoint: AdjointBlock | undefined;
}
export interface LayerStatement extends Callable {
  readonly kind: "layer";
  readonly body: Body;
}
export type Body =
  | { readonly kind: "block"; readonly statements: readonly Statement[]; readonly span: Span }
  | { readonly kind: "expression"; readonly value: Expression; readonly span: Span };

export interface Parameter extends Documented {
  readonly name: Identifier;
  readonly type: TypeAnnotation | undefined;
  readonly value: Expression | undefined;
}
export interface Result {
  readonly name: Identifier;
  readonly type: TensorType | undefined;
  readonly span: Span;
}
/** `adjoint(dy) -> (dx) { … }` */
export interface AdjointBlock {
  readonly parameters: readonly Identifier[];
  readonly results: readonly Identifier[];
  readonly body: readonly Statement[];
  readonly span: Span;
}

/** `optimizer adam(rate: f32, …) for p, g { state m = 0 … }` */
export interface OptimizerStatement extends Documented {
  readonly kind: "optimizer";
  readonly name: Identifier;
  readonly parameters: readonly Parameter[];
  readonly param: Identifier;
  readonly gradient: Identifier;
  readonly body: readonly Statement[];
}

/** `import { rk4, norm as rms } from "std/ode"` */
export interface ImportStatement extends Documented {
  readonly kind: "import";
  readonly names: readonly ImportedName[];
  readonly specifier: { readonly value: string; readonly span: Span };
}
export interface ImportedName {
  readonly name: Identifier;
  readonly alias: Identifier | undefined;
  readonly span: Span;
}

/** A statement with a syntax error, already reported. What it would have defined must not be reported as unknown. */
export interface BrokenStatement {
  readonly kind: "broken";
  readonly names: readonly Identifier[];
  readonly span: Span;
}

// --------------------------------------------------------------------------------------------------- types

export type TypeAnnotation = TensorType | FunctionType;
/** `f32[B, I]`; `dtype.name` is as written and may be unknown. */
export interface TensorType {
  readonly kind: "tensor";
  readonly dtype: Identifier;
  readonly sizes: readonly Expression[];
  readonly span: Span;
}
/** `fn(f32[N], f32) -> f32[N]`; several results stand in brackets. */
export interface FunctionType {
  readonly kind: "function";
  readonly parameters: readonly TypeAnnotation[];
  readonly results: readonly TypeAnnotation[];
  readonly span: Span;
}

// --------------------------------------------------------------------------------------------- expressions

export type Expression =
  | NumberExpression
  | BoolExpression
  | NameExpression
  | SubscriptExpression
  | CallExpression
  | ListExpression
  | UnaryExpression
  | ChainExpression
  | ComparisonExpression
  | PowerExpression
  | PadExpression
  | IfExpression
  | ReducerExpression
  | AxisOperatorExpression;

export interface NumberExpression {
  readonly kind: "number";
  readonly value: number;
  /** Written without point and exponent: `3`, `1_000`, `0xff`. */
  readonly isInteger: boolean;
  /** As written. */
  readonly text: string;
  readonly span: Span;
}
export interface BoolExpression {
  readonly kind: "bool";
  readonly value: boolean;
  readonly span: Span;
}
/** `x`, `m.W`, `m.2.W`, `v'` */
export interface NameExpression {
  readonly kind: "name";
  /** With dots where they are written, without the prime. */
  readonly name: string;
  readonly primed: boolean;
  readonly span: Span;
}
/** `x[b, i]`, also after calls: `rand(seed)[b, j]`. */
export interface SubscriptExpression {
  readonly kind: "subscript";
  readonly target: Expression;
  readonly subscripts: readonly Expression[];
  readonly span: Span;
}
/** `f(x, rate = 1)`, `dense<O = 64>(x)`, `concat[i](a, b)`. */
export interface CallExpression {
  readonly kind: "call";
  /** Never primed. */
  readonly callee: NameExpression;
  readonly sizes: readonly SizeArgument[];
  /** What stands in `[…]` between name and arguments: the axis of concat; empty elsewhere. */
  readonly axes: readonly Expression[];
  readonly arguments: readonly Argument[];
  readonly span: Span;
}
export interface SizeArgument {
  readonly name: Identifier;
  readonly value: Expression;
  readonly span: Span;
}
export interface Argument {
  /** Absent for a positional one. */
  readonly name: Identifier | undefined;
  readonly value: Expression;
  readonly span: Span;
}
export interface ListExpression {
  readonly kind: "list";
  readonly elements: readonly Expression[];
  readonly span: Span;
}
export interface UnaryExpression {
  readonly kind: "unary";
  readonly operator: "-" | "not";
  readonly operand: Expression;
  readonly span: Span;
}

/** A run of operators of one level, folded from the left: `((first op₁ x₁) op₂ x₂) …`. Never nested in its own `first`. */
export interface ChainExpression {
  readonly kind: "chain";
  readonly level: ChainLevel;
  readonly first: Expression;
  /** At least one. */
  readonly rest: readonly ChainLink[];
  readonly span: Span;
}
export type ChainLevel = "or" | "and" | "sum" | "product";
export type ChainOperator = "or" | "and" | "+" | "-" | "*" | "/" | "%" | "@";
export interface ChainLink {
  readonly operator: ChainOperator;
  readonly operand: Expression;
}

export type ComparisonOperator = "==" | "!=" | "<" | "<=" | ">" | ">=";
export interface ComparisonExpression {
  readonly kind: "comparison";
  readonly operator: ComparisonOperator;
  readonly left: Expression;
  readonly right: Expression;
  readonly span: Span;
}
export interface PowerExpression {
  readonly kind: "power";
  readonly base: Expression;
  readonly exponent: Expression;
  readonly span: Span;
}
/** `x[u - 1] ?? 0`: `otherwise` where the access is out of bounds. */
export interface PadExpression {
  readonly kind: "pad";
  readonly value: Expression;
  readonly otherwise: Expression;
  readonly span: Span;
}
export interface IfExpression {
  readonly kind: "if";
  readonly condition: Expression;
  readonly consequent: Expression;
  readonly alternative: Expression;
  readonly span: Span;
}

export const REDUCERS = ["sum", "prod", "max", "min", "mean", "any", "all", "argmax", "argmin", "logsumexp"] as const;
export type Reducer = (typeof REDUCERS)[number];
/** `sum[i, j in 0..K | i < j] body` */
export interface ReducerExpression {
  readonly kind: "reducer";
  readonly operator: Reducer;
  readonly indices: readonly IndexBinding[];
  readonly guard: Expression | undefined;
  readonly body: Expression;
  readonly span: Span;
}

export const AXIS_OPERATORS = ["softmax", "log_softmax", "cumsum", "cumprod"] as const;
export type AxisOperator = (typeof AXIS_OPERATORS)[number];
/** `softmax[c | guard] body`, along an index that is bound already. */
export interface AxisOperatorExpression {
  readonly kind: "axisOperator";
  readonly operator: AxisOperator;
  readonly index: Identifier;
  readonly guard: Expression | undefined;
  readonly body: Expression;
  readonly span: Span;
}
