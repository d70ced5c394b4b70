import { describe, expect, test } from "vitest";
import { compile, type CompileResult } from "../../src/index.js";
import { parseProgram } from "../../src/ir/text/parse.js";
import { printProgram } from "../../src/ir/text/print.js";
import { explainModule, type FileReport } from "../../src/cli/explain-file.js";
import { boundDims, evaluated, type Data } from "../evaluate.js";

/** Programs with a place for the policy; sizes in T; leaves by name and shape. */
const PROGRAMS: Readonly<Record<string, { source: string; leaves: Readonly<Record<string, string>> }>> = {
  "a network read at its end": {
    source: `dim T, H = 2
      input x: f32[T, H]
      param W: f32[H, H], z0: f32[H]
      rec t in 0..T POLICY {
        z[0, i] = z0[i]
        z[t + 1, i] = tanh(x[t, i] + sum[j] W[i, j] * z[t, j])
      }
      loss l = sum[i] z[T, i]^2`,
    leaves: { x: "T,2", W: "2,2", z0: "2" },
  },
  "two entries back, a range that begins at 1, a gradient for each step": {
    source: `dim T, N = 3
      param u0: f32[N], q: f32[T]
      rec t in 1..T + 1 POLICY {
        u[0, i] = u0[i]
        u[1, i] = 0.9 * u0[i]
        u[t + 1, i] = 1.8 * u[t, i] - u[t - 1, i] + 0.1 * (u[t, i + 1] ?? 0) + q[t - 1] * sin(u[t, i])
      }
      loss l = sum[i] u[T + 1, i]^2 * u[T, i] + 0.1 * sum[t in 1..T + 1, i] cos(u[t, i]) * u[t + 1, i]`,
    leaves: { u0: "3", q: "T" },
  },
  "downwards, with a sum over the steps": {
    source: `dim T
      param a: f32[T], b: f32
      rec t in T..0 POLICY {
        v[T] = b
        w[T] = 0.5 * b
        v[t] = v[t + 1] + 0.3 * sin(w[t + 1] * a[t])
        w[t] = w[t + 1] - 0.2 * v[t] * a[t]
      }
      loss l = v[0] * w[0] + 0.1 * sum[t in 0..T] v[t] * w[t + 1]^2`,
    leaves: { a: "T", b: "" },
  },
  "a gated cell, a softmax at each step, sums of tensors": {
    source: `dim T, B = 2, H = 2
      input k: i32[B, T] in 0..3
      param E: f32[3, H], U: f32[H, H], O: f32[3, H]
      x[b, t, i] = E[k[b, t], i]
      rec t in 0..T POLICY {
        h[0, b in 0..B, i in 0..H] = 0
        r[t, b in 0..B, i] = sigmoid(sum[j] U[i, j] * h[t, b, j] + x[b, t, i])
        h[t + 1, b in 0..B, i] = (1 - r[t, b, i]) * h[t, b, i] + r[t, b, i] * tanh(x[b, t, i] - h[t, b, i])
      }
      p[b, t in 0..T, v] = softmax[v] (sum[i] O[v, i] * h[t + 1, b, i])
      pooled[b, i] = sum[t in 0..T] h[t + 1, b, i]
      loss l = -(sum[b, t] log(p[b, t, k[b, t]])) + sum[b, i] sin(pooled[b, i])`,
    leaves: { k: "i2,T", E: "3,2", U: "2,2", O: "3,2" },
  },
  "two layers, an output of each step": {
    source: `dim T, H = 2
      param W: f32[H, H], g: f32[T, H]
      rec t in 0..T POLICY {
        z[0, i in 0..H] = 0.1
        z[t + 1, i] = tanh(g[t, i] + sum[j] W[i, j] * z[t, j])
      }
      rec s in 0..T POLICY {
        y[0, i in 0..H] = 0.2
        y[s + 1, i] = 0.5 * y[s, i] + z[s + 1, i] * sin(y[s, i]) + 0.1 * z[s, i]
      }
      output o[t in 0..T] = sum[i] y[t + 1, i] * z[t, i]
      loss l = sum[i] y[T, i]^2 + sum[t] o[t]^3`,
    leaves: { W: "2,2", g: "T,2" },
  },
  "a condition": {
    source: `dim T
      param a: f32, x0: f32
      rec t in 0..T POLICY while x[t] < 1 {
        x[0] = x0
        x[t + 1] = x[t] + 0.2 * a * a * x[t]^2 + 0.1
      }
      loss l = x[T]^2 + 0.1 * sum[t in 0..T] x[t] * a`,
    leaves: { a: "", x0: "" },
  },
  "a gradient of a gradient": {
    source: `dim T, H = 2
      param W: f32[H, H], z0: f32[H]
      rec t in 0..T POLICY {
        z[0, i] = z0[i]
        z[t + 1, i] = tanh(sum[j] W[i, j] * z[t, j])
      }
      loss e = sum[i] z[T, i]^2
      gz = grad(e, z0)
      gw = grad(e, W)
      output hv = hvp(e, z0, z0)
      loss l = sum[i] gz[i]^2 + e + sum[i, j] sin(gw[i, j])`,
    leaves: { W: "2,2", z0: "2" },
  },
  "a linear recurrence, whose adjoint reads nothing of it": {
    source: `dim T
      param a: f32[T], z0: f32
      rec t in 0..T POLICY {
        z[0] = z0
        z[t + 1] = a[t] * z[t]
      }
      loss l = sin(z[T])`,
    leaves: { a: "T", z0: "" },
  },
  "nothing but its own entries, all of them an output": {
    source: `dim T
      param a: f32
      rec t in 0..T POLICY {
        z[0] = a
        z[t + 1] = sin(z[t] + a)
      }
      output z
      loss l = z[T]`,
    leaves: { a: "" },
  },
};

