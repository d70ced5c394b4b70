/** Milliseconds with three digits, in the unit that suits. */
export function duration(ms) {
  if (ms === undefined) return "–";
  const [value, unit] = ms >= 1 ? [ms, "ms"] : ms >= 1e-3 ? [ms * 1e3, "µs"] : [ms * 1e6, "ns"];
  return `${digits(value)} ${unit}`;
}
const digits = (value) => (value >= 100 ? value.toFixed(0) : value.toPrecision(3));
export const ratio = (value) =>
  Number.isFinite(value) ? `${value >= 100 ? value.toFixed(0) : value.toPrecision(2)}×` : "–";

/** Columns as wide as they need to be; the first is text, the others numbers. */
export function table(rows) {
  const widths = rows[0].map((_, k) => Math.max(...rows.map((row) => [...row[k]].length)));
  const cell = (text, k) =>
    k === 0 ? text.padEnd(widths[k]) : " ".repeat(widths[k] - [...text].length) + text;
  return rows.map((row) => `  ${row.map(cell).join("  ")}`.trimEnd()).join("\n");
}

/**
 * How much slower this machine is than the one on which the goals were set, by the C anchor; 1 where it did not run.
 */
export function machineFactor(results) {
  const factors = results.flatMap(({ workload, timings }) => {
    const time = timings.find((t) => t.contender === "c")?.median;
    return time && workload.anchor ? [time / workload.anchor] : [];
  });
  return factors.length ? factors.sort((a, b) => a - b)[factors.length >> 1] : 1;
}

/** One workload's contenders under each other. */
export function block({ workload, timings }) {
  const anchor = timings.find((t) => t.contender === "c")?.median;
  const rows = timings.map((t) => [
    t.contender,
    t.fault ? "fault" : t.leftOut ? "left out" : duration(t.median),
    t.median ? `±${Math.round((50 * (t.high - t.low)) / t.median)}%` : "",
    t.error === undefined ? "" : t.error.toExponential(0),
    anchor && t.median ? ratio(t.median / anchor) : "",
  ]);
  const unit = workload.steps ? "a step" : "forward and backward";
  return `${workload.name}  ${workload.title}, ${unit}\n${table([["", "median", "spread", "error", "÷ c"], ...rows])}\n${reasons(timings)}`;
}

/** Why contenders have no time, a line each. */
const reasons = (timings) =>
  timings
    .map(({ contender, fault, leftOut }) => [contender, fault ?? leftOut])
    .flatMap(([name, why]) => (why ? [`  ${name}: ${why.split("\n")[0].slice(0, 200)}\n`] : []))
    .join("");

/** Our engines over each other contender and over the goals, a row for each workload. */
export function summary(results, factor) {
  const names = [...new Set(results.flatMap((r) => r.timings.map((t) => t.contender)))];
  const ours = names.filter((n) => /^(js|wasm|webgpu)/.test(n));
  const texts = [];
  const time = (timings, name) => timings.find((t) => t.contender === name)?.median;
  texts.push(
    "Medians\n" +
      table([
        ["", ...names],
        ...results.map(({ workload, timings }) => [
          workload.name,
          ...names.map((n) => duration(time(timings, n))),
        ]),
      ]),
  );
  const error = (timings, name) => timings.find((t) => t.contender === name)?.error?.toExponential(0) ?? "–";
  texts.push(
    `Largest relative L2 error of a result beside float64 (ours are to stay below 1e-5)\n${table([
      ["", ...names],
      ...results.map(({ workload, timings }) => [workload.name, ...names.map((n) => error(timings, n))]),
    ])}`,
  );
  for (const engine of ours) {
    const others = names.filter((n) => n !== engine);
    const goal = (workload) => workload.goals?.[/^\w+/.exec(engine)[0]];
    const rows = results.map(({ workload, timings }) => {
      const own = time(timings, engine);
      return [
        workload.name,
        ratio(own / (goal(workload) * factor)),
        ...others.map((n) => ratio(own / time(timings, n))),
      ];
    });
    texts.push(
      `${engine}: its time over others' (below 1 is faster)\n${table([["", "goal", ...others], ...rows])}`,
    );
  }
  if (factor !== 1)
    texts.push(
      `Goals are scaled by ${factor.toFixed(2)}: the C anchor here beside the one they were set with.`,
    );
  return texts.join("\n\n");
}
