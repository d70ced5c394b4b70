import type { Span } from "../diagnostics/span.js";
import type { AxisName, ReducerName } from "./words.js";
export { AXIS_OPERATORS, REDUCERS, type AxisName, type ReducerName } from "./words.js";

/** The syntax tree: what the source says, nothing resolved. Production names are those of grammar/grad.ebnf. */
export interface Node {
  readonly span: Span;
}
/** A name with its place; dotted names (`m.W`, `m.2.W`) are one. */
export interface Name extends Node {
  readonly text: string;
}
export interface SourceFile extends Node {
  readonly statements: readonly Statement[];
  /** What statements with a syntax error would have defined: not to be reported as unknown, the error is known. */
  readonly broken: readonly Name[];
  /** All comments in order, `///` included. */
  readonly comments: readonly Comment[];
}
/** `text` is as written, with its marks. */
export interface Comment extends Node {
  readonly kind: "line" | "block" | "doc";
  readonly text: string;
}

export type Statement =
  | DimStatement
  | InputStatement
  | ParamStatement
  | ConstStatement
  | EquationStatement
  | OutputNames
  | TrainStatement
  | RecStatement
  | FunctionStatement
  | OptimizerStatement
  | ImportStatement
  | CheckStatement;

export interface DimStatement extends Node {
  readonly kind: "dim";
  readonly dims: readonly { readonly name: Name; readonly value?: Expression }[];
  readonly doc?: string;
}
export interface TypeSyntax extends Node {
  readonly dtype: Name;
  readonly sizes: readonly Expression[];
}
export interface RangeSyntax extends Node {
  readonly lo: Expression;
  readonly hi: Expression;
}
export interface InputStatement extends Node {
  readonly kind: "input";
  readonly items: readonly {
    readonly name: Name;
    readonly type: TypeSyntax;
    readonly range?: RangeSyntax;
    readonly value?: Expression;
    readonly doc?: string;
  }[];
}
/** `param` and `state`: a value is an initialiser. In an optimizer a state may lack a type. */
export interface ParamStatement extends Node {
  readonly kind: "param" | "state";
  readonly items: readonly {
    readonly name: Name;
    readonly type?: TypeSyntax;
    readonly value?: Expression;
    readonly doc?: string;
  }[];
}
export interface ConstStatement extends Node {
  readonly kind: "const";
  readonly items: readonly {
    readonly name: Name;
    readonly type?: TypeSyntax;
    readonly value: Expression;
    readonly doc?: string;
  }[];
}
/** One index on the left of an equation or under an operator. On the left of a `rec` entry it may be any size expression. */
export interface IndexBinding extends Node {
  readonly index: Expression;
  readonly range?: RangeSyntax;
}
export interface Target extends Node {
  readonly name: Name;
  /** `m'` */
  readonly prime: boolean;
  /** Absent: the axes come from the right side. */
  readonly indices?: readonly IndexBinding[];
}
/** `targets = value`; more than one target takes a call with several results. */
export interface EquationStatement extends Node {
  readonly kind: "equation";
  readonly role: "value" | "output" | "loss";
  readonly targets: readonly Target[];
  readonly value: Expression;
  readonly doc?: string;
}
/** `output a, b` */
export interface OutputNames extends Node {
  readonly kind: "output";
  readonly names: readonly Name[];
}
export interface Argument extends Node {
  readonly name?: Name;
  readonly value: Expression;
}
export interface TrainStatement extends Node {
  readonly kind: "train";
  readonly loss: Name;
  readonly optimizer: Name;
  readonly args: readonly Argument[];
  readonly params?: readonly Name[];
}
export interface RecStatement extends Node {
  readonly kind: "rec";
  readonly index: Name;
  readonly range: RangeSyntax;
  readonly checkpoint?: { readonly policy: "sqrt" | "none" | Expression } & Node;
  readonly condition?: Expression;
  readonly body: readonly Statement[];
}
export interface FunctionTypeSyntax extends Node {
  readonly parameters: readonly TypeSyntax[];
  readonly results: readonly TypeSyntax[];
}
export interface Parameter extends Node {
  readonly name: Name;
  readonly type: TypeSyntax | FunctionTypeSyntax;
  readonly value?: Expression;
}
export interface Result extends Node {
  readonly name: Name;
  readonly type: TypeSyntax;
}
export interface FunctionStatement extends Node {
  readonly kind: "fn" | "layer";
  readonly name: Name;
  readonly sizes: readonly Name[];
  readonly parameters: readonly Parameter[];
  /** Absent for `fn f(x) = expression`. */
  readonly results?: readonly Result[];
  readonly body: readonly Statement[] | Expression;
  readonly adjoint?: {
    readonly cotangents: readonly Name[];
    readonly results: readonly Name[];
    readonly body: readonly Statement[];
  } & Node;
  readonly doc?: string;
}
export interface OptimizerStatement extends Node {
  readonly kind: "optimizer";
  readonly name: Name;
  readonly parameters: readonly Parameter[];
  /** `for p, g` */
  readonly param: Name;
  readonly gradient: Name;
  readonly body: readonly Statement[];
  readonly doc?: string;
}
export interface ImportStatement extends Node {
  readonly kind: "import";
  readonly names: readonly { readonly name: Name; readonly as?: Name }[];
  readonly from: string;
  readonly fromSpan: Span;
}
export interface CheckStatement extends Node {
  readonly kind: "check";
  readonly loss: Name;
  readonly values: readonly { readonly name: Name; readonly value: Expression }[];
}

