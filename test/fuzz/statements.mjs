// Statements: each adds one tensor to the program, or is left out (null) where what it needs is not there.
import { condition, contraction, isPositive, Place, read, value } from "./expressions.mjs";

/** Sizes that axes have: two dims, and short ones that are written out. */
const SIZES = ["A", "B", "2", "3", "B", "A + 1", "B + 1", "C"];
const bound = ({ index, size }) => `${index} in 0..${size}`;
const left = (name, axes) => (axes.length ? `${name}[${axes.map(bound).join(", ")}]` : name);
const at = (name, axes) => (axes.length ? `${name}[${axes.map((a) => a.index).join(", ")}]` : name);

/** Up to two axes, as new indices. */
function axesOf(program, choices, most = 2) {
  const count = [1, 2, 0, 1, 2, 3][choices.next(6)];
  return Array.from({ length: Math.min(count, most) }, () => ({
    index: program.index(),
    size: choices.pick(SIZES),
  }));
}
const made = (name, axes, text) => ({ name, axes: axes.map((a) => a.size), text });

function equation(program, choices, name) {
  const axes = axesOf(program, choices);
  return made(name, axes, `${left(name, axes)} = ${value(new Place(program, choices, axes), 3)}`);
}
function reduction(program, choices, name) {
  const axes = axesOf(program, choices);
  return made(name, axes, `${left(name, axes)} = ${contraction(new Place(program, choices, axes))}`);
}
function alongAxis(program, choices, name) {
  const axes = axesOf(program, choices);
  if (!axes.length) return null;
  const { index } = choices.pick(axes);
  const operator = choices.pick(["softmax", "log_softmax", "cumsum", "cumprod"]);
  const place = new Place(program, choices, axes);
  const guard = operator !== "log_softmax" && choices.next(3) === 1 ? ` | ${condition(place)}` : "";
  const body = operator === "cumprod" ? `1 + 0.3 * sin(${value(place, 1)})` : value(place, 2);
  return made(name, axes, `${left(name, axes)} = ${operator}[${index}${guard}] (${body})`);
}

/** A recurrence over A with up to one more axis as its state. */
function recurrence(program, choices, name) {
  const axes = axesOf(program, choices, 1);
  const kind = choices.next(7);
  const [f] = axes;
  const rest = axes.map((a) => `, ${bound(a)}`).join("");
  const here = axes.map((a) => `, ${a.index}`).join("");
  const time = { index: "t", size: "A" };
  const outside = new Place(program, choices, axes);
  const within = new Place(program, choices, [time, ...axes]);
  const [start, input] = [value(outside, 1), value(within, 2)];
  const z = program.index();
  const mixed = f && choices.next(3) === 1 ? ` + 0.2 * (sum[${z} in 0..${f.size}] ${name}[t, ${z}])` : "";
  const policy = choices.pick(["", " checkpoint sqrt", " checkpoint 2", "", " checkpoint none"]);
  const step = `sin(0.9 * ${name}[t${here}]${mixed}) + 0.3 * (${input})`;
  const block = (range, ...lines) => `rec t in ${range} {\n${lines.map((l) => `  ${l}\n`).join("")}}`;
  const result = (length, text) => ({ name, axes: [length, ...axes.map((a) => a.size)], text });
  const base = (k) => `${name}[${k}${rest}] = ${start}`;
  switch (kind) {
    case 1: {
      // Two quantities that read each other.
      const other = `${name}_b`;
      return result(
        "A + 1",
        block(
          `0..A${policy}`,
          base(0),
          `${other}[0${rest}] = 0.1`,
          `${other}[t + 1${rest}] = tanh(${other}[t${here}] + 0.5 * ${name}[t${here}])`,
          `${name}[t + 1${rest}] = ${step} + 0.2 * ${other}[t + 1${here}]`,
        ),
      );
    }
    case 2:
      return result(
        "A + 2",
        block(
          `0..A${policy}`,
          base(0),
          `${name}[1${rest}] = 0.3`,
          `${name}[t + 2${rest}] = 0.5 * ${name}[t + 1${here}] + ${step}`,
        ),
      );
    case 3:
      return result(
        "A + 1",
        block(
          `A..0${policy}`,
          base("A"),
          `${name}[t${rest}] = cos(0.8 * ${name}[t + 1${here}]) + 0.3 * (${input})`,
        ),
      );
    case 4:
      if (f) return null;
      return result(
        "A + 1",
        block(
          `0..A while ${name}[t] < 0.83`,
          base(0),
          `${name}[t + 1] = 0.7 * ${name}[t] + 0.41 + 0.01 * (${input})`,
        ),
      );
    case 5: {
      // What only one step needs.
      const gate = `${name}_g`;
      return result(
        "A + 1",
        block(
          `0..A${policy}`,
          base(0),
          `${gate}[t${rest}] = sigmoid(${input})`,
          `${name}[t + 1${rest}] = ${gate}[t${here}] * ${name}[t${here}]${mixed} + (1 - ${gate}[t${here}]) * 0.4`,
        ),
      );
    }
    case 6:
      if (f) return null;
      return {
        name,
        axes: ["A + 1", "3"],
        text: block(
          `0..A${policy}`,
          `${name}[0, e in 0..3] = 0.1 * e`,
          `${name}[t + 1, 0] = ${start}`,
          `rec n in 0..2 { ${name}[t + 1, n + 1] = sin(${name}[t + 1, n] + 0.5 * ${name}[t, n]) + 0.2 * (${value(new Place(program, choices, [time]), 1)}) }`,
        ),
      };
    default:
      return result("A + 1", block(`0..A${policy}`, base(0), `${name}[t + 1${rest}] = ${step}`));
  }
}

