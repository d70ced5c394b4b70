import { expect, test } from "vitest";
import { analyse } from "../../src/analyse.js";
import { compile } from "../../src/index.js";

/** The same bytes each time. */
function noise(length: number): string {
  let state = 1;
  return Array.from({ length }, () => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return String.fromCharCode((state >> 16) & 255);
  }).join("");
}
const times = (text: string, count: number): string => text.repeat(count);

const WRONG: Readonly<Record<string, string>> = {
  "a name of a megabyte": times("a", 1e6),
  "half a million names": `y = ${times("a ", 5e5)}`,
  "a megabyte of noise": noise(1e6),
  "a megabyte of opening brackets": `y = ${times("(", 1e6)}`,
  "a megabyte of lists": `y = ${times("[", 5e5)}${times("]", 5e5)}`,
  "brackets of all kinds": times("([{", 333_333),
  "3,000 nested brackets": `y = ${times("(", 3000)}1${times(")", 3000)}`,
  "subscripts in subscripts": `y = ${times("x[", 300_000)}`,
  "calls in calls": `y = ${times("f(", 300_000)}`,
  "half a million minus signs": `y = ${times("- ", 5e5)}1`,
  "half a million powers": `y = ${times("2^", 5e5)}2`,
  "a hundred thousand conditions": `y = ${times("if a then ", 1e5)}`,
  "an open comment in another": times("/*", 5e5),
  "a megabyte of quotation marks": times('"', 1e6),
};
const RIGHT: Readonly<Record<string, string>> = {
  nothing: "",
  "a number of a million digits": `y = 1${times("0", 1e6)}`,
  "a sum of 100,000 terms": `input x: f32\noutput y = x${times(" + x", 1e5)}`,
  "a product of 100,000 factors": `input x: f32\noutput y = x${times(" * x", 1e5)}`,
  "a conjunction of 100,000 parts": `output y = true${times(" and true", 1e5)}`,
  "a disjunction of 50,000 comparisons": `output y = 1 < 2${times(" or 1 < 2", 5e4)}`,
  "a list of 100,000 numbers": `output y = [${times("1, ", 1e5)}1]`,
};

// About a second each on an idle machine; the bound is for a busy one.
const BUSY = 5000;
test.each(Object.entries(WRONG))("%s: a message, soon", { timeout: 60_000 }, (_, source) => {
  const start = process.cpuUsage();
  const { diagnostics, program } = analyse(source);
  const { user } = process.cpuUsage(start);
  expect(program).toBeNull();
  expect(diagnostics.length).toBeGreaterThan(0);
  expect(user / 1000).toBeLessThan(BUSY);
});
test.each(Object.entries(RIGHT))("%s: checked, soon", { timeout: 60_000 }, (_, source) => {
  const start = process.cpuUsage();
  const { diagnostics } = analyse(source);
  const { user } = process.cpuUsage(start);
  expect(diagnostics.filter((d) => d.severity === "error")).toEqual([]);
  expect(user / 1000).toBeLessThan(BUSY);
});

test("`and` reads its right side under all parts before it", () => {
  const source =
    "input x: f32[5]\noutput y[i in 0..5] = if 0 < i and x[i - 1] > 0 and i < 4 and x[i + 1] > 0 or i == 2 then 1.0 else 0.0";
  expect(compile(source).diagnostics).toEqual([]);
  const mixed = "input x: f32[5]\noutput y[i in 0..5] = if i == 0 or x[i - 1] > 0 then 1.0 else 0.0";
  expect(analyse(mixed).diagnostics.map((d) => d.code)).toEqual([]);
  const wrong =
    "input x: f32[5]\noutput y[i in 0..5] = if i == 2 or i < 4 and x[i + 1] > 0 or x[i + 1] > 0 then 1.0 else 0.0";
  expect(analyse(wrong).diagnostics.map((d) => d.code)).toEqual(["GRAD3005"]);
});

test("an index that is not at the end of its range is inside of it", () => {
  const at = (body: string): string[] =>
    analyse(`dim N\ninput x: f32[N]\noutput y[i in 0..N] = ${body}`).diagnostics.map((d) => d.code);
  expect(at("if i == 0 then 0 else x[i - 1]")).toEqual([]);
  expect(at("if i == N - 1 then 0 else x[i + 1]")).toEqual([]);
  expect(at("if i != 0 and i != 1 then x[i - 2] else 0")).toEqual([]);
  expect(at("sum[j in 0..N | not j == 0] x[j - 1] + x[i]")).toEqual([]);
  expect(at("if i == 1 then 0 else x[i - 1]")).toEqual(["GRAD3005"]);
  expect(at("if i == 0 then 0 else x[i - 2]")).toEqual(["GRAD3005"]);
});
