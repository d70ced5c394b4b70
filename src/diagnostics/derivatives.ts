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
    message: ({ text }: Text) => text,
    page: page(
      "Derivatives are taken of floats for floats.",
      "input k: i32\nd = grad(l, k)",
      "input k: f32\nd = grad(l, k)",
    ),
  },
  GRAD4004: {
    title: "derivative only zero",
    message: ({ of, name }: { of: string; name: string }) =>
      `the derivative of \`${of}\` for \`${name}\` can only be 0`,
    page: page(
      "Integers, comparisons, floor and the like pass no derivative, nor does what does not depend at all.",
      "param w: f32\nloss l = floor(w)^2\ntrain l with sgd(rate = 0.1)",
      "param w: f32\nloss l = w^2\ntrain l with sgd(rate = 0.1)",
    ),
    severity: "warning",
  },
  GRAD4006: {
    title: "nothing to train",
    message: ({ loss }: { loss: string }) => `\`train ${loss}\` has no param to train`,
    page: page(
      "A step changes params and states; inputs are given at each call.",
      "input w: f32\nloss l = w^2\ntrain l with sgd(rate = 0.1)",
      "param w: f32\nloss l = w^2\ntrain l with sgd(rate = 0.1)",
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