/** A scalar of a tensor's entries. */
export function scalar(program, { name, axes, dtype = "f32" }) {
  const all = axes.map((size) => ({ index: program.index(), size }));
  const entry = at(name, all);
  if (dtype === "bool")
    return all.length
      ? `(sum[${all.map(bound).join(", ")}] (if ${entry} then 0.5 else 0.1))`
      : `(if ${entry} then 0.5 else 0.1)`;
  const number = dtype === "i32" ? `0.2 * f32(${entry})` : entry;
  const square = `sin(${number} + 0.3)^2`;
  return all.length ? `(sum[${all.map(bound).join(", ")}] ${square})` : square;
}

/** A derivative of one tensor for another, or along it; at most the second order within one program. */
function derivative(program, choices, name) {
  if (program.tensors.filter((t) => t.order).length >= 2) return null;
  const made = program.floats().filter((t) => !program.leaves.includes(t));
  const of = choices.pick(made.length ? made : program.floats());
  const within = program.floats().filter((t) => t === of || of.from?.has(t.name));
  const wrt = choices.pick(choices.rarely(6) ? program.floats() : within);
  const kinds = ["grad", "vjp", "hvp", "jvp", "rows", "jacobian"].filter(
    (k) => !(program.isCustom && k === "jvp"),
  );
  const kind = choices.pick(kinds);
  program.note(of.name);
  program.note(wrt.name);
  const order = true;
  const whole = `${name}_of`;
  if (kind === "rows" || kind === "jacobian") {
    const all = [...of.axes, ...wrt.axes];
    if (!of.axes.length || all.length > 4 || program.count(all) > 4000) return null;
    const axes = of.axes.map((size) => ({ index: program.index(), size }));
    const inner = `${whole}[${axes.map(bound).join(", ")}] = sin(${at(of.name, axes)})`;
    if (kind === "jacobian") {
      if (program.isCustom) return null;
      return { name, axes: all, order, text: `${inner}\n${name} = jacobian(${whole}, ${wrt.name})` };
    }
    const places = wrt.axes.map((size) => ({ index: program.index(), size }));
    const text = `${left(name, [...axes, ...places])} = grad(${at(whole, axes)}, ${wrt.name})${places.length ? `[${places.map((p) => p.index).join(", ")}]` : ""}`;
    return { name, axes: all, order, text: `${inner}\n${text}` };
  }
  const text = `${whole} = ${scalar(program, of)} + 0.1 * ${scalar(program, wrt)}\n${name} = ${kind}(${whole}, ${wrt.name}`;
  const [after, axes] = {
    grad: [")", wrt.axes],
    vjp: [", 0.7)", wrt.axes],
    hvp: [`, ${wrt.name})`, wrt.axes],
    jvp: [`, ${wrt.name})`, []],
  }[kind];
  return { name, axes, order, text: text + after };
}

