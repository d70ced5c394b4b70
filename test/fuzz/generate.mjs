// Well-typed programs from small numbers, so that fewer and smaller numbers are smaller programs: fast-check shrinks
// by itself. Every recipe gives a program that compiles.
import fc from "fast-check";

/** Sizes that axes have: two dims, and short ones that are written out. */
const SIZES = ["A", "B", "2", "3"];
const nat = fc.nat({ max: 60 });
export const recipes = fc.record({
  dims: fc.record({ A: fc.constantFrom(2, 1, 3, 5, 0), B: fc.constantFrom(3, 1, 2, 4, 9) }),
  equations: fc.array(
    fc.record({
      kind: nat,
      axes: fc.array(fc.nat({ max: 3 }), { maxLength: 2 }),
      reads: fc.array(fc.record({ of: nat, how: nat }), { minLength: 1, maxLength: 3 }),
      function: nat,
      reducer: nat,
      guard: nat,
    }),
    { minLength: 1, maxLength: 7 },
  ),
  seed: fc.nat({ max: 1000 }),
});

const UNARY = [
  (x) => x,
  (x) => `tanh(${x})`,
  (x) => `sin(${x})`,
  (x) => `sigmoid(${x})`,
  (x) => `exp(-(${x})^2)`,
  (x) => `sqrt(1 + (${x})^2)`,
  (x) => `relu(${x})`,
  (x) => `abs(${x})`,
  (x) => `softplus(${x})`,
  (x) => `log(2 + sin(${x}))`,
  (x) => `max(${x}, 0.3)`,
  (x) => `(if ${x} > 0.1 then ${x} else 0.5)`,
];
const BINARY = [
  (x, y) => `${x} * ${y}`,
  (x, y) => `${x} + ${y}`,
  (x, y) => `${x} - 0.5 * ${y}`,
  (x, y) => `${x} / (1 + ${y}^2)`,
  (x, y) => `min(${x}, ${y})`,
];
const REDUCERS = ["sum", "mean", "max", "sum", "logsumexp", "min", "sum", "prod"];

/** A program with its data: `{ source, dims, inputs, params }`. */
export function program({ dims, equations, seed }) {
  const sizeOf = (s) => Number(s) || dims[s];
  let state = seed + 1;
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  };
  const leaves = [
    { name: "p", axes: ["A", "B"] },
    { name: "q", axes: ["B"] },
    { name: "r", axes: ["A", "3"] },
    { name: "s", axes: ["2", "A"] },
    { name: "u", axes: [] },
    { name: "v", axes: ["B", "B"] },
  ];
  const tensors = [...leaves];
  const lines = [];
  const read = new Set();
  equations.forEach((e, n) => {
    const made =
      (e.kind % 9 === 6 && derivative(e, n, tensors, leaves)) ||
      equation(e, n, tensors, (name) => read.add(name));
    if (!made) return;
    lines.push(made.text);
    tensors.push({ name: made.name, axes: made.axes, order: made.order });
  });
  const ends = tensors.filter((t) => !leaves.includes(t) && !read.has(t.name));
  const params = Object.fromEntries(
    leaves.map(({ name, axes }) => {
      const shape = axes.map(sizeOf);
      const size = shape.reduce((a, b) => a * b, 1);
      return [name, { shape, data: Array.from({ length: size }, () => Math.fround(1.5 * random())) }];
    }),
  );
  const k = {
    shape: [dims.A],
    dtype: "i32",
    data: Array.from({ length: dims.A }, (_, i) => (i * 7 + seed) % dims.B),
  };
  const source = [
    "dim A, B",
    "input k: i32[A] in 0..B",
    `param ${leaves.map(({ name, axes }) => `${name}: f32${axes.length ? `[${axes.join(", ")}]` : ""}`).join(", ")}`,
    ...lines,
    ...ends.map(({ name }) => `output ${name}`),
    `loss l = ${[...ends.map(term), "0.1 * u"].join(" + ")}`,
  ].join("\n");
  return { source: `${source}\n`, dims, inputs: { k }, params, wrt: leaves.map((t) => t.name) };
}

/** A scalar of a tensor's entries. */
function term({ name, axes }) {
  const indices = axes.map((_, k) => "ij"[k]);
  const at = indices.length ? `[${indices.join(", ")}]` : "";
  const square = `sin(${name}${at} + 0.3)^2`;
  return indices.length
    ? `(sum[${indices.map((i, k) => `${i} in 0..${axes[k]}`).join(", ")}] ${square})`
    : square;
}

