import { define } from "./define.js";
import { rand, randn } from "./random.js";
import type { Domain, ScalarFunction, TargetCode } from "./types.js";

const draws: Domain = {
  intervals: [],
  special: [[0], [0, 0, 0], [1, 2], [7, 3, 4], [-1, 5, 0, 2], [3, 1, 2, 3, 4]],
};
const pairs = (subscripts: readonly string[], zero: string): [string, string][] => {
  const found: [string, string][] = [];
  for (let k = 0; k === 0 || k < subscripts.length; k += 2)
    found.push([subscripts[k] ?? zero, subscripts[k + 1] ?? zero]);
  return found;
};
/** Each call leaves its second word in gradc_word1; arguments are evaluated left to right, so the chain reads the right one. */
const jsWords = (seed: string, subscripts: readonly string[]): string =>
  pairs(subscripts, "0").reduce(
    (key, [a, b], k) => `gradc_threefry(${key}, ${k === 0 ? "0" : "gradc_word1"}, ${a}, ${b})`,
    seed,
  );
const wgslWords = (seed: string, subscripts: readonly string[]): string =>
  pairs(subscripts, "0u").reduce(
    (key, [a, b]) => `gradc_threefry(${key}, vec2u(u32(${a}), u32(${b})))`,
    `vec2u(u32(${seed}), 0u)`,
  );
const wgsl = (helper: string): TargetCode => ({
  expression: ([seed = "0", ...subscripts]) => `${helper}(${wgslWords(seed, subscripts)})`,
  helpers: [helper, "gradc_threefry"],
});

/** The first argument is the seed, the rest are the subscripts; all integers. */
export const RANDOM: readonly ScalarFunction[] = [
  define("rand", {
    type: "random",
    visible: false,
    arity: { min: 1 },
    parameters: ["seed"],
    doc: "`rand(seed)[i, j]`: uniform in [0, 1), by Threefry-2x32-20 of the seed and the subscripts (Salmon et al., SC 2011).",
    evaluate: (seed = 0, ...subscripts) => rand(seed, ...subscripts),
    derivative: ({ args }) => args.map(() => null),
    poles: "nowhere",
    range: () => ({ sign: 1, floor: 0 }),
    cost: 80,
    domain: draws,
    js: {
      expression: ([seed = "0", ...subscripts]) => `gradc_rand(${jsWords(seed, subscripts)})`,
      helpers: ["gradc_rand", "gradc_threefry"],
    },
    wgsl: { ...wgsl("gradc_rand"), bound: { relative: 0, absolute: 0 } },
  }),
  define("randn", {
    type: "random",
    visible: false,
    arity: { min: 1 },
    parameters: ["seed"],
    doc: "`randn(seed)[i, j]`: normal, by Box and Muller's transform of Threefry's two words.",
    evaluate: (seed = 0, ...subscripts) => randn(seed, ...subscripts),
    derivative: ({ args }) => args.map(() => null),
    poles: "nowhere",
    cost: 120,
    domain: draws,
    js: {
      expression: ([seed = "0", ...subscripts]) => `gradc_randn(${jsWords(seed, subscripts)}, gradc_word1)`,
      helpers: ["gradc_randn", "gradc_threefry"],
    },
    wgsl: { ...wgsl("gradc_randn"), bound: { relative: 2e-6, absolute: 2e-6 } },
  }),
];