/** Statements of whole tensors, by what they take and their name: one tensor, perhaps another that fits. */
const WHOLE = [
  ({ of, name }) => assigned(name, of.axes, `sin(${of.name})`),
  ({ program, choices, of, name }) => {
    const other = another(program, choices, (t) => t.axes.join() === of.axes.join());
    return assigned(name, of.axes, `tanh(${of.name}) * ${other.name} + 0.5 * ${of.name}`);
  },
  ({ program, choices, of, name }) => {
    if (of.axes.length !== 1 && of.axes.length !== 2) return null;
    const right = another(program, choices, (t) => t.axes.length < 3 && t.axes[0] === of.axes.at(-1));
    const axes = right && [...of.axes.slice(0, -1), ...right.axes.slice(1)];
    return right && assigned(name, axes, `0.4 * (${of.name} @ ${right.name})`);
  },
  ({ of, name }) => {
    const [a, b] = of.axes;
    if (of.axes.length !== 2 || `${a}${b}`.includes(" ")) return null;
    return assigned(name, [`${a} * ${b}`], `reshape(sin(${of.name}), [${a} * ${b}])`);
  },
  ({ program, choices, of, name }) => {
    if (of.axes.length !== 1) return null;
    const i = program.index();
    const second = another(program, choices, (t) => t.axes.length === 1);
    const text = `${name}[${i}] = concat[${i}](${of.name}[${i}], ${second.name}[${i}])`;
    return { name, axes: [`${of.axes[0]} + ${second.axes[0]}`], text };
  },
  ({ program, choices, name }) => {
    const place = new Place(program, choices, []);
    return assigned(name, ["3"], `[${[0, 1, 2].map(() => value(place, 1)).join(", ")}]`);
  },
  ({ program, of, name }) => {
    if (of.axes.length !== 2) return null;
    const i = program.index();
    return {
      name,
      axes: of.axes,
      text: `${name}[${i}] = ${program.function("scaled")}(${of.name}[${i}])`,
    };
  },
  ({ program, of, name }) => {
    if (of.axes.length !== 1) return null;
    const [m, s] = [`${name}_m`, `${name}_s`];
    const text = `${m}, ${s} = ${program.function("moments")}(${of.name})`;
    return { name: m, axes: [], more: [{ name: s, axes: [] }], text };
  },
  ({ program, of, name }) => {
    if (of.axes.length !== 2) return null;
    program.params.push({ name: `${name}.W`, axes: [of.axes[1], "2"] }, { name: `${name}.b`, axes: ["2"] });
    return assigned(name, [of.axes[0], "2"], `${program.function("dense")}<O = 2>(${of.name})`);
  },
];
const assigned = (name, axes, text) => ({ name, axes, text: `${name} = ${text}` });
/** A tensor that fits, read; null where there is none. */
function another(program, choices, fits) {
  const all = program.floats().filter(fits);
  if (!all.length) return null;
  const found = choices.pick(all);
  program.note(found.name);
  return found;
}
function whole(program, choices, name) {
  const of = choices.pick(program.floats());
  program.note(of.name);
  return choices.pick(WHOLE)({ program, choices, of, name });
}

/** Tensors of integers and bools. */
function discrete(program, choices, name) {
  const axes = axesOf(program, choices, 1);
  const place = new Place(program, choices, axes);
  if (choices.next(2) === 0)
    return { ...made(name, axes, `${left(name, axes)} = ${condition(place)}`), dtype: "bool" };
  const z = program.index();
  const body = read(
    new Place(program, choices, axes),
    choices.pick(program.leaves.filter((l) => !l.axes.includes("B"))),
  );
  const text = choices.pick([
    () => `argmax[${z} in 0..B] (q[${z}] * (1 + ${axes[0]?.index ?? 0}))`,
    () => `i32(4 * ${body}) / 3`,
    () => `i32(5 * ${body}) % 3 - 1`,
  ])();
  return { ...made(name, axes, `${left(name, axes)} = ${text}`), dtype: "i32" };
}

const KINDS = [
  equation,
  equation,
  reduction,
  equation,
  reduction,
  alongAxis,
  derivative,
  recurrence,
  whole,
  reduction,
  alongAxis,
  derivative,
  recurrence,
  discrete,
];
export function statement(program, choices, name) {
  return choices.pick(KINDS)(program, choices, name);
}
