import type { KExpr } from "../schedule/kernel-ir.js";

/** A piece of text with the strength of its outermost operator, so that brackets are put only where they are needed. */
export interface Piece {
  readonly text: string;
  /** 3 atom, 2 product, 1 sum, 0 anything else. */
  readonly strength: number;
}
export const atom = (text: string): Piece => ({ text, strength: 3 });
export const bracketed = (p: Piece, least: number): string => (p.strength >= least ? p.text : `(${p.text})`);

/** Address arithmetic is infix in every target. */
export function addressText(
  e: KExpr & { op: "address" },
  print: (e: KExpr) => Piece,
  call: (fn: "min" | "max", args: readonly string[]) => string,
): Piece {
  const args = e.args.map(print);
  const [a, b] = args;
  if (!a) return atom("0");
  switch (e.fn) {
    case "add":
      return { text: args.map((p) => bracketed(p, 1)).join(" + "), strength: 1 };
    case "sub":
      return { text: `${bracketed(a, 1)} - ${b ? bracketed(b, 2) : "0"}`, strength: 1 };
    case "mul":
      return { text: args.map((p) => bracketed(p, 2)).join(" * "), strength: 2 };
    case "neg":
      return { text: `-${bracketed(a, 3)}`, strength: 0 };
    case "min":
    case "max":
      return atom(
        call(
          e.fn,
          args.map((p) => p.text),
        ),
      );
  }
}

export class Lines {
  private readonly lines: string[] = [];
  private depth = 0;
  add(line: string): void {
    this.lines.push("  ".repeat(this.depth) + line);
  }
  block(head: string, body: () => void, tail = "}"): void {
    this.add(head);
    this.depth++;
    body();
    this.depth--;
    this.add(tail);
  }
  toString(): string {
    return `${this.lines.join("\n")}\n`;
  }
}
