import { expect, test } from "vitest";
import { bracketed, expression, report, statements } from "./support.js";

const CASES: readonly (readonly [string, string])[] = [
  ["a + b * c - d", "((a + (b * c)) - d)"],
  ["a - b - c", "((a - b) - c)"],
  ["a / b * c % d @ e", "((((a / b) * c) % d) @ e)"],
  ["a^b^c", "(a ^ (b ^ c))"],
  ["-a^2", "(- (a ^ 2))"],
  ["-a % b", "(- (a % b))"],
  ["-a * b + c", "((- (a * b)) + c)"],
  ["a * -b * c", "((a * (- b)) * c)"],
  ["a ^ -b ^ c", "(a ^ (- (b ^ c)))"],
  ["c^-1 * d", "((c ^ (- 1)) * d)"],
  ["x[i - 1] ?? 0 ^ 2", "((x[(i - 1)] ?? 0) ^ 2)"],
  ["x ?? -1 * a", "((x ?? (- 1)) * a)"],
  ["x ?? y ?? z", "((x ?? y) ?? z)"],
  ["sum[i] x * w + b", "((sum (x * w)) + b)"],
  ["sum[i] x == b", "((sum x) == b)"],
  ["sum[i] -x * y", "(sum (- (x * y)))"],
  ["sum[i] sum[j] x / y", "(sum (sum (x / y)))"],
  ["-0.5 * sum[i] a * b / prod[k] c * d - e", "((- (0.5 * (sum ((a * b) / (prod (c * d)))))) - e)"],
  ["a * -sum[i] b * c", "(a * (- (sum (b * c))))"],
  ["-mean[n] logsumexp[k] z", "(- (mean (logsumexp z)))"],
  ["softmax[c] z^2 + 1", "((softmax (z ^ 2)) + 1)"],
  ["2 * softmax[c] z", "(2 * (softmax z))"],
  ["cumsum[t] -z", "(cumsum (- z))"],
  ["sum[i] softmax[i] z", "(sum (softmax z))"],
  ["not a == b and c or d", "(((not (a == b)) and c) or d)"],
  ["not not a", "(not (not a))"],
  ["a < b + 1 and c >= d", "((a < (b + 1)) and (c >= d))"],
  ["if a then b else if c then d else e + 1", "(if a b (if c d (e + 1)))"],
  ["max(a, b) * max[i] c", "(max(a, b) * (max c))"],
  ["field(z[t])[s]", "field(z[t])[s]"],
  ["m.2.W[0] * m.W", "(m.2.W[0] * m.W)"],
];
test.each(CASES)("%s", (source, wanted) => {
  expect(report(`y = ${source}`)).toBe("");
  expect(bracketed(expression(source))).toBe(wanted);
});

test("a range needs no blanks, and a decimal point has digits on both sides", () => {
  const [rec] = statements("rec t in 0..10 { z[0] = 1.5 }");
  expect(rec).toMatchObject({ kind: "rec", range: { lo: { value: 0 }, hi: { value: 10 } } });
});

test("a name, `<`, a name and `=` begin a call with sizes; otherwise `<` compares", () => {
  expect(expression("dense<O = 2 * H, K = 3>(x)")).toMatchObject({
    kind: "call",
    sizes: [{ name: { text: "O" } }, { name: { text: "K" } }],
  });
  expect(expression("a < b")).toMatchObject({ kind: "binary", operator: "<" });
});

test("words of the language are names where they declare nothing", () => {
  expect(
    report("at = 1\nloss = at + input\noutput loss\ntrain loss with adam\nstate[for] = check[for]"),
  ).toBe("");
  expect(statements("loss = 1").map((s) => s.kind)).toEqual(["equation"]);
});

test("names may have any letters, beyond the basic plane too", () => {
  expect(statements("σ = θ * Δt + 𝛼").map((s) => s.kind === "equation" && s.targets[0]?.name.text)).toEqual([
    "σ",
  ]);
});

test("a doc comment belongs to the declaration that follows, or to an entry of it", () => {
  const [input, fn] = statements(
    "/// The rows.\n/// One each.\ninput x: f32,\n  /// Labels.\n  k: i32\n/// Twice.\nfn twice(x: f32) = 2 * x",
  );
  expect(input).toMatchObject({ items: [{ doc: "The rows.\nOne each." }, { doc: "Labels." }] });
  expect(fn).toMatchObject({ doc: "Twice." });
});
