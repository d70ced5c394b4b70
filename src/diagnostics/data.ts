import { page, type Entry, type Name } from "./page.js";

/** Data. */
export const DATA = {
  GRAD6001: {
    title: "missing input",
    message: ({ name }: Name) => `input \`${name}\` is missing`,
    page: page(
      "Each input without a default is given at each call.",
      '{ "inputs": {} }',
      '{ "inputs": { "x": [1, 2] } }',
    ),
  },
  GRAD6002: {
    title: "wrong shape",
    message: ({ name, wanted, found }: { name: string; wanted: string; found: string }) =>
      `\`${name}\` has shape ${found}, wanted is ${wanted}`,
    page: page(
      "The data's shape is not the declared one.",
      '{ "inputs": { "x": [[1, 2]] } }',
      '{ "inputs": { "x": [1, 2] } }',
    ),
  },
  GRAD6003: {
    title: "wrong dtype",
    message: ({ name, wanted, found }: { name: string; wanted: string; found: string }) =>
      `\`${name}\` holds ${found}, wanted is ${wanted}`,
    page: page(
      "The data's type is not the declared one.",
      "model.forward({ label: new Float32Array(4) })",
      "model.forward({ label: new Int32Array(4) })",
    ),
  },
  GRAD6004: {
    title: "value out of range",
    message: ({ name, value, place, range }: { name: string; value: string; place: string; range: string }) =>
      `\`${name}\`${place} is ${value}, outside ${range}`,
    page: page(
      "The input promises a range (in lo..hi), which is checked where the data enters.",
      '{ "inputs": { "label": [0, 10] } }',
      '{ "inputs": { "label": [0, 9] } }',
    ),
  },
  GRAD6005: {
    title: "not an integer",
    message: ({ name, value, place }: { name: string; value: string; place: string }) =>
      `\`${name}\`${place} is ${value}, which is no integer`,
    page: page(
      "An integer input takes neither NaN nor fractions.",
      '{ "inputs": { "k": [1.5] } }',
      '{ "inputs": { "k": [1] } }',
    ),
  },
  GRAD6006: {
    title: "truncated file",
    message: ({ file, wanted, found }: { file: string; wanted: string; found: string }) =>
      `${file} ends early: ${wanted} bytes announced, ${found} there`,
    page: page("The header announces more data than the file has; the download or the copy was cut.", "", ""),
  },
  GRAD6007: {
    title: "unknown data",
    message: ({ kind, name }: { kind: string; name: string }) => `the model has no ${kind} \`${name}\``,
    page: page(
      "Names in the data are those of the model.",
      '{ "inputs": { "X": [1] } }',
      '{ "inputs": { "x": [1] } }',
    ),
  },
  GRAD6008: {
    title: "unreadable file",
    message: ({ file, reason }: { file: string; reason: string }) => `cannot read ${file}: ${reason}`,
    page: page(
      "The file is not of the format that its ending says, or uses a part of it that is not supported.",
      "",
      "",
    ),
  },
  GRAD6009: {
    title: "wrong length",
    message: ({ name, wanted, found }: { name: string; wanted: number; found: number }) =>
      `\`${name}\` has ${found} entries, wanted are ${wanted}`,
    page: page(
      "A flat array has as many entries as the product of the sizes.",
      "x = new Float32Array(5) for f32[2, 3]",
      "x = new Float32Array(6) for f32[2, 3]",
    ),
  },
  GRAD6010: {
    title: "missing param",
    message: ({ name }: Name) => `param \`${name}\` is missing in the file`,
    page: page("A file of params has all of them, unless { strict: false }.", "", ""),
  },
  GRAD6011: {
    title: "check failed",
    message: ({ name, wanted, found }: { name: string; wanted: string; found: string }) =>
      `\`${name}\` is ${found}, the check expects ${wanted}`,
    page: page("A check declaration compares outputs and losses to 1e-4.", "", ""),
  },
} as const satisfies Record<string, Entry>;