/** A derivative of one tensor for a leaf, or along a leaf; at most the second within one program. */
function derivative({ reads, guard }, n, tensors, leaves) {
  const of = tensors[reads[0].of % tensors.length];
  const wrt = leaves[reads[0].how % leaves.length];
  if (tensors.filter((t) => t.order).length >= 2) return null;
  const order = true;
  const text = `y${n} = ` + ["grad", "hvp", "jvp", "vjp"].map((d) => `${d}(y${n}_of, ${wrt.name}`)[guard % 4];
  const scalar = `y${n}_of = ${term(of)} + 0.1 * ${term(wrt)}`;
  const [after, axes] = [
    [")", wrt.axes],
    [`, ${wrt.name})`, wrt.axes],
    [`, ${wrt.name})`, []],
    [", 0.7)", wrt.axes],
  ][guard % 4];
  return { name: `y${n}`, axes, order, text: `${scalar}\n${text}${after}` };
}

/** One equation over the tensors so far. */
function equation({ kind, axes, reads, function: fn, reducer, guard }, n, tensors, note) {
  const name = `y${n}`;
  const own = axes.map((a) => SIZES[a]);
  const free = own.map((size, k) => ({ index: "ij"[k], size }));
  const reduced = [];
  const subscript = (size, how) => {
    const same = free.filter((f) => f.size === size);
    const chosen = same[how % (same.length || 1)];
    if (chosen && how % 7 === 5) return { at: `${chosen.index} + 1`, pad: true };
    if (chosen && how % 7 === 6) return { at: `${chosen.index} - 1`, pad: true };
    if (chosen && how % 7 !== 4) return { at: chosen.index, pad: false };
    if (size === "B" && how % 5 === 3 && free.some((f) => f.size === "A"))
      return { at: `k[${free.find((f) => f.size === "A").index}]`, pad: false };
    if (Number(size) && how % 3 === 1) return { at: String(how % Number(size)), pad: false };
    const known = reduced.find((r) => r.size === size);
    if (known && how % 4 !== 2) return { at: known.index, pad: false };
    const index = "abcdefgh"[reduced.length];
    reduced.push({ index, size });
    return { at: index, pad: false };
  };
  const texts = reads.map(({ of, how }) => {
    const t = tensors[of % tensors.length];
    note(t.name);
    if (t.axes.length === 0) return t.name;
    const places = t.axes.map((size, k) => subscript(size, how + 3 * k));
    const text = `${t.name}[${places.map((p) => p.at).join(", ")}]`;
    return places.some((p) => p.pad) ? `(${text} ?? 0.2)` : text;
  });
  if (reduced.length > 3) return null;
  const [first, ...rest] = texts;
  const body = rest.reduce((x, y, k) => BINARY[(fn + k) % BINARY.length](`(${x})`, `(${y})`), first);
  const value = UNARY[fn % UNARY.length](body);
  const left = `${name}${free.length ? `[${free.map((f) => `${f.index} in 0..${f.size}`).join(", ")}]` : ""}`;
  if (reduced.length) {
    // Of nothing only a sum and a product have a value.
    const mayBeEmpty = reduced.some((r) => r.size === "A");
    const named = REDUCERS[reducer % REDUCERS.length];
    const [r] = reduced;
    const mate = free.find((f) => f.size === r.size);
    const condition =
      guard % 4 === 1 && mate
        ? ` | ${r.index} <= ${mate.index}`
        : guard % 4 === 2
          ? ` | not ${r.index} == 1`
          : "";
    const op = mayBeEmpty || condition ? (named === "prod" ? "prod" : "sum") : named;
    const indices = reduced.map((x) => `${x.index} in 0..${x.size}`).join(", ");
    // A product stays near 1, so that f32 has its digits.
    const term = op === "prod" ? `1 + 0.02 * sin(${value})` : `0.5 * (${value})`;
    return { name, axes: own, text: `${left} = ${op}[${indices}${condition}] (${term})` };
  }
  if (kind % 9 === 7 && free.length) {
    const { index } = free[guard % free.length];
    const along = ["softmax", "log_softmax", "cumsum", "cumprod"][reducer % 4];
    return { name, axes: own, text: `${left} = ${along}[${index}] (${value})` };
  }
  if (kind % 9 === 8 && free.length < 2) {
    // A recurrence over A with what is left as its state.
    const [f] = free;
    const at = f ? `, ${f.index}` : "";
    const bound = f ? `, ${f.index} in 0..${f.size}` : "";
    const mixed = f && guard % 3 === 1 ? ` + 0.2 * sum[m in 0..${f.size}] ${name}[t, m]` : "";
    const later = guard % 2 === 1 ? ` * r[t, ${guard % 3}]` : "";
    return {
      name,
      axes: ["A + 1", ...own],
      recurrence: true,
      text:
        `rec t in 0..A${["", " checkpoint sqrt", " checkpoint 2"][reducer % 3]} {\n  ${name}[0${bound}] = ${value}\n` +
        `  ${name}[t + 1${bound}] = sin(0.9 * ${name}[t${at}]${mixed}) + 0.3 * (${value})${later}\n}`,
    };
  }
  return { name, axes: own, text: `${left} = ${value}` };
}
