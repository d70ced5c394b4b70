import { page, type Entry, type Name, type Text } from "./page.js";

/** Syntax. */
export const SYNTAX = {
  GRAD1001: {
    title: "the text does not follow the grammar",
    message: ({ found, expected }: { found: string; expected: string }) =>
      `expected ${expected}, found ${found}`,
    page: page(
      "The text does not follow the grammar at this place. The statement is left out, and checking goes on with the next one.",
      "y = 2 *",
      "y = 2 * x",
    ),
  },
  GRAD1002: {
    title: "unexpected character",
    message: ({ text }: Text) => `unexpected character ${text}`,
    page: page("These characters have no meaning in the language.", "y = 2 × x", "y = 2 * x"),
  },
  GRAD1003: {
    title: "nesting too deep",
    message: ({ limit }: { limit: number }) => `brackets and operators nest deeper than ${limit}`,
    page: page(
      "Brackets, blocks, if, -, not and ^ may stand inside each other at most 64 deep. Give inner parts names of their own.",
      "y = ((((… 65 deep …))))",
      "inner = …\ny = (inner + 1)",
    ),
  },
  GRAD1004: {
    title: "comparisons do not chain",
    message: (_: object) => "comparisons do not chain",
    page: page(
      "A comparison gives a bool, which cannot be compared with < again.",
      "inside = 0 < x < 1",
      "inside = 0 < x and x < 1",
    ),
  },
  GRAD1005: {
    title: "unclosed comment",
    message: (_: object) => "a comment that begins with /* is never closed",
    page: page(
      "The rest of the file would be part of the comment.",
      "/* the first layer",
      "/* the first layer */",
    ),
  },
  GRAD1006: {
    title: "axis operator needs brackets",
    message: ({ name }: Name) => `what \`${name}\` applies to needs brackets`,
    page: page(
      "An axis operator takes one factor, since both readings of softmax[c] a * b are common on paper.",
      "p[c] = softmax[c] a[c] * b[c]",
      "p[c] = softmax[c] (a[c] * b[c])\nq[c] = (softmax[c] a[c]) * b[c]",
    ),
  },
  GRAD1007: {
    title: "operator without its indices",
    message: ({ name }: Name) => `\`${name}\` needs its index in square brackets`,
    page: page(
      "Reducers and axis operators name the index that they run over. Their names cannot stand for values.",
      "y = sum x",
      "y = sum[i] x[i]",
    ),
  },
  GRAD1008: {
    title: "operator as operand needs brackets",
    message: ({ name }: Name) => `\`${name}\` after \`^\` or \`??\` needs brackets`,
    page: page(
      "A reducer reaches to the end of its product, so where ^ or ?? stands before it the reader could not see what belongs to what.",
      "y = x ^ sum[i] a[i]",
      "y = x ^ (sum[i] a[i])",
    ),
  },
  GRAD1009: {
    title: "if as operand needs brackets",
    message: (_: object) => "an `if` among operators needs brackets",
    page: page(
      "if is the loosest operator: its last branch reaches to the end. As an operand or under a reducer it stands in brackets.",
      "y = mean[b] if c[b] then 1.0 else 0.0",
      "y = mean[b] (if c[b] then 1.0 else 0.0)",
    ),
  },
  GRAD1010: {
    title: "not as operand needs brackets",
    message: (_: object) => "`not` as operand needs brackets",
    page: page("not is looser than comparisons and arithmetic.", "y = a == not b", "y = a == (not b)"),
  },
  GRAD1011: {
    title: "output without a value",
    message: ({ name }: Name) => `\`${name}\` cannot be written like this after \`output\``,
    page: page(
      "output followed by names marks what is defined elsewhere; with an equation it defines a plain name.",
      "output y[b]",
      "output y[b] = 2 * x[b]\noutput z",
    ),
  },
  GRAD1012: {
    title: "unclosed text",
    message: (_: object) => "a text in quotes ends on its line",
    page: page(
      "The closing quote is missing.",
      'import { rk4 } from "std/ode',
      'import { rk4 } from "std/ode"',
    ),
  },
  GRAD1013: {
    title: "missing brace",
    message: (_: object) => "a block is never closed: expected `}`",
    page: page("A { has no partner.", "rec t in 0..T {\n  z[0] = 1", "rec t in 0..T {\n  z[0] = 1\n}"),
  },
  GRAD1014: {
    title: "too many errors",
    message: ({ limit }: { limit: number }) => `more than ${limit} errors; the rest is not shown`,
    page: page("The list of errors was cut. Mend the first ones and check again.", "", ""),
  },
  GRAD1015: {
    title: "malformed number",
    message: ({ text }: Text) => `\`${text}\` is not a number`,
    page: page(
      "A number is digits with `_` between, a point with a digit on both sides, an exponent; or 0x and hexadecimal digits.",
      "y = 2x + .5",
      "y = 2 * x + 0.5",
    ),
  },
} as const satisfies Record<string, Entry>;
