import { gen } from "../workloads/inputs.mjs";
import { table } from "../report.mjs";

const { compile } = await import("../../dist/index.js");
const { instantiate, RUNTIME_URL } = await import("../../dist/cli/model.js");
const { SCALARS } = await import("../../dist/ir/scalar/table.js");

const POINTS = 20_000;
const BACKENDS = ["js", "wasm"];

/** The distance between f32 numbers about `x`; the least one below the normal ones. */
const spacing = (x) => 2 ** (Math.max(-126, Math.floor(Math.log2(Math.abs(x)))) - 23);

/**
 * The largest error of each function of floats in units of the last place of f32, over its domain, for each backend.
 * Results that f32 cannot hold are left out, arguments are f32.
 */
export async function accuracy({ log }) {
  const rows = [["", "over", ...BACKENDS, "at"]];
  const data = {};
  const functions = Object.values(SCALARS).filter(
    (f) =>
      f.visible && f.type === "float" && f.domain.intervals.length && !f.parameters.some((p) => p.literal),
  );
  for (const f of functions) {
    log(`accuracy of ${f.name} …`);
    const worst = await worstOf(f);
    data[f.name] = worst;
    const place = BACKENDS.map((b) => worst[b]).sort((a, b) => b.ulp - a.ulp)[0].at;
    const domain = f.domain.intervals.map(([lo, hi]) => `${lo}..${hi}`).join(", ");
    const at = place.map((x) => x.toPrecision(5)).join(", ");
    rows.push([f.name, domain, ...BACKENDS.map((b) => worst[b].ulp.toFixed(1)), at]);
  }
  return { text: `Functions: the largest error in units in the last place of f32\n${table(rows)}`, data };
}

async function worstOf(f) {
  const names = f.domain.intervals.map((_, k) => `a${k}`);
  const inputs = Object.fromEntries(
    f.domain.intervals.map(([lo, hi], k) => [names[k], gen(40 + k, POINTS, (hi - lo) / 2, (hi + lo) / 2)]),
  );
  const declared = names.map((n) => `${n}: f32[N]`).join(", ");
  const call = `${f.name}(${names.map((n) => `${n}[n]`).join(", ")})`;
  const found = {};
  for (const backend of BACKENDS) {
    const compiled = compile(`dim N\ninput ${declared}\noutput y[n] = ${call}`, {
      targets: [backend],
      runtimeImport: RUNTIME_URL,
    });
    if (!compiled.ok) throw new Error(`${call}: ${compiled.diagnostics[0].message}`);
    const model = await instantiate(compiled, { backend });
    const values = model.forward(inputs).y.data;
    const worst = { ulp: 0, at: [] };
    for (let n = 0; n < POINTS; n++) {
      const at = names.map((name) => inputs[name][n]);
      const exact = f.evaluate(...at);
      if (!(Math.abs(exact) <= 3.4e38)) continue;
      const ulp = Math.abs(values[n] - exact) / spacing(exact);
      if (!(ulp <= worst.ulp)) Object.assign(worst, { ulp, at });
    }
    found[backend] = worst;
    model.dispose();
  }
  return found;
}
