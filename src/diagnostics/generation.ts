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
} as const satisfies Record<string, Entry>;
