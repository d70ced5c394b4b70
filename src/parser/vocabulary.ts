import { createToken, Lexer, type TokenType } from "chevrotain";
import { AXIS_OPERATORS, REDUCERS } from "./ast.js";

/**
 * The token types. Tokens are cut by `lexer.ts`, not by chevrotain's own lexer: that drops the `u` flag, so `\p{L}`
 * silently fails there. Categories let one word be two things: every soft keyword is a `Name` too.
 */
const define = (name: string, label: string, ...categories: TokenType[]): TokenType =>
  createToken({ name, label, pattern: Lexer.NA, categories });

export const Name = define("Name", "a name");
export const NumberLiteral = define("NumberLiteral", "a number");
export const StringLiteral = define("StringLiteral", "a text in quotes");
/** Of no width, before a line that certainly begins a statement. No grammar rule lets an expression run over it. */
export const Boundary = define("Boundary", "the end of the line");

export const BinaryOperator = define("BinaryOperator", "an operator");
/** Those that a size or a bound may have. */
export const SizeOperator = define("SizeOperator", "an operator", BinaryOperator);
export const ReducerName = define("ReducerName", "a reducer", Name);
export const AxisOperatorName = define("AxisOperatorName", "an axis operator", Name);

const word = (text: string, ...categories: TokenType[]): TokenType =>
  define(text[0]!.toUpperCase() + text.slice(1), `\`${text}\``, ...categories);
const symbol = (name: string, text: string, ...categories: TokenType[]): TokenType =>
  define(name, `\`${text}\``, ...categories);

export const If = word("if");
export const Then = word("then");
export const Else = word("else");
const And = word("and", BinaryOperator);
const Or = word("or", BinaryOperator);
export const Not = word("not");
export const True = word("true");
export const False = word("false");
export const In = word("in");

export const Dim = word("dim", Name);
export const Input = word("input", Name);
export const Param = word("param", Name);
export const State = word("state", Name);
export const Const = word("const", Name);
export const Output = word("output", Name);
export const Loss = word("loss", Name);
export const Train = word("train", Name);
export const With = word("with", Name);
export const Fn = word("fn", Name);
export const Layer = word("layer", Name);
export const Optimizer = word("optimizer", Name);
export const Adjoint = word("adjoint", Name);
export const Rec = word("rec", Name);
export const While = word("while", Name);
export const Checkpoint = word("checkpoint", Name);
export const Import = word("import", Name);
export const From = word("from", Name);
export const As = word("as", Name);
export const Check = word("check", Name);
export const For = word("for", Name);
export const At = word("at", Name);
export const None = word("none", Name);
export const Sqrt = word("sqrt", Name);

export const LeftParen = symbol("LeftParen", "(");
export const RightParen = symbol("RightParen", ")");
export const LeftSquare = symbol("LeftSquare", "[");
export const RightSquare = symbol("RightSquare", "]");
export const LeftCurly = symbol("LeftCurly", "{");
export const RightCurly = symbol("RightCurly", "}");
export const Comma = symbol("Comma", ",");
export const Semicolon = symbol("Semicolon", ";");
export const Colon = symbol("Colon", ":");
export const Bar = symbol("Bar", "|");
export const Prime = symbol("Prime", "'");
export const Dot = symbol("Dot", ".");
export const DotDot = symbol("DotDot", "..");
export const Arrow = symbol("Arrow", "->");
export const Equals = symbol("Equals", "=");
const Plus = symbol("Plus", "+", SizeOperator);
export const Minus = symbol("Minus", "-", SizeOperator);
const Times = symbol("Times", "*", SizeOperator);
const Slash = symbol("Slash", "/", SizeOperator);
const Percent = symbol("Percent", "%", SizeOperator);
const Matmul = symbol("Matmul", "@", SizeOperator);
const Caret = symbol("Caret", "^", SizeOperator);
const Pad = symbol("Pad", "??", SizeOperator);
const EqualTo = symbol("EqualTo", "==", BinaryOperator);
const NotEqual = symbol("NotEqual", "!=", BinaryOperator);
export const Less = symbol("Less", "<", BinaryOperator);
const LessOrEqual = symbol("LessOrEqual", "<=", BinaryOperator);
export const Greater = symbol("Greater", ">", BinaryOperator);
const GreaterOrEqual = symbol("GreaterOrEqual", ">=", BinaryOperator);

const STATEMENT_WORDS = [
  Dim,
  Input,
  Param,
  State,
  Const,
  Output,
  Loss,
  Train,
  Fn,
  Layer,
  Optimizer,
  Rec,
  Import,
  Check,
];
/** The words that begin a statement where a name or `{` follows. */
export const statementWords: ReadonlySet<TokenType> = new Set(STATEMENT_WORDS);

const RESERVED = [If, Then, Else, And, Or, Not, True, False, In];
const SOFT = [...STATEMENT_WORDS, With, Adjoint, While, Checkpoint, From, As, For, At, None, Sqrt];
const textOf = (type: TokenType): string => type.name.toLowerCase();

/** Words with a token type of their own, by their text. */
export const words: ReadonlyMap<string, TokenType> = new Map<string, TokenType>([
  ...RESERVED.map((type) => [textOf(type), type] as const),
  ...SOFT.map((type) => [textOf(type), type] as const),
  ...REDUCERS.map((text) => [text, ReducerName] as const),
  ...AXIS_OPERATORS.map((text) => [text, AxisOperatorName] as const),
]);
export const RESERVED_WORDS: readonly string[] = RESERVED.map(textOf);

const SYMBOLS: readonly (readonly [string, TokenType])[] = [
  ["..", DotDot],
  ["->", Arrow],
  ["??", Pad],
  ["==", EqualTo],
  ["!=", NotEqual],
  ["<=", LessOrEqual],
  [">=", GreaterOrEqual],
  ["(", LeftParen],
  [")", RightParen],
  ["[", LeftSquare],
  ["]", RightSquare],
  ["{", LeftCurly],
  ["}", RightCurly],
  [",", Comma],
  [";", Semicolon],
  [":", Colon],
  ["|", Bar],
  ["'", Prime],
  [".", Dot],
  ["=", Equals],
  ["<", Less],
  [">", Greater],
  ["+", Plus],
  ["-", Minus],
  ["*", Times],
  ["/", Slash],
  ["%", Percent],
  ["@", Matmul],
  ["^", Caret],
];
export const symbols: ReadonlyMap<string, TokenType> = new Map(SYMBOLS);

export const vocabulary: TokenType[] = [
  Name,
  NumberLiteral,
  StringLiteral,
  Boundary,
  BinaryOperator,
  SizeOperator,
  ReducerName,
  AxisOperatorName,
  ...RESERVED,
  ...SOFT,
  ...symbols.values(),
];
