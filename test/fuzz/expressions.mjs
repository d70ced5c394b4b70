// Expressions over the tensors of a program: reads with all kinds of subscripts, conditions, integers and floats. What
// has jumps (comparisons, roundings, positions) is taken of given values alone, which are the same in f32 and f64.

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
  (x) => `cos(${x})`,
  (x) => `gelu(${x})`,
  (x) => `silu(${x})`,
  (x) => `atan(${x})`,
  (x) => `erf(${x})`,
  (x) => `log1p((${x})^2)`,
  (x) => `(1.5 + sin(${x}))^1.3`,
  (x) => `(1.2 + tanh(${x}))^-2`,
  (x) => `sinh(tanh(${x}))`,
  (x) => `leaky_relu(${x}, 0.1)`,
  (x) => `elu(${x})`,
  (x) => `clamp(${x}, -1, 0.8)`,
  (x) => `cbrt(1.5 + sin(${x}))`,
  (x) => `rsqrt(1 + (${x})^2)`,
  (x) => `lgamma(1.5 + sigmoid(${x}))`,
  (x) => `mish(${x})`,
  (x) => `log_sigmoid(${x})`,
  (x) => `asinh(${x})`,
  (x) => `stop(${x})`,
  (x) => `-${x}`,
];
const BINARY = [
  (x, y) => `${x} * ${y}`,
  (x, y) => `${x} + ${y}`,
  (x, y) => `${x} - 0.5 * ${y}`,
  (x, y) => `${x} / (1 + ${y}^2)`,
  (x, y) => `min(${x}, ${y})`,
  (x, y) => `max(${x}, ${y})`,
  (x, y) => `hypot(${x}, 1 + ${y})`,
  (x, y) => `atan2(${x}, 1.5 + tanh(${y}))`,
  (x, y) => `(1.2 + tanh(${x}))^(${y})`,
  (x, y) => `select(${x} > 0.2, ${x}, ${y})`,
];
export const isPositive = (size) => !/A/.test(size) || /\+ \d/.test(size);

/**
 * Where an expression stands: `indices` are those in scope with their sizes; `fresh`, where it is there, collects the
 * indices of a reducer around it; `next` gives new names.
 */
export class Place {
  constructor(program, choices, indices, fresh = null) {
    Object.assign(this, { program, choices, indices, fresh });
  }
  within(index, fresh = null) {
    return new Place(this.program, this.choices, [...this.indices, index], fresh);
  }
}

/** One subscript of an axis: its text, and whether a value for outside has to stand behind. */
function subscript(place, size) {
  const { choices, indices, fresh, program } = place;
  const same = indices.filter((f) => f.size === size);
  const options = same.map(({ index }) => ({ at: index }));
  if (fresh) {
    options.push(...fresh.filter((f) => f.size === size).map(({ index }) => ({ at: index })));
    if (fresh.length < 3) options.push({ new: size });
  }
  const [first] = same;
  if (first) {
    const { index } = first;
    options.push({ at: `${index} + 1`, pad: true }, { at: `${index} - 1`, pad: true });
    options.push({ at: `${size} - 1 - ${index}` }, { at: `${index} / 2` });
    if (isPositive(size))
      options.push({ at: `clamp(${index} + 1, 0, ${size} - 1)` }, { at: `(${index} + 1) % (${size})` });
  }
  if (Number(size)) options.push({ at: "0" }, { at: String(choices.next(Number(size))) });
  else if (!options.length || choices.rarely(9)) options.push({ at: String(choices.next(3)), pad: true });
  if (size === "A + 1" || size === "A + 2") options.push({ at: "A" }, { at: "0" });
  const window = /^(2 \* )?B \+ (\d)$/.exec(size);
  for (const { index } of window ? indices.filter((f) => f.size === "B") : [])
    for (let k = 0; k <= Number(window[2]); k++) options.push({ at: `${window[1] ?? ""}${index} + ${k}` });
  if (window && fresh) {
    const taps = fresh.find((f) => f.size === "3");
    const along = indices.find((f) => f.size === "B");
    if (taps && along && window[2] === "2") options.push({ at: `${along.index} + ${taps.index}` });
  }
  if (size === "B") {
    for (const { index } of indices.filter((f) => f.size === "A")) options.push({ at: `k[${index}]` });
    for (const { index } of indices.filter((f) => f.size === "B"))
      options.push({ at: `clamp(m[${index}], 0, B - 1)` }, { at: `m[${index}]`, pad: true });
    options.push({ at: "argmax[z in 0..B] q[z]" });
    const position = choices.rarely(4) ? computed(place, "i32") : null;
    if (position) options.push({ at: `clamp(${position}, 0, B - 1)` }, { at: position, pad: true });
  }
  const chosen = choices.pick(options);
  if (chosen.new) {
    const index = program.index();
    fresh.push({ index, size });
    return { at: index };
  }
  return chosen;
}

