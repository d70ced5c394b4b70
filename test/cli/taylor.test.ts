import { expect, test } from "vitest";
import { remainderOf, STEPS } from "../../src/cli/taylor.js";

const along = (f: (h: number) => number, slope: number): ReturnType<typeof remainderOf> =>
  remainderOf(f(0), STEPS.map(f), slope);

test("a right slope leaves a remainder of second order", () => {
  expect(along((h) => Math.exp(2 + h), Math.exp(2)).order).toBeCloseTo(2, 1);
  expect(along((h) => Math.sin(1 + 3 * h), 3 * Math.cos(1)).ok).toBe(true);
});

test("a slope that is wrong in its sixth digit leaves one of first order", () => {
  expect(along((h) => Math.exp(2 + h), Math.exp(2) * (1 + 1e-6)).ok).toBe(false);
  expect(along((h) => Math.exp(2 + h), 0).order).toBeCloseTo(1, 1);
});

test("what is straight leaves nothing but rounding", () => {
  expect(along((h) => 3 - 2 * h, -2)).toEqual({ order: Infinity, ok: true });
  expect(along((h) => 3 - 2 * h, -2.001).ok).toBe(false);
  expect(along(() => 3, 0)).toEqual({ order: Infinity, ok: true });
});

test("a kink and an edge of the domain further away than the smallest steps do not matter", () => {
  expect(along((h) => Math.max(0.001, h) + Math.exp(h), 1).ok).toBe(true);
  expect(along((h) => Math.sqrt(0.01 - h), -5).ok).toBe(true);
});

test("a kink at the point itself, or values that are no numbers, are no pass", () => {
  expect(along((h) => Math.max(0, h), 0).ok).toBe(false);
  expect(along((h) => Math.sqrt(-h), 0).ok).toBe(false);
});
