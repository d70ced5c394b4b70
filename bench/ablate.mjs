import { measure } from "./measure.mjs";
import { ratio, table } from "./report.mjs";
import { workload } from "./workloads.mjs";

const { compile, OPTIMIZATIONS } = await import("../dist/compile.js");

/** A ratio that is noise. */
const NOISE = 0.05;

/**
 * Each optimisation left out by itself, beside the whole, in turns: how many times slower that is. Where the code is
 * the same without it, nothing is measured.
 * @returns {Promise<{ text: string, data: object }>} a table for each engine
 */
export async function ablate(engines, only, options) {
  const data = {};
  for (const name of only) {
    const { steps, tolerance, source } = workload(name);
    for (const engine of engines) {
      const code = (off) => compile(source, { targets: [engine], off }).code;
      const [whole, switches] = [code([]), OPTIMIZATIONS.filter((s) => s !== "lanes" || engine === "wasm")];
      const felt = switches.filter((s) => code([s]) !== whole);
      const entries = [engine, ...felt.map((s) => `${engine}-${s}`)];
      const timings = await measure(entries, { suite: "main", name, steps, tolerance }, options);
      // What else runs here only ever adds time: the lower quartile is the steadier one.
      const over = ({ fault, low }) => fault ?? low / timings[0].low;
      const ratios = switches.map((s) => [s, felt.includes(s) ? over(timings[felt.indexOf(s) + 1]) : 1]);
      (data[engine] ??= {})[name] = Object.fromEntries(ratios);
      options.log("");
      console.log(`${name} on ${engine}: ${ratios.map(([s, r]) => `${s} ${cell(r)}`).join(", ")}`);
    }
  }
  const text = engines.map((engine) => tableOf(engine, only, data[engine])).join("\n\n");
  return { text, data };
}

/** What changes nothing is a dot, so that the rest shows. */
const cell = (r) =>
  typeof r === "string" ? (/over/.test(r) ? r : "fault") : Math.abs(r - 1) < NOISE ? "·" : ratio(r);

function tableOf(engine, names, data) {
  const switches = Object.keys(data[names[0]]);
  const rows = switches.map((s) => [s, ...names.map((name) => cell(data[name][s]))]);
  return `${engine}: time without an optimisation over time with all (· within 5%)\n${table([["without", ...names], ...rows])}`;
}
