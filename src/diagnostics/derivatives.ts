import { page, type Entry, type Name, type Text } from "./page.js";

/** Derivatives. */
export const DERIVATIVES = {
  GRAD4001: {
    title: "derivative cannot be taken",
    message: ({ text }: Text) => text,
    page: page("This derivative is not defined here.", "d = grad(y, 3)", "d = grad(y, x)"),
  },
  GRAD4002: {
    title: "gradient is zero",
    message: ({ loss, name }: { loss: string; name: string }) =>
      `\`${loss}\` does not depend on \`${name}\`: its gradient is 0`,
    page: page(
      "A param that the loss does not reach stays as it is.",
      "param a: f32, b: f32\nloss l = a^2",
      "param a: f32, b: f32\nloss l = a^2 + b^2",
    ),
    severity: "warning",
  },
  GRAD4003: {
    title: "derivative for integers",
    message: ({ name }: Name) => `\`${name}\` holds integers, which have no derivative`,
    page: page(
      "Derivatives are taken of floats for floats.",
      "input k: i32\nd = grad(l, k)",
      "input k: f32\nd = grad(l, k)",
    ),
  },
  GRAD4004: {
    title: "derivative only zero",
    message: ({ name }: Name) => `the derivative through \`${name}\` is 0 everywhere`,
    page: page(
      "Integers, comparisons, floor and the like pass no derivative.",
      "loss l = floor(w)",
      "loss l = w^2",
    ),
    severity: "warning",
  },
  GRAD4005: {
    title: "forward mode through a written adjoint",
    message: ({ name }: Name) => `\`${name}\` has a written adjoint, which jvp cannot use`,
    page: page(
      "A written adjoint says how to go backwards only.",
      "t = jvp(f(x), x, dx)",
      "t = vjp(f(x), x, dy)",
    ),
  },
} as const satisfies Record<string, Entry>;
