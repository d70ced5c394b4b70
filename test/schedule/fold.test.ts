import { describe, expect, test } from "vitest";
import { compile } from "../../src/index.js";
import type { Target } from "../../src/compile.js";

function forward(source: string, target: Target = "wgsl") {
  const { forward: entry, kernels } = compile(source, { targets: [target] }).scheduled(target);
  return entry.launches.map(({ kernel, tensors }) => {
    const found = kernels.get(kernel);
    if (!found) throw new Error(`no kernel ${kernel}`);
    return { name: kernel, kernel: found, tensors };
  });
}

describe("a long fold on a GPU", () => {
  test("is one of parts, which are shared out, and a fold of the parts", () => {
    const [parts, join, ...rest] = forward("dim N\ninput x: f32[N]\nl = mean[n] exp(x[n])\noutput y = 2 * l");
    expect(rest).toEqual([]);
    expect(parts?.kernel.grid).toHaveLength(1);
    expect(join?.kernel.grid).toEqual([]);
    // Both name the same room.
    const place = (of: typeof parts): number =>
      of?.tensors[of.kernel.buffers.findIndex((b) => b.name === "parts")] ?? NaN;
    expect(place(parts)).toBe(place(join));
    expect(parts?.kernel.buffers.find((b) => b.name === "parts")?.access).toBe("write");
    expect(join?.kernel.buffers.find((b) => b.name === "parts")?.access).toBe("read");
  });
  test("runs over several indices as one, and over a short last one by itself", () => {
    const [parts] = forward("dim B, H\ninput x: f32[B, H, 12]\noutput y = max[b, h, c] x[b, h, c]");
    const [outer] = parts?.kernel.body.filter((s) => s.kind === "loop") ?? [];
    expect(outer?.step).not.toBe(1);
    expect(JSON.stringify(outer?.body)).toContain('"loop"');
  });
  test("keeps to what its guard lets through", () => {
    const [parts] = forward("dim N\ninput x: f32[N]\noutput y = sum[n | x[n] > 0] log(x[n])");
    const [outer] = parts?.kernel.body.filter((s) => s.kind === "loop") ?? [];
    expect(outer?.body.at(-1)?.kind).toBe("if");
  });
  test.each([
    ["few terms", "input x: f32[1000]\noutput y = sum[n] x[n]"],
    ["a place", "dim N\ninput x: f32[N]\noutput y = argmax[n] x[n]"],
    ["a result for each row", "dim N\ninput x: f32[N, N]\noutput y[n] = sum[m] x[n, m]"],
  ])("is one kernel for %s", (_, source) => {
    expect(forward(source)).toHaveLength(1);
  });
  test("is one kernel with blocks on a CPU", () => {
    expect(forward("dim N\ninput x: f32[N]\noutput y = sum[n] exp(x[n])", "js")).toHaveLength(1);
  });
});
