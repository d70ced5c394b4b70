import { page, type Entry, type Text } from "./page.js";

/** Code generation and limits. */
export const GENERATION = {
  GRAD5001: {
    title: "not supported yet",
    message: ({ text }: Text) => `not supported yet: ${text}`,
    page: page("The language has this; this version of the compiler does not.", "", ""),
  },
  GRAD5002: {
    title: "type not on this engine",
    message: ({ engine, dtype }: { engine: string; dtype: string }) => `${engine} has no ${dtype}`,
    page: page(
      "WGSL has no f64; f16 needs a device that offers it.",
      "gradc build m.grad --target wgsl --precision f64",
      "gradc build m.grad --target js --precision f64",
    ),
  },
  GRAD5003: {
    title: "device limit",
    message: ({ what, limit, needed }: { what: string; limit: number; needed: number }) =>
      `a kernel needs ${needed} ${what}, the device has ${limit}`,
    page: page("The target has a fixed limit for each kernel.", "", ""),
  },
  GRAD5004: {
    title: "unknown target",
    message: ({ name, known }: { name: string; known: string }) =>
      `there is no target \`${name}\`; known are ${known}`,
    page: page(
      "Targets are js, wasm and wgsl.",
      "gradc build m.grad --target cuda",
      "gradc build m.grad --target wgsl",
    ),
  },
  GRAD5005: {
    title: "tensor too large",
    message: ({ name, bytes }: { name: string; bytes: string }) => `\`${name}\` would take ${bytes}`,
    page: page("The tensor does not fit the memory that the engine can address.", "", ""),
  },
} as const satisfies Record<string, Entry>;
