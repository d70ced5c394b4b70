/** The stages of which `compile` gives the text. */
export const STAGES = [
  "tokens",
  "ast",
  "ir",
  "adjoint",
  "optimized",
  "kernels",
  "plan",
  "js",
  "wgsl",
  "wat",
  "dts",
  "dot",
  "svg",
  "grad",
] as const;
export type Stage = (typeof STAGES)[number];
