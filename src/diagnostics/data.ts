import { page, type Entry, type Text } from "./page.js";

/** What the runtime and the readers of data files found; they word it themselves, since they ship without this. */
const worded = ({ text }: Text): string => text;

/** Data, and where a model runs. The codes are those that `src/runtime/errors.ts` lists. */
export const DATA = {
  GRAD6001: {
    title: "missing input",
    message: worded,
    page: page(
      "Each input without a default is given at each call.",
      '{ "inputs": {} }',
      '{ "inputs": { "x": [1, 2] } }',
    ),
  },
  GRAD6002: {
    title: "unknown name",
    message: worded,
    page: page(
      "Names of inputs, params, dims, losses and step arguments are those of the model.",
      '{ "inputs": { "X": [1] } }',
      '{ "inputs": { "x": [1] } }',
    ),
  },
  GRAD6003: {
    title: "wrong shape or length",
    message: worded,
    page: page(
      "The data has the declared number of axes and sizes; a flat array has as many entries as their product.",
      "x = new Float32Array(5) for f32[2, 3]",
      "x = new Float32Array(6) for f32[2, 3]",
    ),
  },
  GRAD6004: {
    title: "wrong kind of value",
    message: worded,
    page: page(
      "The data's type is the declared one, and lists are nested evenly.",
      "model.forward({ label: new Float32Array(4) })",
      "model.forward({ label: new Int32Array(4) })",
    ),
  },
  GRAD6005: {
    title: "not an integer",
    message: worded,
    page: page(
      "An integer input takes neither NaN nor infinities nor fractions, nor numbers outside of its type.",
      '{ "inputs": { "k": [1.5] } }',
      '{ "inputs": { "k": [1] } }',
    ),
  },
  GRAD6006: {
    title: "value out of range",
    message: worded,
    page: page(
      "The input promises a range (in lo..hi), which is checked where the data enters.",
      '{ "inputs": { "label": [0, 10] } }',
      '{ "inputs": { "label": [0, 9] } }',
    ),
  },
  GRAD6007: {
    title: "two sources disagree",
    message: worded,
    page: page(
      "A dim is bound by `dims` or by the shapes of inputs, params and states; all that bind it agree. A dim that only" +
        " inputs carry is free at each call, one of a param stays.",
      '{ "inputs": { "x": [1, 2], "y": [1, 2, 3] } } for f32[N] both',
      '{ "inputs": { "x": [1, 2], "y": [1, 2] } }',
    ),
  },
  GRAD6008: {
    title: "a dim that nothing binds",
    message: worded,
    page: page(
      "No data has an axis that says how large the dim is: give it by name.",
      "gradc run model.grad --data data.json",
      "gradc run model.grad --data data.json --dim H=64",
    ),
  },
  GRAD6009: {
    title: "a size that a dim cannot have",
    message: worded,
    page: page(
      "Dims are whole and not negative; quotients in sizes come out even; what the program reads is within bounds.",
      "dim P = I / 4 with I = 6",
      "dim P = I / 4 with I = 8",
    ),
  },
  GRAD6010: {
    title: "a file that cannot be read",
    message: worded,
    page: page(
      "The file is cut off, malformed, or not of the format that its ending says. Nothing was read from it and" +
        " nothing has changed.",
      "",
      "",
    ),
  },
  GRAD6011: {
    title: "missing params",
    message: worded,
    page: page("A file of params has all of them, unless { strict: false }.", "", ""),
  },
  GRAD6020: {
    title: "cannot run here",
    message: worded,
    page: page(
      "The backend does not exist on this machine, was not compiled into the module, or lacks something that the" +
        ' model needs (a type, memory, buffers for one kernel). `backend: "auto"` takes the best that there is.',
      "",
      "",
    ),
  },
  GRAD6021: {
    title: "device lost",
    message: worded,
    page: page(
      "The GPU's device was lost (a reset, a driver, a page put to sleep): create the model again.",
      "",
      "",
    ),
  },
  GRAD6022: {
    title: "stale result",
    message: worded,
    page: page(
      "A result holds until the next call of its model, and nothing outlives dispose(). read() and item() capture the" +
        " value when they are called.",
      "a = model.forward(x); model.forward(y); await a.l.item()",
      "a = model.forward(x); l = await a.l.item(); model.forward(y)",
    ),
  },
} as const satisfies Record<string, Entry>;
