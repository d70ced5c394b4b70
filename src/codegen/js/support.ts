import { jsHelpers } from "../../ir/scalar/helpers-js.js";
import { productRoutines } from "./product.js";

/** The functions that kernels (and whatever else the text calls) need beside them, each once. */
export function jsSupport(code: string): string {
  return [productRoutines(code), jsHelpers(code)].filter(Boolean).join("\n");
}