/** A read of a tensor of floats. */
export function read(place, tensor) {
  const { program } = place;
  program.note(tensor.name);
  if (!tensor.axes.length) return tensor.name;
  const places = tensor.axes.map((size) => subscript(place, size));
  const text = `${tensor.name}[${places.map((p) => p.at).join(", ")}]`;
  return places.some((p) => p.pad) ? `(${text} ?? 0.2)` : text;
}
/** A tensor of floats to be read: rather one whose axes there are indices for. */
function chosenFor({ choices, program, indices, fresh }) {
  const fits = ({ axes }) =>
    axes.every((size) => fresh || Number(size) || indices.some((f) => f.size === size));
  const all = program.floats();
  const fitting = all.filter(fits);
  const own = fitting.filter((t) => !program.leaves.includes(t));
  return choices.pick(choices.rarely(5) ? all : own.length && choices.next(3) ? own : fitting);
}
/** An entry of a computed tensor of integers or bools whose axes are in scope, or null. */
function computed({ choices, program, indices }, dtype) {
  const fits = program.tensors.filter(
    (t) => t.dtype === dtype && t.axes.every((size) => indices.some((f) => f.size === size)),
  );
  if (!fits.length) return null;
  const { name, axes } = choices.pick(fits);
  program.note(name);
  const at = axes.map((size) => choices.pick(indices.filter((f) => f.size === size)).index);
  return at.length ? `${name}[${at.join(", ")}]` : name;
}
/** A read of given values, or a number where there is none that fits. */
const given = (place) => {
  const leaf = place.choices.pick(place.program.leaves);
  return read(new Place(place.program, place.choices, place.indices), leaf);
};

/** An integer expression in indices and given integers. */
function integer(place) {
  const { choices, indices } = place;
  const index = indices.length ? choices.pick(indices).index : "2";
  return choices.pick([
    () => index,
    () => `(2 * ${index} + 1)`,
    () => `(${index} % 3)`,
    () => `(${index} / 2)`,
    () => `i32(3 * ${given(place)})`,
    () => {
      const along = indices.find((f) => f.size === "B");
      return along ? `m[${along.index}]` : "3";
    },
    () => "A",
    () => computed(place, "i32") ?? "4",
  ])();
}

/** A condition on indices and given values. */
export function condition(place, depth = 1) {
  const { choices, indices, program } = place;
  const simple = () => {
    const [i, j] = [0, 1].map(() => (indices.length ? choices.pick(indices).index : "1"));
    return choices.pick([
      () => `${i} <= ${j}`,
      () => `not ${i} == 1`,
      () => `${i} % 2 == 0`,
      () => `${i} < ${j}`,
      () => `${i} + ${j} < 4`,
      () => computed(place, "bool") ?? `${i} != ${j}`,
      () => `${given(place)} > 0.1`,
      () => `${given(place)} < ${given(place)}`,
      () => {
        const along = indices.find((f) => f.size === "B");
        return along ? `c[${along.index}]` : "2 < B";
      },
      () => {
        const z = program.index();
        return `(${choices.pick(["any", "all"])}[${z} in 0..B] (q[${z}] > 0.4))`;
      },
    ])();
  };
  const join = depth > 0 ? choices.next(5) : 0;
  if (join === 3) return `${simple()} and ${condition(place, depth - 1)}`;
  if (join === 4) return `(${simple()} or ${condition(place, depth - 1)})`;
  return simple();
}