export type Expression =
  | NumberExpression
  | BooleanExpression
  | NameExpression
  | SubscriptExpression
  | CallExpression
  | BinaryExpression
  | UnaryExpression
  | IfExpression
  | ReducerExpression
  | AxisExpression
  | ListExpression;

export interface NumberExpression extends Node {
  readonly kind: "number";
  readonly value: number;
  /** Written without point or exponent. */
  readonly integer: boolean;
}
export interface BooleanExpression extends Node {
  readonly kind: "boolean";
  readonly value: boolean;
}
export interface NameExpression extends Node {
  readonly kind: "name";
  readonly name: string;
  readonly prime: boolean;
}
export interface SubscriptExpression extends Node {
  readonly kind: "subscript";
  readonly base: Expression;
  readonly subscripts: readonly Expression[];
}
export interface CallExpression extends Node {
  readonly kind: "call";
  readonly callee: Name;
  /** `dense<O = 64>(x)` */
  readonly sizes: readonly { readonly name: Name; readonly value: Expression }[];
  /** `concat[i](a, b)`: the axis index written between name and arguments. */
  readonly axis?: Name;
  readonly args: readonly Argument[];
}
export type BinaryOperator =
  "or" | "and" | "==" | "!=" | "<" | "<=" | ">" | ">=" | "+" | "-" | "*" | "/" | "%" | "@" | "^" | "??";
export interface BinaryExpression extends Node {
  readonly kind: "binary";
  readonly operator: BinaryOperator;
  readonly left: Expression;
  readonly right: Expression;
  readonly operatorSpan: Span;
}
export interface UnaryExpression extends Node {
  readonly kind: "unary";
  readonly operator: "-" | "not";
  readonly operand: Expression;
}
export interface IfExpression extends Node {
  readonly kind: "if";
  readonly condition: Expression;
  readonly then: Expression;
  readonly else: Expression;
}
export interface ReducerExpression extends Node {
  readonly kind: "reducer";
  readonly reducer: ReducerName;
  readonly indices: readonly { readonly name: Name; readonly range?: RangeSyntax }[];
  readonly guard?: Expression;
  readonly body: Expression;
  /** Of the operator's own words, brackets included. */
  readonly headSpan: Span;
}
export interface AxisExpression extends Node {
  readonly kind: "axis";
  readonly operator: AxisName;
  readonly index: Name;
  readonly guard?: Expression;
  readonly body: Expression;
  readonly headSpan: Span;
}
export interface ListExpression extends Node {
  readonly kind: "list";
  readonly items: readonly Expression[];
}
