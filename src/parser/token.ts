import type { IToken, TokenType } from "chevrotain";

/** Chevrotain's token with no more fields than are used: a large file has millions. Lines are `SourceText`'s business. */
export class Token implements IToken {
  tokenTypeIdx: number;
  /** Its number among the parser's tokens; the end of the file has none. */
  place = 0;
  constructor(
    public tokenType: TokenType,
    readonly image: string,
    readonly startOffset: number,
    /** First on its line. */
    readonly beginsLine: boolean,
    /** The `///` lines before it, without their marks. */
    readonly doc: string | undefined,
    /** Of its text; the image of a word that was misspelt is what was meant. */
    private readonly length = image.length,
  ) {
    this.tokenTypeIdx = tokenType.tokenTypeIdx!;
  }
  /** For a word that was misspelt: what it was meant to be. */
  retype(type: TokenType): void {
    this.tokenType = type;
    this.tokenTypeIdx = type.tokenTypeIdx!;
  }
  get end(): number {
    return this.startOffset + this.length;
  }
  get endOffset(): number {
    return this.end - 1;
  }
}
/** The offset behind a token. */
export const endOf = (token: IToken): number =>
  token instanceof Token ? token.end : token.startOffset + token.image.length;
