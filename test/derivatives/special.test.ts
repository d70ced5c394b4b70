import { describe, expect, test } from "vitest";
import { type Engine, prepare, type Values } from "./engines.js";
import { GUARDED, LOOSE, OF_RESULT, type Special, SPECIALS, subjectOf } from "./special.js";

const GROUPS = [
  ["js:f64", ["js:f64", "interpreter", "eager:f64"]],
  ["js", ["js", "eager"]],
  ["wasm:f64", ["wasm:f64"]],
  ["wasm", ["wasm"]],
] as const;

/** Runs each engine. */
async function each(special: Special, weight: number, see: (engine: Engine, got: Values) => void) {
  const subject = subjectOf(special, weight);
  for (const [on, engines] of GROUPS) {
    const program = await prepare(subject, "", on);
    await program.values({}, {}); // binds N
    for (const engine of engines) see(engine, await program.run(engine, {}));
    program.model.dispose();
  }
}
const SINGLE: readonly Engine[] = ["js", "eager", "wasm"];
const signed = (x: number): string => (Object.is(x, -0) ? "-0" : String(x));

// Kinks, ties, singularities, signed zeros, infinities, NaN, denormals and the largest numbers.
describe("values and derivatives at special points are PyTorch's, or what the language says instead", () => {
  test.each(SPECIALS.map((s) => [s.name, s] as const))("%s", async (name, special) => {
    const faults = new Set<string>();
    await each(special, 1, (engine, got) => {
      const single = SINGLE.includes(engine);
      special.points.forEach(({ args, value, partials }, i) => {
        const check = (what: string, wanted: number, exact: boolean): void => {
          const [want, found] = [single ? Math.fround(wanted) : wanted, got[what]?.[i] ?? NaN];
          const relative = single ? 5e-6 : exact ? 5e-15 : (LOOSE[name] ?? 1e-13);
          // Denormals lose bits.
          const tail = exact || !OF_RESULT.has(name) ? 1e-37 : 1e-7;
          const absolute = single ? tail : tail === 1e-7 ? 4e-16 : 1e-300;
          if (found === want || (Number.isNaN(found) && Number.isNaN(want))) return;
          if (!(Math.abs(found - want) <= absolute + relative * Math.abs(want)))
            faults.add(`${what} at (${args.map(signed).join(", ")}) on ${engine}: ${found}, not ${want}`);
        };
        check("value", value, true);
        // Outside of the domain there is nothing to be differentiated.
        if (Number.isNaN(value) || args.some(Number.isNaN)) return;
        partials.forEach((partial, k) => {
          check(k ? "d y" : "d x", partial, false);
          check(k ? "ty" : "tx", partial, false);
        });
      });
    });
    expect([...faults].join("\n")).toBe("");
  });
});

describe("where the incoming derivative is exactly 0, infinite partials pass 0 in both modes and orders", () => {
  const singular = SPECIALS.filter((s) => GUARDED.has(s.name));
  test.each(singular.map((s) => [s.name, s] as const))("%s", async (_, special) => {
    const faults = new Set<string>();
    await each(special, 0, (engine, got) => {
      for (const [what, values] of Object.entries(got))
        if (what !== "value" && what !== "l")
          values.forEach((x, i) => {
            const { args, value } = special.points[i] ?? { args: [NaN], value: NaN };
            if (what.startsWith("h") && !(args.every(Number.isFinite) && !Number.isNaN(value))) return;
            if (x !== 0) faults.add(`${what} at (${args.map(signed).join(", ")}) on ${engine}: ${x}`);
          });
    });
    expect([...faults].join("\n")).toBe("");
  });
});
