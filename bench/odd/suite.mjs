import { gen } from "../workloads/inputs.mjs";
import { PROGRAMS } from "./programs.mjs";

const TOLERANCE = 1e-4;

/** The name of a program at sizes, which `oddWorkload` reads back: `lstm H=63`. */
export const nameOf = (program, dims) =>
  [program, ...Object.entries(dims).map(([name, size]) => `${name}=${size}`)].join(" ");

/** @returns a Workload of workloads.mjs, without goals */
export function oddWorkload(name) {
  const [program, ...given] = name.split(" ");
  const { source, param, data, dims: usual, scale } = PROGRAMS[program];
  const dims = { ...usual };
  for (const text of given) {
    const [dim, size] = text.split("=");
    dims[dim] = Number(size);
  }
  let seed = 900;
  const filled = (tensors, factor) =>
    Object.fromEntries(
      Object.entries(tensors).map(([tensor, axes]) => {
        const shape = axes
          .split(" ")
          .filter(Boolean)
          .map((axis) => dims[axis] ?? Number(axis));
        const elements = shape.reduce((a, b) => a * b, 1);
        return [tensor, { shape, data: gen(seed++, elements, factor ?? 1 / Math.sqrt(shape[0] ?? 1)) }];
      }),
    );
  const inputs = () => {
    seed = 900;
    return { param: filled(param, scale), data: filled(data, 1) };
  };
  return { name, title: "", source, dims, steps: 0, rate: 0, tolerance: TOLERANCE, inputs };
}
