import { describe, expect, it } from "vitest";
import { GUARDED, OF_RESULT, type Special, SPECIALS, subjectOf } from "../derivatives/special.js";
import { runPrograms } from "./child.js";

// What WGSL leaves open is left out: infinities and NaN (as arguments or results), denormals, the sign of zero.
const promised = (x: number): boolean =>
  x === 0 ? !Object.is(x, -0) : Math.abs(x) > 1e-37 && Math.abs(x) < 2e38;
const held = (x: number): boolean => x === 0 || promised(x);
/**
 * sin and its kin lose all digits of large arguments. No quotient by more than 2^126 is promised, and a driver may make of
 * one that is divided by the same number again a quotient by its square.
 */
const largest = (name: string): number => {
  if (/^(sin|cos|tan)$/.test(name)) return 100;
  if (/^(hypot|x%y)$/.test(name)) return 2 ** 126;
  return /^(atan2|x\/y)$/.test(name) ? 2 ** 60 : Infinity;
};
const atPoints = (s: Special, keep: (p: Special["points"][number]) => boolean): Special => ({
  ...s,
  points: s.points.filter(
    (p) => p.args.every((x) => promised(x) && Math.abs(x) <= largest(s.name)) && held(p.value) && keep(p),
  ),
});
const VALUES = SPECIALS.map((s) => atPoints(s, (p) => p.partials.every(held)));
const ZEROS = SPECIALS.filter((s) => GUARDED.has(s.name)).map((s) => atPoints(s, () => true));

interface Tensor {
  readonly data: readonly (number | string)[];
}
type Answer = { readonly webgpu: Readonly<Record<string, Tensor>> } | { readonly error: string };
const program = (s: Special, weight: number) => {
  const { source, inputs, wrt } = subjectOf(s, weight);
  const data = Object.entries(inputs).map(([name, t]) => [name, t.data] as const);
  return { source, inputs: Object.fromEntries(data), wrt, backends: ["webgpu"] };
};
const runs = await runPrograms<Answer>([
  ...VALUES.map((s) => program(s, 1)),
  ...ZEROS.map((s) => program(s, 0)),
]);

function outputsOf(answer: Answer | undefined): (name: string, k: number) => number {
  if (!answer || "error" in answer) throw new Error(answer?.error ?? "no answer");
  return (name, k) => Number(answer.webgpu[name]?.data[k]);
}

describe.each(runs)("special points with $compiler:", ({ answer: answers }) => {
  it("there is an adapter (npm test sets up a software one)", () => expect(answers).not.toBeNull());
  it.skipIf(!answers).each(VALUES.map((s, k) => [s.name, s, k] as const))(
    "values and both modes' derivatives of %s are the convention's",
    (name, { points }, k) => {
      const at = outputsOf(answers?.[k]);
      expect(points.length).toBeGreaterThan(3);
      const faults: string[] = [];
      points.forEach(({ args, value, partials }, i) => {
        const check = (what: string, want: number, absolute: number): void => {
          const found = at(what, i);
          if (!(Math.abs(found - want) <= 2e-5 * Math.abs(want) + absolute))
            faults.push(`${what} at (${args.join(", ")}): ${found}, not ${want}`);
        };
        // The absolute bounds of the functions' own table, and of derivatives made of the result.
        check("value", value, /^(log|lgamma|digamma|sin|cos|tan)/.test(name) ? 5e-6 : 1e-37);
        partials.forEach((partial, j) => {
          const absolute = OF_RESULT.has(name) || /^(digamma|sin|cos|tan)/.test(name) ? 1e-6 : 1e-37;
          check(j ? "d y" : "d x", partial, absolute);
          check(j ? "ty" : "tx", partial, absolute);
        });
      });
      expect(faults.join("\n")).toBe("");
    },
  );
  it.skipIf(!answers).each(ZEROS.map((s, k) => [s.name, s, VALUES.length + k] as const))(
    "a derivative of exactly 0 passes %s as 0",
    (_, { points }, k) => {
      const at = outputsOf(answers?.[k]);
      const faults = points.flatMap(({ args }, i) =>
        args
          .flatMap((__, j) => (j ? ["d y", "ty"] : ["d x", "tx"]))
          .flatMap((what) => (at(what, i) === 0 ? [] : [`${what} at (${args.join(", ")}): ${at(what, i)}`])),
      );
      expect(faults.join("\n")).toBe("");
    },
  );
});
