import { expect, test } from "vitest";
import { compile, renderPretty, STAGES } from "../../src/index.js";

const render = (source: string): string =>
  compile(source)
    .diagnostics.map((d) => renderPretty(d, source))
    .join("\n");

test("an index that nothing binds is reported at its place, with the mend", () => {
  const text = render(
    "dim B, I, H\ninput x: f32[B, I], W: f32[I, H]\nh[b, j] = relu(x[b, i] * W[i, j])\nloss l = sum[b, j] h[b, j]",
  );
  expect(text).toContain("error[GRAD2004]");
  expect(text).toContain("model.grad:3:21");
});

test("two errors are both reported in one run, and good lines between them stand", () => {
  const { diagnostics } = compile(
    "dim N\ninput x: f32[N]\ny[n] = (x[n] + ]\nz[n] = x[n] * 2\nloss l = sum[n] w[n]",
  );
  expect(diagnostics.filter((d) => d.severity === "error").map((d) => d.span.start.line)).toEqual([3, 5]);
});

test("an affine read that leaves its axis is an error", () => {
  expect(render("dim N\ninput x: f32[N]\ny[n in 0..N] = x[n + 1]\nloss l = sum[n] y[n]")).toContain(
    "GRAD3005",
  );
});

test("deep nesting, a long line, nothing and noise give diagnostics in under a second", () => {
  const noise = Array.from({ length: 4000 }, (_, i) => String.fromCharCode((i * 7919) % 251)).join("");
  for (const source of [
    `y = ${"(".repeat(3000)}1${")".repeat(3000)}`,
    "",
    noise,
    `y = ${"a b ".repeat(250_000)}`,
  ]) {
    // Of this process: what else the machine does is not the compiler's.
    const start = process.cpuUsage();
    expect(() => compile(source)).not.toThrow();
    expect(process.cpuUsage(start).user / 1000).toBeLessThan(1000);
  }
});

test("every stage of a model prints, and the same input gives the same bytes", () => {
  const source =
    "dim B, I\ninput x: f32[B, I]\nparam w: f32[I]\nz[b] = sum[i] x[b, i] * w[i]\nloss l = mean[b] z[b]^2\ntrain l with sgd(rate = 0.1)";
  const [first, second] = [
    compile(source, { targets: ["js", "wgsl"] }),
    compile(source, { targets: ["js", "wgsl"] }),
  ];
  expect(first.ok).toBe(true);
  for (const stage of STAGES) expect(first.stage(stage).length).toBeGreaterThan(10);
  expect(first.code).toBe(second.code);
});
