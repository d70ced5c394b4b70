import { createToken, Lexer, type TokenType } from "chevrotain";
import { AXIS_OPERATORS, INNER_WORDS, REDUCERS, RESERVED, STATEMENT_WORDS } from "./words.js";

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

/** A token type for each of some words, by its text. */
const typesOf = <Word extends string>(
  list: readonly Word[],
  categories: (text: Word) => TokenType[],
): Readonly<Record<Word, TokenType>> =>
  Object.fromEntries(list.map((text) => [text, word(text, ...categories(text))])) as Record<Word, TokenType>;

const reserved = typesOf(RESERVED, (text) => (text === "and" || text === "or" ? [BinaryOperator] : []));
export const { if: If, then: Then, else: Else, not: Not, true: True, false: False, in: In } = reserved;

const statements = typesOf(STATEMENT_WORDS, () => [Name]);
export const { dim: Dim, input: Input, param: Param, state: State, const: Const } = statements;
export const { output: Output, loss: Loss, train: Train, rec: Rec, import: Import } = statements;
export const { fn: Fn, layer: Layer, optimizer: Optimizer, check: Check } = statements;
/** The words that begin a statement where a name or `{` follows. */
export const statementWords: ReadonlySet<TokenType> = new Set(Object.values(statements));

const inner = typesOf(INNER_WORDS, () => [Name]);
export const { with: With, adjoint: Adjoint, while: While, checkpoint: Checkpoint } = inner;
export const { from: From, as: As, for: For, at: At, none: None, sqrt: Sqrt } = inner;

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

/** Words with a token type of their own, by their text. */
export const words: ReadonlyMap<string, TokenType> = new Map<string, TokenType>([
  ...Object.entries({ ...reserved, ...statements, ...inner }),
  ...REDUCERS.map((text) => [text, ReducerName] as const),
  ...AXIS_OPERATORS.map((text) => [text, AxisOperatorName] as const),
]);

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
  ...Object.values(reserved),
  ...Object.values(statements),
  ...Object.values(inner),
  ...symbols.values(),
];