/** A float: a read at the bottom, functions of one or two above it, reducers and choices within. */
export function value(place, depth = 2) {
  const { choices, program, indices } = place;
  const one = () => read(place, chosenFor(place));
  if (depth === 0) return one();
  const inner = () => value(place, depth - 1);
  return choices.pick([
    one,
    () => choices.pick(UNARY)(inner()),
    () => choices.pick(BINARY)(`(${inner()})`, `(${inner()})`),
    () => choices.pick(BINARY)(`(${inner()})`, `(${inner()})`),
    () => choices.pick(UNARY)(choices.pick(BINARY)(`(${inner()})`, `(${inner()})`)),
    () => `(if ${condition(place)} then ${inner()} else ${inner()})`,
    () => (indices.length ? `(0.3 * ${choices.pick(indices).index} + ${inner()})` : inner()),
    () => `(0.2 * f32(${integer(place)}) + ${inner()})`,
    () => `${program.function(choices.pick(["bump", "twist", "own", "steps", "slope"]))}(${inner()})`,
    () => along(place, depth - 1),
    () => `max(${inner()}, ${one()}, -0.2)`,
    () => reduction(place, depth - 1),
    () =>
      choices.pick([
        () => `${choices.pick(["floor", "round", "sign", "trunc"])}(3 * ${given(place)})`,
        () => `(${given(place)} % 0.7)`,
        () => `step(0.2, ${given(place)})`,
      ])(),
    () => (indices.length ? `0.2 * rand(${choices.next(4) + 3})[${choices.pick(indices).index}]` : inner()),
  ])();
}

/** An axis operator along an index in scope. */
function along(place, depth) {
  const { choices } = place;
  // Not along a recurrence's steps.
  const indices = place.indices.filter((i) => i.index !== "t");
  if (!indices.length) return value(place, depth);
  const operator = choices.pick(["softmax", "cumsum", "log_softmax", "cumprod"]);
  const body = value(place, depth);
  return `(${operator}[${choices.pick(indices).index}] (${operator === "cumprod" ? `1 + 0.3 * sin(${body})` : body}))`;
}

const REDUCERS = ["sum", "mean", "max", "sum", "logsumexp", "min", "sum", "prod"];
/** Of nothing only some reducers have a value, so the others have a bound on the value of none, or a size of at least 1. */
function reduced({ choices, program }, axes, guard, body) {
  const over = axes.map(({ index, size }) => `${index} in 0..${size}`).join(", ");
  const mayBeEmpty = axes.some(({ size }) => !isPositive(size));
  const count = program.count(axes.map(({ size }) => size));
  const around = guard ? `${over} | ${guard}` : over;
  // Sums of many stay of moderate size: sines of large numbers are sines of their roundings.
  const share = count > 100 ? "0.02" : count > 10 ? "0.1" : "0.5";
  const total = () => `(sum[${around}] (${share} * (${body})))`;
  const reducer = choices.pick(REDUCERS);
  switch (reducer) {
    case "prod":
      return `(prod[${around}] (1 + 0.02 * sin(${body})))`;
    case "max":
      return mayBeEmpty ? total() : `max(max[${around}] (${body}), -3)`;
    case "min":
      return mayBeEmpty ? total() : `min(min[${around}] (${body}), 3)`;
    case "logsumexp":
      return mayBeEmpty ? total() : `max(logsumexp[${around}] (${body}), -4)`;
    case "mean":
      return mayBeEmpty ? total() : `(mean[${around}] (${body}))`;
    default:
      return total();
  }
}
/** A reducer over one new index within an expression. */
function reduction(place, depth) {
  const { choices, program } = place;
  const size = choices.pick(["B", "A", "3", "2"]);
  const index = { index: program.index(), size };
  const inner = place.within(index);
  program.work = Math.max(program.work, program.count(inner.indices.map((i) => i.size)));
  const guard = choices.next(3) === 1 ? condition(inner) : null;
  return reduced(place, [index], guard, value(inner, depth));
}

/** A reducer over whatever indices its reads call for: products of tensors, windows, gathers. */
export function contraction(place) {
  const { choices, program, indices } = place;
  const fresh = [];
  const wide = new Place(program, choices, indices, fresh);
  const body = value(wide, 2);
  if (!fresh.length) return body;
  const all = new Place(program, choices, [...indices, ...fresh]);
  program.work *= program.count(fresh.map((f) => f.size));
  const guard = choices.next(4) === 1 ? condition(all) : null;
  return reduced(place, fresh, guard, body);
}