const compiled = (source: string, policy: string, off: readonly string[] = []): CompileResult => {
  const result = compile(source.replaceAll("POLICY", policy), { precision: "f64", off, wrt: "all" });
  if (!result.ok) throw new Error(result.diagnostics.map((d) => `${d.code} ${d.message}`).join("\n"));
  return result;
};

function dataFor(leaves: Readonly<Record<string, string>>, T: number): Data {
  let seed = T + 1;
  const random = (): number => (seed = (seed * 16807) % 2147483647) / 2147483647 - 0.5;
  const tensor = (text: string): unknown => {
    const shape = text
      .replace("i", "")
      .split(",")
      .filter(Boolean)
      .map((s) => (s === "T" ? T : Number(s)));
    const count = shape.reduce((a, b) => a * b, 1);
    const data = Array.from({ length: count }, () =>
      text.startsWith("i") ? Math.floor((random() + 0.5) * 2.99) : random(),
    );
    return { shape, data };
  };
  return {
    dims: { T },
    params: Object.fromEntries(Object.entries(leaves).map(([name, shape]) => [name, tensor(shape)])),
  };
}

describe.each(Object.entries(PROGRAMS))("%s", (_, { source, leaves }) => {
  const whole = compiled(source, "").program;
  test.each(["checkpoint sqrt", "checkpoint 1", "checkpoint 4"])("%s changes no result", (policy) => {
    const cut = compiled(source, policy).program;
    if (!whole || !cut) throw new Error("no program");
    for (const T of [1, 2, 3, 4, 5, 9, 10]) {
      const data = dataFor(leaves, T);
      const [want, got] = [evaluated(whole, data), evaluated(cut, data)];
      expect(Object.keys(got)).toEqual(Object.keys(want));
      for (const [name, list] of Object.entries(want)) {
        const scale = Math.max(1e-3, ...list.map(Math.abs));
        list.forEach((x, k) => {
          expect(Math.abs(x - (got[name]?.[k] ?? NaN)) / scale, `${name}[${k}], T = ${T}`).toBeLessThan(
            1e-12,
          );
        });
      }
    }
  });
  test("its text is read back", () => {
    const { program } = compiled(source, "checkpoint sqrt");
    if (!program) throw new Error("no program");
    const text = printProgram(program);
    expect(printProgram(parseProgram(text))).toBe(text);
  });
});

test("no steps at all", () => {
  const { source, leaves } = PROGRAMS["a network read at its end"] ?? { source: "", leaves: {} };
  const [whole, cut] = ["", "checkpoint sqrt"].map((policy) => compiled(source, policy).program);
  if (!whole || !cut) throw new Error("no program");
  const data = dataFor(leaves, 0);
  expect(evaluated(cut, data)).toEqual(evaluated(whole, data));
});

describe("what it keeps and what it costs", () => {
  const { source } = PROGRAMS["a gated cell, a softmax at each step, sums of tensors"] ?? { source: "" };
  const report = (policy: string, T: number): FileReport => {
    const result = compiled(source, policy);
    if (!result.program) throw new Error("no program");
    const dims = boundDims(result.program, { dims: { T } });
    return explainModule(result.scheduled("js"), result.program, "js", new Map(Object.entries(dims)));
  };
  const backward = (policy: string, T: number) =>
    report(policy, T).entries.find((e) => e.name === "backward l") ?? { flops: 0, saved: [] };

  test("memory for a state grows with the root of the steps, and each is computed twice", () => {
    const saved = (policy: string, T: number): number =>
      backward(policy, T)
        .saved.filter((s) => s.name.startsWith("h") || s.name.startsWith("r"))
        .reduce((n, s) => n + Number(s.bytes), 0);
    expect(saved("", 1024)).toBeGreaterThan(1024 * 2 * 2 * 8);
    // 31 later segments, of 2 x 2 entries in float64.
    expect(saved("checkpoint sqrt", 1024)).toBe(31 * 2 * 2 * 8);
    expect(saved("checkpoint 64", 1024)).toBe(15 * 2 * 2 * 8);
    const ratio = Number(backward("checkpoint sqrt", 1024).flops) / Number(backward("", 1024).flops);
    expect(ratio).toBeGreaterThan(1);
    expect(ratio).toBeLessThan(1.6);
  });
  test("the work is linear in the steps", () => {
    const [one, two] = [256, 1024].map((T) => Number(backward("checkpoint sqrt", T).flops));
    expect((two ?? 0) / (one ?? 1)).toBeGreaterThan(3.8);
    expect((two ?? 0) / (one ?? 1)).toBeLessThan(4.2);
  });
  test("it is reported", () => {
    const [first] = report("checkpoint sqrt", 1024).recurrences;
    expect(first?.policy).toBe(
      "entries at the begin of each segment are saved, the steps computed again (checkpoint sqrt)",
    );
    expect(report("checkpoint none", 16).recurrences[0]?.policy).toBe("every step is kept (checkpoint none)");
  });
});
