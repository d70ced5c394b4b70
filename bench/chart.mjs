const COLOURS = {
  js: "#b45309",
  wasm: "#1d4ed8",
  wasm2: "#60a5fa",
  webgpu: "#7c3aed",
  eager: "#9ca3af",
  hand: "#65a30d",
  c: "#111827",
  jax: "#db2777",
  tfjs: "#dc2626",
  ort: "#0d9488",
};
const ROW = 34;
const LEFT = 230;
const RIGHT = 30;
const TOP = 84;
const WIDTH = 900;

/**
 * Each workload a row, each contender a dot at its time over that of the first of `wasm`, `js` that ran: left of 1 is
 * faster. Logarithmic.
 * @returns {string} SVG
 */
export function chart(results) {
  const rows = results.flatMap(({ workload, timings }) => {
    const measured = timings.filter((t) => t.median);
    const base =
      ["wasm", "js"].map((n) => measured.find((t) => t.contender === n)).find(Boolean) ?? measured[0];
    const dots = measured.map((t) => ({ name: t.contender, ratio: t.median / base.median }));
    return dots.length ? [{ label: `${workload.name}  ${workload.title}`, dots }] : [];
  });
  const logs = rows.flatMap((row) => row.dots.map((d) => Math.log10(d.ratio)));
  const [low, high] = [Math.floor(Math.min(0, ...logs)), Math.ceil(Math.max(1, ...logs))];
  const x = (log) => LEFT + ((log - low) / (high - low)) * (WIDTH - LEFT - RIGHT);
  const height = TOP + rows.length * ROW + 30;
  const names = [...new Set(rows.flatMap((row) => row.dots.map((d) => d.name)))];
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="13">
<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>
<text x="16" y="26" font-size="16" font-weight="bold" fill="#111827">Time over that of gradc's WebAssembly, forward and backward</text>
${legend(names)}
${grid(low, high, x, height)}
${rows.map((row, k) => rowText(row, TOP + k * ROW + ROW / 2, x)).join("\n")}
</svg>
`;
}

const colour = (name) => COLOURS[/^\w+/.exec(name)[0]] ?? "#111827";
const escaped = (text) => text.replace(/[&<>]/g, (c) => `&#${c.charCodeAt(0)};`);

function legend(names) {
  let at = 16;
  return names
    .map((name) => {
      const mark = `<circle cx="${at + 6}" cy="48" r="6" fill="${colour(name)}"/><text x="${at + 17}" y="52.5" fill="#374151">${escaped(name)}</text>`;
      at += 36 + 8 * name.length;
      return mark;
    })
    .join("\n");
}

function grid(low, high, x, height) {
  const lines = [];
  for (let log = low; log <= high; log++) {
    const heavy = log === 0;
    const at = x(log).toFixed(1);
    const text = log < 0 ? `1/${(10 ** -log).toLocaleString("en")}` : `${(10 ** log).toLocaleString("en")}×`;
    lines.push(
      `<line x1="${at}" x2="${at}" y1="${TOP}" y2="${height - 30}" stroke="${heavy ? "#6b7280" : "#e5e7eb"}" stroke-width="${heavy ? 1.5 : 1}"/>`,
      `<text x="${at}" y="${height - 12}" text-anchor="middle" fill="#6b7280">${heavy ? "1" : text}</text>`,
    );
  }
  return lines.join("\n");
}

/** Dots that would cover each other stand above and below the line. */
function rowText({ label, dots }, y, x) {
  const placed = [];
  const marks = [...dots]
    .sort((a, b) => a.ratio - b.ratio)
    .map(({ name, ratio }) => {
      const at = x(Math.log10(ratio));
      const level =
        [0, 1, -1, 2, -2].find((l) => !placed.some((p) => p.level === l && Math.abs(p.at - at) < 11)) ?? 0;
      placed.push({ at, level });
      return `<circle cx="${at.toFixed(1)}" cy="${y + 6 * level}" r="5" fill="${colour(name)}" fill-opacity="0.9"><title>${escaped(name)}: ${ratio.toPrecision(2)}</title></circle>`;
    });
  return `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y}" y2="${y}" stroke="#f3f4f6"/>
<text x="16" y="${y + 4.5}" fill="#111827">${escaped(label)}</text>
${marks.join("\n")}`;
}
