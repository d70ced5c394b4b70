import type { IParserErrorMessageProvider, IToken, TokenType } from "chevrotain";

/** What a rule is called where none of its alternatives fits. */
const RULES: Readonly<Record<string, string>> = {
  operand: "an expression",
  prefix: "an expression",
  primary: "an expression",
  subscripts: "a subscript",
  reducerHead: "an index",
  dottedName: "a name or a number after the dot",
  checkpoint: "`sqrt`, `none` or a number of steps",
  body: "`=` or `->`",
};

/** Chevrotain's messages, cut down to what was expected: the diagnostic says the rest. */
export const expectation: IParserErrorMessageProvider = {
  buildMismatchTokenMessage: ({ expected }: { expected: TokenType }) => expected.LABEL ?? expected.name,
  buildNoViableAltMessage: ({ ruleName, customUserDescription }) =>
    customUserDescription ?? RULES[ruleName] ?? "something else",
  buildEarlyExitMessage: ({ ruleName, customUserDescription }) =>
    customUserDescription ?? RULES[ruleName] ?? "something else",
  buildNotAllInputParsedMessage: ({ firstRedundant }: { firstRedundant: IToken }) =>
    `no \`${firstRedundant.image}\``,
};
