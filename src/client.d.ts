/** For editors and type checkers that do not know the typings of each file: `/// <reference types="gradc/client" />`. */
declare module "*.grad" {
  import type { CreateOptions, Meta, Model } from "gradc/runtime";
  export function create(options?: CreateOptions): Promise<Model>;
  export const meta: Meta;
}
